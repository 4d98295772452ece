//! The terminal itself: taken over, and given back as it was on every way out.

use std::io::{self, BufWriter, Stdout, Write};
use std::mem::ManuallyDrop;
use std::panic;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crossterm::cursor::Show;
use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use crossterm::terminal::{
    BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate, EnterAlternateScreen,
    LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use crossterm::{execute, queue};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use rustix::process::{Signal, getpgrp, kill_process_group};

use super::job;
use super::model::Model;
use super::view;

/// The most that is put on a clipboard: terminals drop longer ones, or all of it.
const CLIPBOARD: usize = 64 * 1024;

/// What the loop draws on.
pub(crate) trait Face {
    /// Columns and rows.
    fn size(&self) -> io::Result<(u16, u16)>;
    /// Draws what changed, as one update that no terminal shows half.
    fn draw(&mut self, model: &Model) -> io::Result<()>;
    /// Forgets what is on the screen: the next frame is drawn whole.
    fn forget(&mut self) -> io::Result<()>;
    /// Puts text on the clipboard of the operator's own terminal.
    fn copy(&mut self, text: &str) -> io::Result<()>;
    /// Gives the terminal back for as long as the program is put aside, and takes it over again.
    fn suspend(&mut self) -> io::Result<()>;
    /// Takes the terminal over again, whoever had it meanwhile.
    fn resume(&mut self) -> io::Result<()>;
}

/// The terminal, taken over until it is dropped.
pub(crate) struct Screen {
    /// Never dropped: its own end writes to standard error, which may be the terminal that is gone.
    terminal: ManuallyDrop<Terminal<CrosstermBackend<BufWriter<Stdout>>>>,
}

impl Screen {
    /// Takes the terminal over: raw, on its alternate screen, with pasted text told from typed.
    pub(crate) fn enter() -> io::Result<Self> {
        take()?;
        terminal().map(|terminal| Self { terminal: ManuallyDrop::new(terminal) }).inspect_err(|_| give_back())
    }
}

impl Face for Screen {
    fn size(&self) -> io::Result<(u16, u16)> {
        self.terminal.size().map(|size| (size.width, size.height))
    }

    fn draw(&mut self, model: &Model) -> io::Result<()> {
        queue!(self.terminal.backend_mut(), BeginSynchronizedUpdate)?;
        self.terminal.draw(|frame| {
            let area = frame.area();
            view::draw(model, area, frame.buffer_mut());
            if let Some(cursor) = view::cursor(model, area) {
                frame.set_cursor_position(cursor);
            }
        })?;
        queue!(self.terminal.backend_mut(), EndSynchronizedUpdate)?;
        Write::flush(self.terminal.backend_mut())
    }

    fn forget(&mut self) -> io::Result<()> {
        queue!(self.terminal.backend_mut(), Clear(ClearType::All))?;
        // A new one knows nothing of what was drawn. (Its own `clear` asks the terminal where the cursor is, and the
        // answer would come in among the keys.)
        Write::flush(self.terminal.backend_mut())?;
        self.terminal = ManuallyDrop::new(terminal()?);
        Ok(())
    }

    /// OSC 52: it works over SSH too.
    fn copy(&mut self, text: &str) -> io::Result<()> {
        let mut end = text.len().min(CLIPBOARD);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let coded = STANDARD.encode(text.get(..end).unwrap_or_default());
        let out = self.terminal.backend_mut();
        write!(out, "\x1b]52;c;{coded}\x1b\\")?;
        Write::flush(out)
    }

    fn suspend(&mut self) -> io::Result<()> {
        give_back();
        if job::is_fetched_back() {
            // The whole group, as the terminal itself would. Stopped for good only after this call returned.
            let _ = kill_process_group(getpgrp(), Signal::STOP);
        }
        self.resume()
    }

    fn resume(&mut self) -> io::Result<()> {
        take()?;
        self.forget()
    }
}

/// One write per frame: a slow line shows whole frames.
fn terminal() -> io::Result<Terminal<CrosstermBackend<BufWriter<Stdout>>>> {
    Terminal::new(CrosstermBackend::new(BufWriter::with_capacity(64 * 1024, io::stdout())))
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

fn take() -> io::Result<()> {
    enable_raw_mode()?;
    execute!(io::stdout(), EnterAlternateScreen, EnableBracketedPaste).inspect_err(|_| give_back())
}

/// As it was before. A terminal that is gone cannot be helped.
fn give_back() {
    let _ = execute!(io::stdout(), EndSynchronizedUpdate, DisableBracketedPaste, LeaveAlternateScreen, Show);
    let _ = disable_raw_mode();
}

/// A panic of the drawing thread gives the terminal back before it is told; on other threads it is told later.
pub(crate) fn on_panic() {
    let before = panic::take_hook();
    let drawing = std::thread::current().id();
    panic::set_hook(Box::new(move |info| {
        if std::thread::current().id() == drawing {
            give_back();
            before(info);
        }
    }));
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use portable_pty::{CommandBuilder, PtySize, native_pty_system};

    use super::*;

    /// Not a test of its own: what `a_panic_gives_the_terminal_back_before_it_is_told` runs on a terminal.
    #[test]
    #[ignore = "run by another test, on a terminal"]
    fn panics_while_it_draws() {
        let _screen = Screen::enter().unwrap();
        on_panic();
        let elsewhere = std::thread::spawn(|| panic!("unheard of"));
        assert!(elsewhere.join().is_err());
        panic!("heard of");
    }

    #[test]
    fn a_panic_gives_the_terminal_back_before_it_is_told() {
        let size = PtySize { rows: 24, cols: 80, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        let before = pair.master.get_termios().unwrap();
        let mut command = CommandBuilder::new(std::env::current_exe().unwrap());
        let of = format!("{}::panics_while_it_draws", module_path!().split_once("::").unwrap().1);
        command.args(["--ignored", "--exact", "--nocapture", "--test-threads=1", &of]);
        let mut child = pair.slave.spawn_command(command).unwrap();
        // Read while it runs: a terminal nobody reads fills up.
        let mut reader = pair.master.try_clone_reader().unwrap();
        let said = std::thread::spawn(move || {
            let mut said = Vec::new();
            // The end of a terminal is an error.
            let _ = reader.read_to_end(&mut said);
            String::from_utf8_lossy(&said).into_owned()
        });
        assert!(!child.wait().unwrap().success());
        let after = pair.master.get_termios().unwrap();
        drop(pair);
        let said = said.join().unwrap();
        let at = |what: &str| said.find(what).unwrap_or_else(|| panic!("no {what:?} in {said:?}"));
        assert!(at("\x1b[?1049h") < at("\x1b[?1049l"), "{said:?}");
        assert!(at("\x1b[?1049l") < at("heard of") && at("\x1b[?25h") < at("heard of"), "{said:?}");
        assert!(!said.contains("unheard of"), "{said:?}");
        assert_eq!(before.local_flags, after.local_flags);
        assert_eq!(before.input_flags, after.input_flags);
    }
}
