//! A program inside tmux inside a terminal, with a server of its own: a session that goes on while nobody looks.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::pty::{Home, Screen};

/// Nothing of tmux's own on the screen, and Esc told from Alt as fast as by a terminal.
const CONFIG: &str = "set -g status off\nset -g escape-time 10\nset -g default-terminal tmux-256color\n\
                      set -g window-size latest\n";

/// A tmux server. Dropping it ends all that runs in it.
pub(crate) struct Tmux {
    home: Home,
    socket: String,
    config: PathBuf,
}

/// Whether tmux is there.
pub(crate) fn requirements() -> Result<(), String> {
    let asked = Command::new("tmux").arg("-V").stdin(Stdio::null()).stdout(Stdio::null()).status();
    asked.map(|_| ()).map_err(|_| "tmux is not installed".to_owned())
}

impl Tmux {
    pub(crate) fn new(home: &Home) -> Self {
        let config = home.write("tmux.conf", CONFIG);
        let socket = home.path().join("tmux").to_string_lossy().into_owned();
        Self { home: home.clone(), socket, config }
    }

    /// Starts a program in a session that the screen looks at.
    pub(crate) fn start(&self, argv: &[&str], cols: u16, rows: u16) -> Screen {
        let config = self.config.to_string_lossy();
        let tmux = ["tmux", "-f", &config, "-S", &self.socket, "new-session"];
        self.home.run(&[&tmux[..], argv].concat(), &[], cols, rows)
    }

    /// Looks at the session again, from a terminal of its own size.
    pub(crate) fn attach(&self, cols: u16, rows: u16) -> Screen {
        self.home.run(&["tmux", "-S", &self.socket, "attach"], &[], cols, rows)
    }

    /// Looks away: the program goes on.
    pub(crate) fn detach(&self, mut screen: Screen) {
        self.tell(&["detach-client"]);
        assert_eq!(screen.wait_exit().code, 0, "{}", screen.picture());
    }

    fn tell(&self, words: &[&str]) {
        let output =
            Command::new("tmux").args(["-S", &self.socket]).args(words).stdin(Stdio::null()).output();
        let output = output.expect("tmux runs");
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        // It may have ended with its last program.
        let _ = Command::new("tmux").args(["-S", &self.socket, "kill-server"]).stderr(Stdio::null()).status();
    }
}
