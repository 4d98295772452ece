//! Machines that say what a terminal would obey.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::pty::{Home, Screen};

/// Titles, the clipboard, colours, another charset, text that runs backwards or has no width, and a carriage return
/// that would put one line over another.
const SAID: &str = "MARK\x1b]0;OWNED\x07\x1b]52;c;T1dORUQ=\x07\x1b[2J\x1b[31m\x1b(0\u{9b}31m\u{202e}cod\u{202c}\u{200b}\u{feff}\u{2066}日本\rOVER";
/// None of it may reach the terminal, wherever it stands.
const NEVER: [&str; 8] =
    ["\x1b]", "\x1b(0", "\u{9b}", "\u{202e}", "\u{202c}", "\u{200b}", "\u{feff}", "\u{2066}"];

/// A home whose inventory has two nodes, both this machine with hostile tools: one answers the probe in order, the other
/// only complains.
pub(crate) fn home() -> Home {
    let home = Home::new();
    for name in
        ["uname", "hostname", "stat", "df", "ss", "systemctl", "journalctl", "mariadb", "my_print_defaults"]
    {
        executable(
            &home,
            &format!("tools/{name}"),
            &format!("#!/bin/sh\ncat <<'EOT'\n{SAID}\nEOT\ncat <<'EOT' >&2\n{SAID}\nEOT\nexit 1\n"),
        );
    }
    let grastate = format!(
        "# GALERA saved state\nversion: 2.1\nuuid: {SAID}\nseqno: {SAID}\nsafe_to_bootstrap: {SAID}\n"
    );
    home.write("data/grastate.dat", &grastate);
    home.write("data/gvwstate.dat", &format!("my_uuid: {SAID}\n#vwbeg\nview_id: {SAID}\n"));
    home.write("data/sst_in_progress", SAID);
    let tools = home.path().join("tools");
    let answering = executable(
        &home,
        "answering",
        &format!("#!/bin/sh\nprintf '%s\\n' '{SAID}' >&2\nPATH={}:$PATH exec \"$@\"\n", tools.display()),
    );
    let complaining = executable(
        &home,
        "complaining",
        &format!("#!/bin/sh\nprintf '%s\\n' '{SAID}' >&2\nprintf '%s\\n' '{SAID}'\nexit 7\n"),
    );
    let data = home.path().join("data");
    home.write(
        ".config/breakglass/inventory.toml",
        &format!(
            "format = \"breakglass.inventory/1\"\n[[cluster]]\nname = \"shop\"\nfamily = \"galera\"\n\
             [[cluster.node]]\nname = \"g1\"\nvia = [\"{answering}\", \"sh\", \"-s\"]\ndatadir = \"{}\"\n\
             [[cluster.node]]\nname = \"g2\"\nvia = [\"{complaining}\", \"sh\", \"-s\"]\n",
            data.display()
        ),
    );
    home
}

fn executable(home: &Home, name: &str, text: &str) -> String {
    let path = home.write(name, text);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("executable");
    path.to_str().expect("a path").to_owned()
}

/// What the machines said was shown, and nothing of it was obeyed.
pub(crate) fn is_tame(screen: &Screen) {
    let raw = screen.raw();
    let text = String::from_utf8(raw).expect("a terminal is sent UTF-8 only");
    assert!(text.contains("MARK"), "nothing of it was shown\n{}", screen.picture());
    for never in NEVER {
        assert!(!text.contains(never), "{never:?} reached the terminal\n{}", screen.picture());
    }
    assert!(!text.contains("\rOVER"), "one line could be put over another\n{}", screen.picture());
    assert_eq!(screen.obeyed(), Vec::<String>::new());
}

#[test]
fn nothing_a_node_says_is_obeyed_by_the_terminal_of_a_page() {
    let home = home();
    for arguments in [&["status"][..], &["status", "--json"]] {
        let mut screen = home.start(arguments, &[], 160, 400);
        screen.wait_exit();
        is_tame(&screen);
    }
}
