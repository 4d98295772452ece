//! What the program does beside drawing: surveys, records, drills, the run. Each has a thread or a task of its own and says
//! what became of it into the mailbox.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::sync::mpsc::unbounded_channel;

use super::super::bridge::Walker;
use super::super::drills;
use super::super::model::{Cluster, RecordState};
use super::super::msg::{Effect, Msg, Order, Reply, Which};
use super::super::seat::Seat;
use super::super::walk::Told;
use super::App;
use crate::engine::{self, Setting};
use crate::facts::{Mode, NodeName, NodeSurvey, Plain, Role};
use crate::record::{self, Log, OpenError, Place, Record, Story, short_code};
use crate::ui::cli::{Finish, operator, places, record_page};

impl App {
    /// The cluster at that place, as it is now.
    fn which(&self, at: usize) -> Which {
        Which { at, serial: self.model.clusters.get(at).map_or(0, |cluster| cluster.serial) }
    }

    pub(super) fn survey(&self, at: usize) {
        let (Some(seat), cluster) = (self.seats.get(at).cloned(), self.which(at)) else { return };
        let mailbox = Arc::clone(&self.mailbox);
        let mail = Arc::clone(&mailbox);
        let turns = Arc::clone(&self.turns);
        let taken = self.handle.spawn(async move {
            // It is never closed.
            let _turn = turns.acquire().await.ok();
            let arrived = |node: &NodeSurvey| {
                mail.post(Msg::Arrived { cluster, node: Box::new(node.clone()) });
            };
            seat.picture(arrived).await
        });
        self.handle.spawn(async move {
            // A survey that a fault of the program ended is one that came to nothing, not one that goes on for ever.
            let result = match taken.await {
                Ok(taken) => taken.map(Box::new).map_err(|error| Plain::new(error.to_string())),
                Err(fault) => {
                    Err(Plain::new(format!("a fault of Breakglass itself: {fault}; please report it")))
                }
            };
            mailbox.post(Msg::Surveyed { cluster, result });
        });
    }

    /// The place of a cluster's record, once it is known whether it is the real thing.
    fn place(&self, at: usize) -> Option<Place> {
        let seat = self.seats.get(at)?;
        let mode = self.model.clusters.get(at)?.mode()?;
        seat.state.as_ref().map(|state| Place::new(state, mode, &seat.name, None))
    }

    pub(super) fn read_record(&self, at: usize) {
        let Some(place) = self.place(at) else { return };
        let mailbox = Arc::clone(&self.mailbox);
        self.handle.spawn_blocking(move || {
            let state = match record::read(&place.dir) {
                Ok(records) => match records.last() {
                    None => RecordState::Ready,
                    Some(last) => RecordState::Head {
                        code: short_code(&last.hash),
                        records: last.seq + 1,
                        open: records.iter().collect::<Story>().open_sessions().len(),
                    },
                },
                Err(_) if !place.dir.exists() => match unwritable(&place.dir) {
                    None => RecordState::Ready,
                    Some(why) => RecordState::Trouble(Plain::new(why)),
                },
                Err(error) => RecordState::Trouble(Plain::new(error.to_string())),
            };
            mailbox.post(Msg::Record { cluster: at, state });
        });
    }

    pub(super) fn show_record(&self, at: usize) {
        let Some(place) = self.place(at) else { return };
        let (mailbox, columns) =
            (Arc::clone(&self.mailbox), usize::from(self.model.size.0).saturating_sub(2));
        self.handle.spawn_blocking(move || {
            let msg = match record::read(&place.dir) {
                Ok(records) if records.is_empty() => {
                    Msg::Trouble(Plain::new("no record yet: it begins with the first session"))
                }
                Ok(records) => Msg::RecordLines(record_page(&place, &records, columns)),
                Err(_) if !place.dir.exists() => {
                    Msg::Trouble(Plain::new("no record yet: it begins with the first session"))
                }
                Err(error) => Msg::Trouble(Plain::new(error.to_string())),
            };
            mailbox.post(msg);
        });
    }

    pub(super) fn begin_drill(&mut self, id: &str) -> Vec<Effect> {
        let state = self.state.clone();
        match drills::begin(id, self.model.seed, self.pace, state) {
            Ok((seat, mut cluster)) => {
                self.drills += 1;
                cluster.serial = self.drills;
                // The model puts it where the drill of that name was, or at the end: so do the seats.
                let before = self.seats.iter().position(|old| old.drill.is_some() && old.name == seat.name);
                match before.and_then(|at| self.seats.get_mut(at)) {
                    Some(place) => *place = seat,
                    None => self.seats.push(seat),
                }
                self.hear(Msg::DrillBegan(Box::new(cluster)))
            }
            Err(why) => self.hear(Msg::Trouble(Plain::new(why))),
        }
    }

    pub(super) fn debrief(&self, at: usize) {
        let Some(seat) = self.seats.get(at).cloned() else { return };
        let Some(drill) = seat.drill.clone() else { return };
        let view = self.model.clusters.get(at).and_then(Cluster::drill);
        let answered = view.map(|drill| drill.answered.clone()).unwrap_or_default();
        let (mailbox, cluster) = (Arc::clone(&self.mailbox), self.which(at));
        self.handle.spawn(async move {
            if let Some(lines) = drills::debrief(&drill, &seat, &answered).await {
                mailbox.post(Msg::Debrief { cluster, lines });
            }
        });
    }

    /// The run has a thread of its own: nothing it waits for holds the screen, nothing the screen does holds it.
    pub(super) fn walk(&mut self, order: Order) {
        let Some(seat) = self.seats.get(order.cluster).cloned() else { return };
        let Some(state) = seat.state.clone() else {
            return self.not_begun("no place for records: HOME is not set; name one with --state-dir");
        };
        self.stop.store(0, Ordering::SeqCst);
        let (replies, answers) = unbounded_channel();
        self.replies = Some(replies);
        let mailbox = Arc::clone(&self.mailbox);
        let mut at_screen = Walker::new(Arc::clone(&mailbox), answers, Arc::clone(&self.stop));
        let ports = seat.surroundings(&self.stop);
        let setting = Setting {
            cluster: seat.name.clone(),
            family: seat.family,
            names: seat.names(),
            data: data_nodes(&seat),
            operator: operator(),
            pid: std::process::id(),
            reason: order.reason,
            incident: order.incident,
            inventory: seat.inventory.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        let handle = self.handle.clone();
        let plan = order.plan;
        let run = move || {
            let book = |mode: Mode| -> Result<(Log, Vec<Record>), OpenError> {
                let head = places::head(mode, &seat.name);
                Log::open(&Place::new(&state, mode, &seat.name, head), &|| seat.now())
            };
            let walked = engine::run(&seat.reached, &ports, &mut at_screen, &setting, plan, book);
            // A fault of the program ends the run, not the screen that says so.
            let ended = catch_unwind(AssertUnwindSafe(|| handle.block_on(walked)));
            let finish = ended.map_or_else(|panic| broken(&*panic), Finish::of);
            mailbox.post(Msg::Told(Told::Ended(finish)));
        };
        if let Err(error) = std::thread::Builder::new().name("bg-run".to_owned()).spawn(run) {
            self.not_begun(&format!("no thread for the run: {error}"));
        }
    }

    /// The run ends before anything was sent.
    fn not_begun(&self, why: &str) {
        let detail = format!("{why}; nothing was sent");
        self.mailbox.post(Msg::Told(Told::Ended(Finish { result: "refused", exit: 40, detail })));
    }

    pub(super) fn answer(&self, reply: Reply) {
        if let Some(replies) = &self.replies {
            // A run that has ended hears nothing any more.
            let _ = replies.send(reply);
        }
    }
}

/// The run stopped by a fault of the program itself.
fn broken(panic: &(dyn std::any::Any + Send)) -> Finish {
    let what = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message");
    let detail = format!(
        "a fault of Breakglass itself: {}\nWhat was sent and not answered is an open unknown; the next run resolves it. \
         Please report it.",
        Plain::new(what)
    );
    Finish { result: "unknown", exit: 1, detail }
}

/// Why a record could not be begun there; `None` where it can.
fn unwritable(dir: &Path) -> Option<String> {
    let nearest = dir.ancestors().find(|folder| folder.exists())?;
    let writes = rustix::fs::access(nearest, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK);
    let folder = nearest.is_dir() && writes.is_ok();
    (!folder).then(|| format!("{} cannot be written: no record, and so no act", nearest.display()))
}

fn data_nodes(seat: &Seat) -> Vec<NodeName> {
    seat.nodes.iter().filter(|(_, role)| *role == Role::Data).map(|(name, _)| name.clone()).collect()
}
