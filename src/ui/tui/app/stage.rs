//! The program without a terminal, for tests: keys go in as a string, and what would be on the screen is read.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use tokio::runtime::Runtime;

use super::super::bridge::Asker;
use super::super::look::{Look, Palette};
use super::super::mailbox::Mailbox;
use super::super::model::{Layer, Model};
use super::super::msg::{Effect, Msg};
use super::super::seat::Reached;
use super::super::terminal::Face;
use super::super::{opened, view};
use super::App;
use crate::nodes::sim::{Pace, Sim};

/// The longest a test waits for something to be on the screen.
const PATIENCE: Duration = Duration::from_mins(1);

/// What was drawn last, and what was copied.
#[derive(Debug)]
pub(super) struct Seen {
    size: (u16, u16),
    shown: String,
    pub(super) copied: Vec<String>,
}

impl Face for Seen {
    fn size(&self) -> io::Result<(u16, u16)> {
        Ok(self.size)
    }

    fn draw(&mut self, model: &Model) -> io::Result<()> {
        let area = Rect::new(0, 0, self.size.0, self.size.1);
        let mut buf = Buffer::empty(area);
        view::draw(model, area, &mut buf);
        let row = |y| (0..area.width).filter_map(|x| Some(buf.cell((x, y))?.symbol())).collect::<String>();
        self.shown = (0..area.height).map(|y| row(y).trim_end().to_owned() + "\n").collect();
        Ok(())
    }

    fn forget(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn copy(&mut self, text: &str) -> io::Result<()> {
        self.copied.push(text.to_owned());
        Ok(())
    }

    fn suspend(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn resume(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The program on a stage.
pub(super) struct Stage {
    app: App,
    pub(super) seen: Seen,
    /// The exit code, once it has ended.
    pub(super) left: Option<u8>,
    /// Where its records are.
    pub(super) state: tempfile::TempDir,
    runtime: Runtime,
}

impl Stage {
    /// At the welcome screen of somebody without an inventory, on a terminal of 80×24. Drills do not wait.
    pub(super) fn new() -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let guard = runtime.enter();
        let records = tempfile::tempdir().unwrap();
        let mailbox = Arc::new(Mailbox::default());
        let asker = Arc::new(Asker::new(Arc::clone(&mailbox)));
        let mut model = opened();
        model.look = Look::of(Palette::Mono, true);
        model.layers.push(Layer::Welcome { at: 0 });
        let mut app = App::new(model, Vec::new(), mailbox, asker, Some(records.path().to_owned()));
        app.pace = Pace::Instant;
        drop(guard);
        let seen = Seen { size: (80, 24), shown: String::new(), copied: Vec::new() };
        let mut stage = Self { app, seen, left: None, state: records, runtime };
        stage.draw();
        stage
    }

    /// Presses keys: letters as they are, `<enter>`, `<esc>`, `<tab>`, `<space>`, `<pgdn>`, `<c-x>`.
    pub(super) fn keys(&mut self, keys: &str) -> &mut Self {
        for key in parsed(keys) {
            // As a person types, not as a paste comes.
            self.app.model.last_key -= jiff::SignedDuration::from_secs(1);
            self.tell(Msg::Key(key));
        }
        self
    }

    /// The same keys, all at once.
    pub(super) fn at_once(&mut self, keys: &str) -> &mut Self {
        for key in parsed(keys) {
            self.app.model.last_key = self.app.began.0 + self.app.began.1.elapsed();
            self.tell(Msg::Key(key));
        }
        self
    }

    /// The drill's cluster.
    pub(super) fn sim(&self) -> Sim {
        match &self.app.seats[0].reached {
            Reached::Sim(sim, _) => sim.clone(),
            Reached::Real(_) => panic!("no drill is under way"),
        }
    }

    /// One survey more, as the clock makes it due.
    pub(super) fn survey_now(&mut self) -> &mut Self {
        let before = self.app.model.clusters[0].read_at;
        self.app.model.clusters[0].read_at = before.map(|at| at - jiff::SignedDuration::from_mins(1));
        self.tell(Msg::Due);
        self.wait("a survey", |stage| stage.app.model.clusters[0].reading.is_none())
    }

    /// Something happens.
    pub(super) fn tell(&mut self, msg: Msg) -> &mut Self {
        let effects = self.app.hear(msg);
        self.perform(effects);
        self
    }

    /// Waits until the screen shows `text`.
    pub(super) fn until(&mut self, text: &str) -> &mut Self {
        self.wait(text, |stage| stage.seen.shown.contains(text))
    }

    /// Waits until the run waits for its operator.
    pub(super) fn until_asked(&mut self) -> &mut Self {
        self.wait("a question", |stage| {
            stage.app.model.walk.as_ref().is_some_and(|walk| walk.asked.is_some())
        })
    }

    /// Waits until the program has ended, and returns its exit code.
    pub(super) fn until_left(&mut self) -> u8 {
        self.wait("the end", |stage| stage.left.is_some());
        self.left.unwrap()
    }

    fn wait(&mut self, what: &str, there: impl Fn(&Self) -> bool) -> &mut Self {
        let begun = Instant::now();
        while !there(self) {
            let left = PATIENCE.saturating_sub(begun.elapsed());
            let mail = Arc::clone(&self.app.mailbox);
            let taken = self.runtime.block_on(async { tokio::time::timeout(left, mail.take()).await });
            let Ok(messages) = taken else { panic!("{what:?} never came:\n{}", self.seen.shown) };
            self.take(messages);
        }
        self
    }

    /// What is on the screen.
    pub(super) fn shown(&self) -> &str {
        &self.seen.shown
    }

    /// The model, for what no screen says.
    pub(super) fn model(&mut self) -> &mut Model {
        &mut self.app.model
    }

    fn take(&mut self, messages: VecDeque<Msg>) {
        for msg in messages {
            let effects = self.app.hear(msg);
            self.perform(effects);
        }
    }

    fn perform(&mut self, effects: Vec<Effect>) {
        let _guard = self.runtime.enter();
        if let Some(exit) = self.app.perform(effects, &mut self.seen).unwrap() {
            self.left = Some(exit);
        }
        self.draw();
    }

    fn draw(&mut self) {
        self.app.draw(&mut self.seen).unwrap();
    }
}

/// A string of keys, key by key.
fn parsed(keys: &str) -> Vec<KeyEvent> {
    let mut all = Vec::new();
    let mut rest = keys;
    while let Some(letter) = rest.chars().next() {
        let named = rest.strip_prefix('<').and_then(|tail| tail.split_once('>'));
        let Some((name, tail)) = named else {
            all.push(KeyEvent::new(KeyCode::Char(letter), KeyModifiers::NONE));
            rest = &rest[letter.len_utf8()..];
            continue;
        };
        rest = tail;
        let (code, modifiers) = match name {
            "enter" => (KeyCode::Enter, KeyModifiers::NONE),
            "esc" => (KeyCode::Esc, KeyModifiers::NONE),
            "tab" => (KeyCode::Tab, KeyModifiers::NONE),
            "space" => (KeyCode::Char(' '), KeyModifiers::NONE),
            "down" => (KeyCode::Down, KeyModifiers::NONE),
            "bs" => (KeyCode::Backspace, KeyModifiers::NONE),
            "pgdn" => (KeyCode::PageDown, KeyModifiers::NONE),
            other => {
                let letter = other.strip_prefix("c-").and_then(|letter| letter.chars().next());
                (KeyCode::Char(letter.unwrap_or_else(|| panic!("no key <{other}>"))), KeyModifiers::CONTROL)
            }
        };
        all.push(KeyEvent::new(code, modifiers));
    }
    all
}
