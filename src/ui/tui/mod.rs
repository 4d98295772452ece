//! The terminal at 3 am: a model, a pure update, a view per region, one loop.
//!
//! ```text
//! keys, signals ─▶ app.rs ─▶ Msg ─▶ update ─▶ Model ─▶ view ─▶ terminal
//!                    ▲                  └─▶ Effect: survey, walk, answer …
//!                    └── mailbox ◀── threads: surveys, the run (bridge.rs)
//! ```
//!
//! Messages and effects are data; only `app.rs` does anything. The run is the engine's own, on a thread of its own, and
//! hears the operator over the same trait as the plain walker.

mod app;
mod bridge;
mod drills;
mod job;
mod keymap;
mod keys;
mod look;
mod mailbox;
mod model;
mod msg;
mod past;
mod place;
mod seat;
mod signals;
mod terminal;
mod update;
mod view;
mod walk;

use std::collections::BTreeMap;
use std::io::{self, IsTerminal as _};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use jiff::Timestamp;

use super::cli::{Library, Places, places};
use crate::facts::{ClusterName, NodeName, Plain};
use crate::inventory::Inventory;
use crate::nodes::real::{Options, RealNodes};
use app::App;
use bridge::Asker;
use look::Look;
use mailbox::Mailbox;
use model::{Cluster, Layer, Model, Origin, ReasonForm};
use msg::Effect;
use seat::{Reached, Seat};
use terminal::{Face as _, Screen};

/// What the program opens with.
#[derive(Debug)]
pub(in crate::ui) enum Begin {
    /// The inventory's clusters; the drills where there is none.
    Usual,
    /// A drill.
    Drill {
        /// Its id.
        id: String,
        /// What makes it come out the same again.
        seed: Option<u64>,
    },
    /// A runbook on a cluster.
    Walk {
        /// The cluster.
        cluster: ClusterName,
        /// Id of the runbook.
        runbook: String,
        /// Its inputs, as far as they are given.
        inputs: BTreeMap<String, NodeName>,
        /// Why the glass is broken.
        reason: Option<String>,
        /// The incident it belongs to.
        incident: Option<String>,
    },
}

/// Whether standard input and output are a terminal that a screen can be drawn on.
pub(in crate::ui) fn has_screen() -> bool {
    let dumb = std::env::var("TERM").is_ok_and(|term| term == "dumb");
    io::stdin().is_terminal() && io::stdout().is_terminal() && !dumb
}

/// Opens the screen, and returns the exit code when the operator has left.
pub(in crate::ui) fn run(places: &Places, begin: &Begin) -> Result<ExitCode> {
    // Whatever is wrong with the inventory is said before the screen is taken over.
    let inventory = places::inventory_and_digest(places)?;
    let state = places::state_dir(places).ok();
    // One thread waits for everything; what takes long has threads of its own.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("starting the asynchronous runtime")?;
    let _guard = runtime.enter();
    let mailbox = Arc::new(Mailbox::default());
    let asker = Arc::new(Asker::new(Arc::clone(&mailbox)));
    let mut model = opened();
    let mut seats = Vec::new();
    if let Some((inventory, digest)) = &inventory {
        for cluster in seated(inventory, digest, state.as_ref(), &asker, &mut seats) {
            model.clusters.push(cluster);
        }
    }
    let effects = begun(&mut model, begin)?;
    let mut screen = Screen::enter().context("taking the terminal over")?;
    terminal::on_panic();
    if let Ok(size) = screen.size() {
        model.size = size;
    }
    let mut app = App::new(model, seats, mailbox, asker, state);
    let shown = catch_unwind(AssertUnwindSafe(|| runtime.block_on(app.run(&mut screen, effects))));
    drop(screen);
    let code = match shown {
        Ok(Ok(exit)) => Ok(ExitCode::from(exit)),
        // The screen cannot go on; a run under way is not left in the middle for it.
        Ok(Err(error)) => match runtime.block_on(app.wind_down()) {
            Some(exit) => Ok(ExitCode::from(exit)),
            None => Err(error).context("drawing on the terminal"),
        },
        Err(fault) => {
            let _ = runtime.block_on(app.wind_down());
            resume_unwind(fault)
        }
    };
    // Helper processes end with what they serve. A name lookup or a prompt that hangs must not hold the exit.
    drop(app);
    runtime.shutdown_timeout(Duration::from_millis(100));
    code
}

/// A model with nothing on it yet.
fn opened() -> Model {
    let library = Library::load();
    let refused = library.refused.first().map(|refused| {
        Plain::new(format!("{} is no runbook: breakglass runbook check says why", refused.path.display()))
    });
    Model {
        look: Look::of_environment(),
        size: (80, 24),
        now: Timestamp::now(),
        last_key: Timestamp::now(),
        clusters: Vec::new(),
        open: None,
        drills: drills::offers(),
        runbooks: library.runbooks.into_iter().map(Arc::new).collect(),
        layers: Vec::new(),
        walk: None,
        glass: None,
        notice: refused,
        secret: None,
        leaving: false,
        preset: None,
        seed: None,
    }
}

/// The inventory's clusters, and what stands behind them. Nothing is connected.
fn seated(
    inventory: &Inventory,
    digest: &str,
    state: Option<&std::path::PathBuf>,
    asker: &Arc<Asker>,
    seats: &mut Vec<Seat>,
) -> Vec<Cluster> {
    let mut clusters = Vec::new();
    for cluster in &inventory.clusters {
        let nodes: Vec<_> = cluster.nodes.iter().map(|node| (node.name.clone(), node.role)).collect();
        let reached = RealNodes::new(cluster, Options::new(Arc::clone(asker) as _));
        seats.push(Seat {
            name: cluster.name.clone(),
            family: cluster.family,
            nodes: nodes.clone(),
            reached: Reached::Real(Arc::new(reached)),
            inventory: digest.to_owned(),
            state: state.cloned(),
            memory: Arc::default(),
            drill: None,
        });
        let now = Timestamp::now();
        clusters.push(Cluster::new(cluster.name.clone(), cluster.family, nodes, Origin::Inventory, now));
    }
    clusters
}

/// The first layers, and what is done first.
fn begun(model: &mut Model, begin: &Begin) -> Result<Vec<Effect>> {
    match begin {
        Begin::Usual => Ok(match model.clusters.len() {
            0 => {
                model.layers.push(Layer::Welcome { at: 0 });
                Vec::new()
            }
            1 => update::open(model, 0),
            several => {
                model.layers.push(Layer::Fleet { at: 0, filter: String::new() });
                (0..several).filter_map(|at| update::survey_of(model, at)).collect()
            }
        }),
        Begin::Drill { id, seed } => {
            model.layers.push(Layer::Welcome { at: 0 });
            model.seed = *seed;
            Ok(vec![Effect::BeginDrill(id.clone())])
        }
        Begin::Walk { cluster, runbook, inputs, reason, incident } => {
            let at = model.clusters.iter().position(|known| known.name == *cluster);
            let at = at.with_context(|| format!("cluster {cluster} is not in the inventory"))?;
            let book = model.runbooks.iter().position(|known| known.id == *runbook);
            let book = book.with_context(|| format!("runbook {runbook} is not in the library"))?;
            if model.clusters.len() > 1 {
                model.layers.push(Layer::Fleet { at, filter: String::new() });
            }
            let mut effects = update::open(model, at);
            model.preset = Some((book, inputs.clone()));
            let form = ReasonForm {
                runbook: Some(book),
                reason: reason.clone().unwrap_or_default(),
                incident: incident.clone().unwrap_or_default(),
                field: usize::from(reason.is_some()),
            };
            effects.extend(update::begin_with(model, form));
            Ok(effects)
        }
    }
}
