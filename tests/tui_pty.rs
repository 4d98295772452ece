//! The program on a terminal, from the first key to the last byte.
#![expect(clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test suite")]

#[path = "tui_pty/drill.rs"]
mod drill;
#[path = "tui_pty/hostile.rs"]
mod hostile;
#[path = "support/pty.rs"]
#[expect(dead_code, reason = "shared with the benchmark")]
mod pty;
#[path = "tui_pty/screens.rs"]
mod screens;
#[path = "support/tmux.rs"]
mod tmux;

mod terminal {
    //! What the terminal of these tests does, seen with programs that are known.

    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::time::Duration;

    use rustix::process::Signal;

    use crate::pty::{Exit, Home, Screen};
    use crate::tmux::{self, Tmux};

    fn sh(script: &str) -> Screen {
        Home::new().run(&["sh", "-c", script], &[], 100, 8)
    }

    #[test]
    fn shows_text_where_it_stands_and_how_it_looks() {
        let screen = sh(r"printf '\033[2J\033[2;3Hnode \033[1;31mdb1\033[0m ≠ 日x'; read -r _");
        screen.until_text("node db1 ≠ 日x");
        assert_eq!(screen.text(), "\n  node db1 ≠ 日x");
        assert_eq!(screen.find("db1"), Some((1, 7)));
        assert_eq!(screen.find("x"), Some((1, 15)), "a wide character takes two cells");
        let cell = screen.cell(1, 7);
        assert!(cell.bold());
        assert_eq!(cell.fgcolor(), vt100::Color::Idx(1));
        assert_eq!(screen.cursor(), Some((1, 16)));
        assert!(screen.raw().ends_with("日x".as_bytes()));
    }

    #[test]
    fn keys_arrive_as_a_terminal_sends_them() {
        let screen =
            sh("stty raw -echo; printf ready; dd bs=1 count=15 2>/dev/null | od -An -tx1 -w20; read -r _");
        screen.until_text("ready");
        screen.keys("j<lt><enter><esc><c-c><a-x><up><f5>");
        screen.until_text("6a 3c 0d 1b 03 1b 78 1b 5b 41 1b 5b 31 35 7e");
    }

    #[test]
    fn a_paste_comes_in_brackets_where_they_were_asked_for() {
        let screen = sh(r"stty raw -echo; printf ready; dd bs=1 count=3 2>/dev/null | od -An -c;
              printf '\033[?2004hon'; dd bs=1 count=15 2>/dev/null | od -An -tx1; read -r _");
        screen.until_text("ready");
        screen.paste("a\nb");
        screen.until_text("a  \\r   b");
        screen.until_text("on");
        screen.paste("lo\n");
        screen.until_text("1b 5b 32 30 30 7e 6c 6f 0d 1b 5b 32 30 31 7e");
    }

    #[test]
    fn questions_to_the_terminal_are_answered() {
        let screen =
            sh(r"stty raw -echo; printf '\033[3;5H\033[6n'; dd bs=1 count=6 2>/dev/null | od -An -c;
              printf '\033[c'; dd bs=1 count=9 2>/dev/null | od -An -tx1; read -r _");
        screen.until_text("033   [   3   ;   5   R");
        screen.until_text("1b 5b 3f 36 32 3b 32 32 63");
    }

    #[test]
    fn what_a_terminal_would_obey_is_written_down() {
        let screen = sh(r"printf '\033]0;owned\007\007\033]52;c;aGk=\007done'; read -r _");
        screen.until_text("done");
        assert_eq!(screen.obeyed(), ["icon owned", "title owned", "bell", "clipboard aGk="]);
    }

    #[test]
    fn a_size_is_told() {
        let screen = sh("trap 'stty size' WINCH; stty size; while :; do sleep 0.05; done");
        screen.until_text("8 100");
        screen.resize(20, 5);
        screen.until_text("5 20");
        assert_eq!(screen.see(vt100::Screen::size), (5, 20));
    }

    #[test]
    fn ends_are_told_apart() {
        let mut screen = sh("printf bye; exit 3");
        assert_eq!(screen.wait_exit(), Exit { code: 3, signal: None });
        assert_eq!(screen.text(), "bye");
        let mut screen = sh("printf here; exec sleep 100");
        screen.until_text("here");
        screen.signal(Signal::TERM);
        assert_eq!(screen.wait_exit().signal.as_deref(), Some("Terminated"));
    }

    #[test]
    fn a_wait_in_vain_shows_the_screen() {
        let screen = sh("printf 'something else'; read -r _");
        let limit = Duration::from_millis(300);
        let waited = catch_unwind(AssertUnwindSafe(|| screen.within(limit, "it works", |_| false)));
        let panic = waited.expect_err("it never was so");
        let text = panic.downcast_ref::<String>().expect("a text");
        assert!(text.starts_with("waited in vain: it works\n"), "{text}");
        assert!(text.contains("│something else"), "{text}");
    }

    #[test]
    fn a_terminal_that_is_not_given_back_is_noticed() {
        for (on, what) in [
            (r"\033[?1049h", "the alternate screen"),
            (r"\033[?25l", "a hidden cursor"),
            (r"\033[?2004h", "bracketed paste"),
            (r"\033[?1000h", "the mouse"),
            (r"\033[31m", "a colour"),
            (r"\033[?2026h", "an update is held back"),
        ] {
            let mut screen = sh(&format!("printf 'x{on}'"));
            screen.wait_exit();
            let checked = catch_unwind(AssertUnwindSafe(|| screen.assert_given_back()));
            let panic = checked.expect_err(what);
            let text = panic.downcast_ref::<String>().map_or("", String::as_str);
            let text = if text.is_empty() {
                panic.downcast_ref::<&str>().copied().unwrap_or_default()
            } else {
                text
            };
            assert!(text.contains(what), "{text}");
        }
        let mut screen = sh("stty raw -echo");
        screen.wait_exit();
        assert!(catch_unwind(AssertUnwindSafe(|| screen.assert_given_back())).is_err());
        let mut screen = sh(r"printf '\033[?1049h\033[?25lx\033[?25h\033[?1049l'");
        screen.wait_exit();
        screen.assert_given_back();
    }

    #[test]
    fn a_program_is_put_aside_and_fetched_back() {
        let screen =
            Home::new().run(&["bash", "--norc", "--noprofile", "-i"], &[("PS1", "at-home> ")], 80, 10);
        screen.until_text("at-home>");
        screen.keys("sh -c 'echo re\"\"ady; exec cat'<enter>");
        screen.until_text("ready");
        screen.keys("one<enter>");
        screen.until("the echo", |screen| screen.contents().matches("one").count() == 2);
        screen.keys("<c-z>");
        screen.until_text("Stopped");
        screen.keys("fg<enter>");
        screen.until("the job's line", |screen| screen.contents().matches("exec cat").count() == 3);
        screen.keys("two<enter>");
        screen.until("the echo", |screen| screen.contents().matches("two").count() == 2);
    }

    #[test]
    fn a_session_of_tmux_goes_on_while_nobody_looks() {
        if let Err(why) = tmux::requirements() {
            println!("not run ({why})");
            return;
        }
        let home = Home::new();
        let tmux = Tmux::new(&home);
        let script = "trap 'stty size' WINCH; printf 'here '; while ! [ -e more ]; do sleep 0.05; done; echo more; read -r _";
        let screen = tmux.start(&["sh", "-c", script], 60, 10);
        screen.until_text("here");
        tmux.detach(screen);
        home.write("more", "");
        let screen = tmux.attach(50, 12);
        screen.until_text("more");
        screen.until_text("12 50");
    }

    #[test]
    fn a_program_sees_nothing_of_this_machine() {
        let script = "env | cut -d= -f1 | sort | tr '\\n' ' '; printf %s \"$MORE $HOME\"";
        let mut screen = Home::new().run(&["sh", "-c", script], &[("MORE", "yes")], 200, 8);
        screen.wait_exit();
        let home = screen.home().path().display();
        let names = "HOME LANG MORE PATH PWD SHELL TERM XDG_CACHE_HOME XDG_CONFIG_HOME XDG_DATA_HOME XDG_RUNTIME_DIR \
                     XDG_STATE_HOME";
        assert_eq!(screen.text(), format!("{names} yes {home}"));
    }
}

mod plain {
    //! The command line on a terminal.

    use crate::pty::{Exit, Home, Screen};

    #[test]
    fn help_fits_a_terminal_and_leaves_it_alone() {
        let mut screen = Screen::start(&["--help"], &[], 80, 60);
        assert_eq!(screen.wait_exit(), Exit { code: 0, signal: None });
        assert!(screen.text().contains("Usage: breakglass"), "{}", screen.picture());
        assert!(!screen.raw().contains(&0x1b) || !screen.see(vt100::Screen::alternate_screen));
        assert_eq!(screen.obeyed(), Vec::<String>::new());
    }

    #[test]
    fn a_page_of_status_on_a_terminal() {
        let home = Home::new();
        let inventory = home.write(
            "inventory.toml",
            "format = \"breakglass.inventory/1\"\n[[cluster]]\nname = \"shop\"\nfamily = \"galera\"\n[[cluster.node]]\nname = \"db1\"\nvia = [\"false\", \"sh\", \"-s\"]\n",
        );
        let mut screen = home.start(&["status", "--inventory", &inventory.to_string_lossy()], &[], 80, 40);
        let exit = screen.wait_exit();
        assert_eq!(exit.code, 30, "{}", screen.picture());
        assert!(screen.text().contains("db1"), "{}", screen.picture());
    }
}
