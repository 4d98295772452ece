//! The screens, from the first frame to the terminal given back.

use std::time::Duration;

use rustix::process::Signal;

use crate::hostile;
use crate::pty::{BREAKGLASS, Exit, Home, Screen, text};
use crate::tmux::{self, Tmux};

/// The first screen of a home without inventory.
fn welcome(cols: u16, rows: u16) -> Screen {
    let screen = Screen::start(&[], &[], cols, rows);
    screen.until_text("Breakglass");
    screen
}

/// A home whose one cluster has three nodes that nobody can reach.
pub(crate) fn unreachable() -> Home {
    let home = Home::new();
    let node = |name: &str| {
        format!("[[cluster.node]]\nname = \"{name}\"\nvia = [\"false\", \"{name}\", \"sh\", \"-s\"]\n")
    };
    let nodes: String = ["g1", "g2", "g3"].map(node).concat();
    let head = "format = \"breakglass.inventory/1\"\n[[cluster]]\nname = \"shop\"\nfamily = \"galera\"\n";
    home.write(".config/breakglass/inventory.toml", &format!("{head}{nodes}"));
    home
}

/// It ended so, and the terminal is as it was.
fn left(mut screen: Screen, code: u32) {
    assert_eq!(screen.wait_exit(), Exit { code, signal: None }, "{}", screen.picture());
    assert!(screen.raw().windows(8).any(|bytes| bytes == b"\x1b[?1049h"), "it never took the terminal over");
    screen.assert_given_back();
    assert_eq!(screen.text(), "", "something is left on the screen");
}

#[test]
fn without_inventory_it_welcomes_and_q_leaves() {
    let screen = welcome(80, 24);
    screen.until_text("inventory.toml");
    assert!(screen.see(vt100::Screen::alternate_screen));
    screen.keys("q");
    left(screen, 0);
}

#[test]
fn control_c_leaves_where_nothing_runs() {
    let screen = welcome(80, 24);
    screen.keys("<c-c>");
    left(screen, 0);
}

#[test]
fn a_signal_leaves_in_good_order() {
    for signal in [Signal::TERM, Signal::HUP, Signal::INT] {
        let screen = welcome(80, 24);
        screen.signal(signal);
        left(screen, 130);
    }
}

#[test]
fn it_lives_in_any_size() {
    let screen = welcome(80, 24);
    let before = screen.text();
    // The emulator of these tests breaks down on a frame much larger than itself, so each size is drawn before the next.
    for (cols, rows) in [(20, 5), (4, 3), (300, 100), (80, 3), (5, 60)] {
        screen.resize(cols, rows);
        screen.still(Duration::from_millis(150));
        screen.keys("j");
    }
    screen.still(Duration::from_millis(150));
    screen.resize(80, 24);
    screen.keys("k");
    screen.until("the first screen again", |screen| text(screen) == before);
    screen.keys("q");
    left(screen, 0);
}

#[test]
fn put_aside_and_fetched_back() {
    let mut screen =
        Home::new().run(&["bash", "--norc", "--noprofile", "-i"], &[("PS1", "at-home> ")], 80, 24);
    screen.until_text("at-home>");
    screen.keys(&format!("{BREAKGLASS}<enter>"));
    screen.until_text("inventory.toml");
    let before = screen.text();
    screen.keys("<c-z>");
    screen.until_text("Stopped");
    assert!(!screen.see(vt100::Screen::alternate_screen), "{}", screen.picture());
    screen.keys("fg<enter>");
    screen.until("the screen again", |screen| text(screen) == before);
    assert!(screen.see(vt100::Screen::alternate_screen));
    screen.keys("q");
    screen.until("the shell again", |screen| !screen.alternate_screen());
    screen.keys("exit<enter>");
    assert_eq!(screen.wait_exit().code, 0);
    screen.assert_given_back();
}

#[test]
fn stopped_from_outside_it_goes_on() {
    let screen = welcome(80, 24);
    screen.signal(Signal::STOP);
    screen.resize(100, 30);
    screen.signal(Signal::CONT);
    screen.keys("q");
    left(screen, 0);
}

#[test]
fn nodes_that_nobody_reaches_are_named() {
    let screen = unreachable().start(&[], &[], 80, 24);
    screen.until_text("shop");
    for node in ["g1", "g2", "g3"] {
        screen.until_text(node);
    }
    screen.until_text("READ-ONLY");
    screen.keys("q");
    left(screen, 0);
}

#[test]
fn nothing_a_node_says_is_obeyed_by_the_terminal_of_a_screen() {
    let home = hostile::home();
    let screen = home.start(&[], &[], 160, 50);
    screen.until_text("g2");
    screen.until_text("MARK");
    // Every page that shows what nodes say.
    for key in [
        "e", "<tab>", "<tab>", "i", "o", "n", "l", "<tab>", "<tab>", "<esc>", "<enter>", "<tab>", "e",
        "<esc>", "<esc>", "R", "c", "<tab>", "<esc>",
    ] {
        screen.keys(key);
        screen.still(Duration::from_millis(100));
    }
    hostile::is_tame(&screen);
    screen.keys("<c-c>");
    left(screen, 0);
}

#[test]
fn in_tmux_as_on_a_terminal() {
    if let Err(why) = tmux::requirements() {
        println!("not run ({why})");
        return;
    }
    let home = Home::new();
    let alone = home.start(&[], &[], 80, 24);
    alone.until_text("inventory.toml");
    let tmux = Tmux::new(&home);
    let screen = tmux.start(&[BREAKGLASS], 80, 24);
    screen.until("the same screen", |screen| text(screen) == alone.text());
    tmux.detach(screen);
    let screen = tmux.attach(100, 30);
    screen.until_text("inventory.toml");
    screen.keys("q");
    let mut screen = screen;
    assert_eq!(screen.wait_exit().code, 0, "{}", screen.picture());
}
