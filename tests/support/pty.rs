//! A program on a terminal, seen as an operator sees it: keys go in, a screen comes out.
//!
//! Nothing here sleeps and hopes: whoever waits, waits for what is to be seen, with a deadline, and a wait in vain shows
//! the whole screen. The program's home is a fresh directory, and it sees nothing else of this machine's environment.

use std::fs;
use std::io::{Read as _, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use portable_pty::{CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// The program under test.
pub(crate) const BREAKGLASS: &str = env!("CARGO_BIN_EXE_breakglass");
/// How long anything to be seen may take. Long, because nobody waits that long where all is well.
const PATIENCE: Duration = Duration::from_secs(20);

/// A home of its own for the programs of one test.
#[derive(Clone)]
pub(crate) struct Home(Arc<TempDir>);

impl Home {
    pub(crate) fn new() -> Self {
        Self(Arc::new(tempfile::tempdir().expect("a directory")))
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Puts a file there, in directories that are made.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().expect("a directory")).expect("made");
        fs::write(&path, text).expect("written");
        path
    }

    /// A command that sees this home and a plain terminal, and of this machine's environment only the search path.
    fn command(&self, argv: &[&str], env: &[(&str, &str)]) -> CommandBuilder {
        let mut command = CommandBuilder::from_argv(argv.iter().map(Into::into).collect());
        let path = std::env::var("PATH").unwrap_or_default() + ":/usr/sbin:/sbin";
        let home = self.path();
        command.env_clear();
        command.cwd(home);
        for (name, value) in
            [("PATH", path.as_str()), ("TERM", "xterm-256color"), ("LANG", "C.UTF-8"), ("SHELL", "/bin/sh")]
        {
            command.env(name, value);
        }
        command.env("HOME", home);
        for (name, below) in [
            ("XDG_CONFIG_HOME", ".config"),
            ("XDG_STATE_HOME", ".local/state"),
            ("XDG_DATA_HOME", ".local/share"),
            ("XDG_CACHE_HOME", ".cache"),
            ("XDG_RUNTIME_DIR", "run"),
        ] {
            fs::create_dir_all(home.join(below)).expect("made");
            command.env(name, home.join(below));
        }
        for (name, value) in env {
            command.env(name, value);
        }
        command
    }

    /// Breakglass on a terminal of this size.
    pub(crate) fn start(&self, args: &[&str], env: &[(&str, &str)], cols: u16, rows: u16) -> Screen {
        self.run(&[&[BREAKGLASS], args].concat(), env, cols, rows)
    }

    /// Any program on a terminal of this size.
    pub(crate) fn run(&self, argv: &[&str], env: &[(&str, &str)], cols: u16, rows: u16) -> Screen {
        Screen::new(self.clone(), argv, env, cols, rows)
    }
}

/// What a terminal does with what is no text: it answers questions, and it obeys, which is written down.
#[derive(Default)]
struct Terminal {
    answers: Vec<u8>,
    obeyed: Vec<String>,
}

impl vt100::Callbacks for Terminal {
    fn unhandled_csi(
        &mut self,
        screen: &mut vt100::Screen,
        first: Option<u8>,
        second: Option<u8>,
        params: &[&[u16]],
        last: char,
    ) {
        let param = params.first().and_then(|param| param.first()).copied().unwrap_or_default();
        let (row, col) = screen.cursor_position();
        let answer = match (first, second, last, param) {
            (None, None, 'n', 6) => format!("\x1b[{};{}R", row + 1, col + 1),
            (None, None, 'n', 5) => "\x1b[0n".to_owned(),
            (None, None, 'c', _) => "\x1b[?62;22c".to_owned(),
            (Some(b'>'), None, 'c', _) => "\x1b[>41;370;0c".to_owned(),
            // "Never heard of that mode."
            (Some(b'?'), Some(b'$'), 'p', mode) => format!("\x1b[?{mode};0$y"),
            _ => String::new(),
        };
        self.answers.extend(answer.bytes());
    }

    fn unhandled_osc(&mut self, _: &mut vt100::Screen, params: &[&[u8]]) {
        let words: Vec<_> = params.iter().map(|word| String::from_utf8_lossy(word)).collect();
        if let [colour @ ("10" | "11"), "?"] = &words.iter().map(AsRef::as_ref).collect::<Vec<_>>()[..] {
            self.answers.extend(format!("\x1b]{colour};rgb:1010/1010/1010\x1b\\").bytes());
        } else {
            self.obeyed.push(format!("OSC {}", words.join(";")));
        }
    }

    fn audible_bell(&mut self, _: &mut vt100::Screen) {
        self.obeyed.push("bell".to_owned());
    }

    fn visual_bell(&mut self, _: &mut vt100::Screen) {
        self.obeyed.push("visual bell".to_owned());
    }

    fn resize(&mut self, _: &mut vt100::Screen, request: (u16, u16)) {
        self.obeyed.push(format!("resize {request:?}"));
    }

    fn set_window_icon_name(&mut self, _: &mut vt100::Screen, name: &[u8]) {
        self.obeyed.push(format!("icon {}", String::from_utf8_lossy(name)));
    }

    fn set_window_title(&mut self, _: &mut vt100::Screen, title: &[u8]) {
        self.obeyed.push(format!("title {}", String::from_utf8_lossy(title)));
    }

    fn copy_to_clipboard(&mut self, _: &mut vt100::Screen, _: &[u8], data: &[u8]) {
        self.obeyed.push(format!("clipboard {}", String::from_utf8_lossy(data)));
    }

    fn paste_from_clipboard(&mut self, _: &mut vt100::Screen, _: &[u8]) {
        self.obeyed.push("clipboard read".to_owned());
    }
}

/// What came out so far.
struct Seen {
    parser: vt100::Parser<Terminal>,
    raw: Vec<u8>,
    /// When the first and the last of it came.
    first: Option<Instant>,
    last: Instant,
    closed: bool,
}

type Shared = Arc<(Mutex<Seen>, Condvar)>;
type Writer = Arc<Mutex<Box<dyn Write + Send>>>;

/// How a program ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Exit {
    pub(crate) code: u32,
    /// The signal that ended it, in words.
    pub(crate) signal: Option<String>,
}

/// A running program and its terminal. Dropping it ends the program.
pub(crate) struct Screen {
    home: Home,
    seen: Shared,
    writer: Writer,
    master: Box<dyn MasterPty + Send>,
    pid: Pid,
    begun: Instant,
    ended: Receiver<ExitStatus>,
    exit: Option<Exit>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("the emulator broke down: see above")
}

impl Screen {
    /// Breakglass in a home of its own.
    pub(crate) fn start(args: &[&str], env: &[(&str, &str)], cols: u16, rows: u16) -> Self {
        Home::new().start(args, env, cols, rows)
    }

    fn new(home: Home, argv: &[&str], env: &[(&str, &str)], cols: u16, rows: u16) -> Self {
        let size = PtySize { rows, cols, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).expect("a terminal");
        let command = home.command(argv, env);
        let begun = Instant::now();
        let mut child = pair.slave.spawn_command(command).unwrap_or_else(|error| panic!("{argv:?}: {error}"));
        drop(pair.slave);
        let pid = child.process_id().and_then(|pid| Pid::from_raw(pid.try_into().ok()?)).expect("a process");
        let seen = Seen {
            parser: vt100::Parser::new_with_callbacks(rows, cols, 0, Terminal::default()),
            raw: Vec::new(),
            first: None,
            last: begun,
            closed: false,
        };
        let seen: Shared = Arc::new((Mutex::new(seen), Condvar::new()));
        let writer: Writer = Arc::new(Mutex::new(pair.master.take_writer().expect("a writer")));
        let mut reader = pair.master.try_clone_reader().expect("a reader");
        let (shared, answering) = (Arc::clone(&seen), Arc::clone(&writer));
        thread::spawn(move || {
            let mut buffer = vec![0; 64 << 10];
            while let Ok(n @ 1..) = reader.read(&mut buffer) {
                let now = Instant::now();
                let mut seen = locked(&shared.0);
                seen.raw.extend_from_slice(&buffer[..n]);
                seen.parser.process(&buffer[..n]);
                seen.first.get_or_insert(now);
                seen.last = now;
                let answers = std::mem::take(&mut seen.parser.callbacks_mut().answers);
                drop(seen);
                shared.1.notify_all();
                if !answers.is_empty() {
                    // A program that asked and went hears no answer.
                    let _ = locked(&answering).write_all(&answers);
                }
            }
            locked(&shared.0).closed = true;
            shared.1.notify_all();
        });
        let (tell, ended) = channel();
        thread::spawn(move || {
            if let Ok(status) = child.wait() {
                // Nobody asks where the screen is gone.
                let _ = tell.send(status);
            }
        });
        Self { home, seen, writer, master: pair.master, pid, begun, ended, exit: None }
    }

    pub(crate) fn home(&self) -> &Home {
        &self.home
    }

    pub(crate) fn pid(&self) -> Pid {
        self.pid
    }

    /// When the program was started.
    pub(crate) fn begun(&self) -> Instant {
        self.begun
    }

    /// When its first byte came.
    pub(crate) fn first_byte(&self) -> Option<Instant> {
        locked(&self.seen.0).first
    }

    /// Presses keys. Plain characters are themselves; `<enter> <esc> <tab> <s-tab> <space> <bs> <del> <up> <down> <left>
    /// <right> <home> <end> <pgup> <pgdn> <f1>`…`<f12>`, `<c-x>` with Ctrl, `<a-x>` with Alt, and `<lt>` is `<`.
    pub(crate) fn keys(&self, keys: &str) {
        let keys = parsed(keys);
        for (at, key) in keys.iter().enumerate() {
            locked(&self.writer).write_all(key).expect("the terminal takes keys");
            // A terminal tells Esc from Alt by nothing but the gap behind it, and the program what is typed from what is
            // pasted: so here time has a meaning.
            let gap = if key == b"\x1b" { 40 } else { 8 };
            if at + 1 < keys.len() {
                thread::sleep(Duration::from_millis(gap));
            }
        }
    }

    /// Pastes, as a terminal does: in brackets where the program asked for them.
    pub(crate) fn paste(&self, text: &str) {
        let brackets = self.see(vt100::Screen::bracketed_paste);
        let (open, close) = if brackets { ("\x1b[200~", "\x1b[201~") } else { ("", "") };
        let all = format!("{open}{}{close}", text.replace('\n', "\r"));
        locked(&self.writer).write_all(all.as_bytes()).expect("the terminal takes text");
    }

    /// Gives the terminal another size; the program is told by SIGWINCH.
    pub(crate) fn resize(&self, cols: u16, rows: u16) {
        locked(&self.seen.0).parser.screen_mut().set_size(rows, cols);
        let size = PtySize { rows, cols, pixel_width: 0, pixel_height: 0 };
        self.master.resize(size).expect("another size");
    }

    /// Something of the screen as it is now.
    pub(crate) fn see<T>(&self, look: impl FnOnce(&vt100::Screen) -> T) -> T {
        look(locked(&self.seen.0).parser.screen())
    }

    /// The lines of the screen, without what is empty at their ends.
    pub(crate) fn text(&self) -> String {
        self.see(text)
    }

    /// All bytes so far.
    pub(crate) fn raw(&self) -> Vec<u8> {
        locked(&self.seen.0).raw.clone()
    }

    /// How many bytes came so far.
    pub(crate) fn count(&self) -> usize {
        locked(&self.seen.0).raw.len()
    }

    /// What a terminal would have done beside showing text: bells, titles, the clipboard, sizes.
    pub(crate) fn obeyed(&self) -> Vec<String> {
        locked(&self.seen.0).parser.callbacks().obeyed.clone()
    }

    /// Row and column of the first place where this text stands on one line.
    pub(crate) fn find(&self, wanted: &str) -> Option<(u16, u16)> {
        self.see(|screen| {
            let (rows, cols) = screen.size();
            (0..rows).find_map(|row| {
                let column = (0..cols).find(|col| starts_here(screen, row, *col, wanted))?;
                Some((row, column))
            })
        })
    }

    /// The cell there.
    pub(crate) fn cell(&self, row: u16, col: u16) -> vt100::Cell {
        self.see(|screen| screen.cell(row, col).cloned()).unwrap_or_else(|| panic!("no cell at {row}, {col}"))
    }

    /// The cursor's row and column; `None` where it is hidden.
    pub(crate) fn cursor(&self) -> Option<(u16, u16)> {
        self.see(|screen| (!screen.hide_cursor()).then(|| screen.cursor_position()))
    }

    /// Waits until the screen is so; returns when the bytes came that made it so.
    pub(crate) fn until(&self, what: &str, test: impl FnMut(&vt100::Screen) -> bool) -> Instant {
        self.within(PATIENCE, what, test)
    }

    /// Waits until this text is to be seen.
    pub(crate) fn until_text(&self, wanted: &str) -> Instant {
        self.until(&format!("{wanted:?} on the screen"), |screen| text(screen).contains(wanted))
    }

    /// Waits until the screen is so, for so long at most.
    pub(crate) fn within(
        &self,
        limit: Duration,
        what: &str,
        mut test: impl FnMut(&vt100::Screen) -> bool,
    ) -> Instant {
        let deadline = Instant::now() + limit;
        let mut seen = locked(&self.seen.0);
        loop {
            if test(seen.parser.screen()) {
                return seen.last;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || seen.closed {
                let how = if seen.closed { "the program ended" } else { "waited in vain" };
                let picture = picture(seen.parser.screen());
                drop(seen);
                panic!("{how}: {what}\n{picture}");
            }
            // What is waited for may also be something beside the screen.
            let left = left.min(Duration::from_millis(50));
            seen = self.seen.1.wait_timeout(seen, left).expect("the emulator broke down: see above").0;
        }
    }

    /// Waits until nothing came for so long, from now on; returns when the last of it came. For measurements and pictures of what is
    /// not known beforehand.
    pub(crate) fn still(&self, gap: Duration) -> Instant {
        let begun = Instant::now();
        let deadline = begun + PATIENCE;
        let mut seen = locked(&self.seen.0);
        loop {
            let since = seen.last.max(begun).elapsed();
            if (seen.first.is_some() && since >= gap) || seen.closed {
                return seen.last;
            }
            assert!(Instant::now() < deadline, "never still\n{}", picture(seen.parser.screen()));
            let left = gap.saturating_sub(since).max(Duration::from_millis(1));
            seen = self.seen.1.wait_timeout(seen, left).expect("the emulator broke down: see above").0;
        }
    }

    /// Sends the program a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid, signal).expect("the program is there");
    }

    /// Waits for the program's end and for all it said.
    pub(crate) fn wait_exit(&mut self) -> Exit {
        if let Some(exit) = &self.exit {
            return exit.clone();
        }
        let Ok(status) = self.ended.recv_timeout(PATIENCE) else {
            panic!("the program does not end\n{}", self.picture());
        };
        let exit = Exit { code: status.exit_code(), signal: status.signal().map(str::to_owned) };
        let deadline = Instant::now() + Duration::from_secs(2);
        let mut seen = locked(&self.seen.0);
        // Somebody it started may hold the terminal; that must not keep us.
        while !seen.closed && Instant::now() < deadline {
            let left = deadline.saturating_duration_since(Instant::now());
            seen = self.seen.1.wait_timeout(seen, left).expect("the emulator broke down: see above").0;
        }
        drop(seen);
        self.exit = Some(exit.clone());
        exit
    }

    /// The terminal's settings as `stty -a` says them.
    pub(crate) fn settings(&self) -> String {
        let tty = self.master.tty_name().expect("a name");
        let output = Command::new("stty").arg("-a").arg("-F").arg(tty).stdin(Stdio::null()).output();
        String::from_utf8_lossy(&output.expect("stty runs").stdout).into_owned()
    }

    /// Panics unless the terminal is as a shell wants it: the usual screen with a cursor, lines and echo, nothing
    /// bracketed, no mouse, no colour left on, and no update held back.
    pub(crate) fn assert_given_back(&self) {
        self.see(|screen| {
            let left_on = [
                (screen.alternate_screen(), "the alternate screen"),
                (screen.hide_cursor(), "a hidden cursor"),
                (screen.bracketed_paste(), "bracketed paste"),
                (screen.application_keypad(), "the application keypad"),
                (screen.application_cursor(), "application cursor keys"),
                (screen.mouse_protocol_mode() != vt100::MouseProtocolMode::None, "the mouse"),
                (screen.fgcolor() != vt100::Color::Default, "a colour"),
                (screen.bgcolor() != vt100::Color::Default, "a background"),
                (screen.bold() || screen.inverse() || screen.underline(), "an attribute"),
            ];
            for (is, what) in left_on {
                assert!(!is, "{what} is left on\n{}", picture(screen));
            }
        });
        let raw = self.raw();
        let last = |wanted: &[u8]| raw.windows(wanted.len()).rposition(|window| window == wanted);
        // An update that is begun and never ended leaves the screen as it was.
        assert!(last(b"\x1b[?2026h") <= last(b"\x1b[?2026l"), "an update is held back");
        let settings = self.settings();
        for wanted in ["icanon", "echo", "isig", "icrnl", "opost"] {
            let there = settings.split([' ', ';', '\n']).any(|word| word == wanted);
            assert!(there, "{wanted} is off: {settings}");
        }
    }

    /// The whole screen in a frame, for people.
    pub(crate) fn picture(&self) -> String {
        self.see(picture)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        if self.exit.is_none() && self.ended.try_recv().is_err() {
            // It may end by itself at this moment.
            let _ = kill_process(self.pid, Signal::KILL);
        }
    }
}

/// The lines of a screen, without what is empty at their ends.
pub(crate) fn text(screen: &vt100::Screen) -> String {
    let (_, cols) = screen.size();
    let lines: Vec<String> = screen.rows(0, cols).map(|line| line.trim_end().to_owned()).collect();
    lines.join("\n").trim_end().to_owned()
}

fn starts_here(screen: &vt100::Screen, row: u16, col: u16, wanted: &str) -> bool {
    let mut left = wanted;
    let mut at = col;
    while !left.is_empty() {
        let Some(cell) = screen.cell(row, at) else { return false };
        let here = if cell.has_contents() { cell.contents() } else { " " };
        match left.strip_prefix(here) {
            Some(rest) => left = rest,
            None => return false,
        }
        at += if cell.is_wide() { 2 } else { 1 };
    }
    true
}

fn picture(screen: &vt100::Screen) -> String {
    let (_, cols) = screen.size();
    let edge = "─".repeat(cols.into());
    let lines: Vec<String> = screen.rows(0, cols).map(|line| format!("│{line}")).collect();
    let lines = lines.join("\n");
    let (row, col) = screen.cursor_position();
    let hidden = if screen.hide_cursor() { ", hidden" } else { "" };
    format!("┌{edge}\n{lines}\n└{edge}\ncursor at {row}, {col}{hidden}")
}

/// The bytes of each key.
fn parsed(keys: &str) -> Vec<Vec<u8>> {
    let mut out = Vec::new();
    let mut left = keys;
    while let Some(first) = left.chars().next() {
        let named = left.strip_prefix('<').and_then(|rest| rest.split_once('>'));
        if let Some((name, rest)) = named {
            out.push(key(name).unwrap_or_else(|| panic!("no key <{name}> in {keys:?}")));
            left = rest;
        } else {
            out.push(first.to_string().into_bytes());
            left = &left[first.len_utf8()..];
        }
    }
    out
}

fn key(name: &str) -> Option<Vec<u8>> {
    let bytes: &[u8] = match name {
        "enter" => b"\r",
        "esc" => b"\x1b",
        "tab" => b"\t",
        "s-tab" => b"\x1b[Z",
        "space" => b" ",
        "bs" => b"\x7f",
        "lt" => b"<",
        "up" => b"\x1b[A",
        "down" => b"\x1b[B",
        "right" => b"\x1b[C",
        "left" => b"\x1b[D",
        "home" => b"\x1b[H",
        "end" => b"\x1b[F",
        "del" => b"\x1b[3~",
        "pgup" => b"\x1b[5~",
        "pgdn" => b"\x1b[6~",
        "f1" => b"\x1bOP",
        "f2" => b"\x1bOQ",
        "f3" => b"\x1bOR",
        "f4" => b"\x1bOS",
        "f5" => b"\x1b[15~",
        "f6" => b"\x1b[17~",
        "f7" => b"\x1b[18~",
        "f8" => b"\x1b[19~",
        "f9" => b"\x1b[20~",
        "f10" => b"\x1b[21~",
        "f11" => b"\x1b[23~",
        "f12" => b"\x1b[24~",
        _ => {
            let (held, with) = name.split_once('-')?;
            return match (held, with.as_bytes()) {
                ("c", [letter @ b'a'..=b'z']) => Some(vec![letter & 0x1f]),
                ("c", b"\\") => Some(vec![0x1c]),
                ("a", [_, ..]) => Some([b"\x1b", with.as_bytes()].concat()),
                _ => None,
            };
        }
    };
    Some(bytes.to_owned())
}
