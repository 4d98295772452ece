//! `breakglass status`: one survey of every cluster asked for, side by side.

mod json;
mod save;
pub(in crate::ui) mod text;

use std::io::{self, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::Args;
use jiff::Timestamp;
use tokio::signal::unix::{SignalKind, signal};

use super::output::{self, Glyphs};
use super::places;
use super::prompt::Terminal;
use super::{Failure, Places, exit};
use crate::facts::{NodeName, Plain};
use crate::inventory::{self, Cluster, Inventory};
use crate::judge;
use crate::nodes::bundle;
use crate::nodes::real::{Options, RealNodes};
use crate::ui::survey::{Asked, Memory, Picture};

/// How long `--watch` rests between two surveys.
const WATCH_EVERY: Duration = Duration::from_secs(5);
/// What `status` is told.
#[derive(Args, Debug, Default)]
pub(super) struct StatusArgs {
    /// The cluster; all of the inventory's where it is left out
    #[arg(value_name = "CLUSTER")]
    cluster: Option<String>,
    /// One JSON document (with --watch one line per survey)
    #[arg(long)]
    json: bool,
    /// Survey again and again until Ctrl-C
    #[arg(long)]
    watch: bool,
    /// Read files that were collected by hand instead: DIR/NODE/ with grastate.dat, error.log and others
    #[arg(long, value_name = "DIR", conflicts_with_all = ["watch", "cluster"])]
    bundle: Option<PathBuf>,
    /// Keep the survey as files in a new folder DIR, for --bundle and for a ticket
    #[arg(long, value_name = "DIR", conflicts_with = "watch")]
    save: Option<PathBuf>,
}

/// Runs `status`.
pub(super) fn run(places: &Places, args: &StatusArgs) -> Result<ExitCode> {
    if let Some(dir) = &args.save {
        save::vacant(dir)?;
    }
    if let Some(dir) = &args.bundle {
        return from_files(dir, args);
    }
    let Some(inventory) = places::inventory(places)? else { return Err(no_inventory().into()) };
    show(places, &inventory, args)
}

/// The status of a bundle: no inventory, no network, no session.
fn from_files(dir: &Path, args: &StatusArgs) -> Result<ExitCode> {
    let bundle = bundle::read(dir, &Timestamp::now).map_err(|error| Failure::Usage(error.to_string()))?;
    if !bundle.ignored.is_empty() {
        let names: Vec<String> = bundle.ignored.iter().map(|path| path.display().to_string()).collect();
        exit::warn(&format!("not known, and not read: {}", names.join(", ")));
    }
    let judgement = judge::judge(&bundle.survey);
    let pictures = [Picture { survey: bundle.survey, judgement }];
    keep(&pictures, args)?;
    match print(&pictures, args) {
        Err(error) if !exit::is_broken_pipe(&error) => Err(error),
        _ => Ok(ExitCode::from(exit::worst(pictures.iter().map(|picture| picture.judgement.verdict)))),
    }
}

/// Keeps the survey as files, where that was asked for.
fn keep(pictures: &[Picture], args: &StatusArgs) -> Result<()> {
    if let (Some(dir), [picture]) = (&args.save, pictures) {
        save::save(&picture.survey, dir)?;
        exit::warn(&format!("the survey is kept in {}", dir.display()));
    }
    Ok(())
}

/// Nothing to look at.
pub(super) fn no_inventory() -> Failure {
    let looked: Vec<String> = places::usual().iter().map(|path| path.display().to_string()).collect();
    Failure::Usage(format!(
        "no inventory: looked at {}; write one (the README has an example), or name it with --inventory",
        looked.join(", ")
    ))
}

/// Without a subcommand: the inventory's status, or a short welcome where there is no inventory.
pub(super) fn run_or_welcome(places: &Places) -> Result<ExitCode> {
    if let Some(inventory) = places::inventory(places)? {
        return show(places, &inventory, &StatusArgs::default());
    }
    io::stdout().write_all(WELCOME.as_bytes())?;
    Ok(ExitCode::from(exit::OK))
}

const WELCOME: &str = "\
Breakglass: see a broken database cluster whole.

There is no inventory yet. Two ways to begin:

  sudo breakglass lab up shop
      a real three-node Galera cluster on this host, to break and to look at;
      prints the path of its inventory, for --inventory

  ~/.config/breakglass/inventory.toml
      your own clusters; the README has an example

Then:

  breakglass status [CLUSTER]
      every node, dead or alive, side by side; changes nothing
  breakglass runbook list
      the recoveries; `breakglass run ID --dry-run` shows each command of one

  breakglass --help
      everything else
";

fn show(places: &Places, inventory: &Inventory, args: &StatusArgs) -> Result<ExitCode> {
    let clusters = chosen(inventory, args.cluster.as_deref())?;
    if args.save.is_some() && clusters.len() != 1 {
        let names: Vec<&str> = clusters.iter().map(|cluster| cluster.name.as_str()).collect();
        let why = format!("--save keeps one cluster; name it: {}", names.join(", "));
        return Err(Failure::Usage(why).into());
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("starting the asynchronous runtime")?;
    let code = runtime.block_on(watched(places, &clusters, args));
    // A name lookup that hangs must not hold the exit.
    runtime.shutdown_background();
    code.map(ExitCode::from)
}

/// The clusters that are meant.
pub(super) fn chosen<'a>(known: &'a Inventory, name: Option<&str>) -> Result<Vec<&'a Cluster>> {
    let Some(name) = name else { return Ok(known.clusters.iter().collect()) };
    if let Some(cluster) = known.cluster(name) {
        return Ok(vec![cluster]);
    }
    let names: Vec<&str> = known.clusters.iter().map(|cluster| cluster.name.as_str()).collect();
    let near = inventory::nearest(name, &names);
    Err(Failure::Usage(format!(
        "the inventory has no cluster {:?}; it has {}{}",
        Plain::new(name).as_str(),
        names.join(", "),
        near.map(|near| format!(". Did you mean {near}?")).unwrap_or_default()
    ))
    .into())
}

/// Surveys once, or again and again; returns the exit code of the last.
async fn watched(places: &Places, clusters: &[&Cluster], args: &StatusArgs) -> Result<u8> {
    let prompter = Arc::new(Terminal);
    let nodes: Vec<RealNodes> =
        clusters.iter().map(|cluster| RealNodes::new(cluster, Options::new(prompter.clone()))).collect();
    let stopped = stopped()?;
    tokio::pin!(stopped);
    loop {
        let pictures = tokio::select! {
            biased;
            () = &mut stopped => return Ok(exit::SIGNAL),
            pictures = pictures(places, clusters, &nodes) => pictures?,
        };
        keep(&pictures, args)?;
        // Whoever stops reading still gets the verdict: an exit code of 0 would say healthy.
        let gone = match print(&pictures, args) {
            Ok(()) => false,
            Err(error) if exit::is_broken_pipe(&error) => true,
            Err(error) => return Err(error),
        };
        if gone || !args.watch {
            return Ok(exit::worst(pictures.iter().map(|picture| picture.judgement.verdict)));
        }
        tokio::select! {
            biased;
            () = &mut stopped => return Ok(exit::SIGNAL),
            () = tokio::time::sleep(WATCH_EVERY) => {}
        }
    }
}

/// Ends with the first signal that asks us to stop, so that sockets and child processes are put away.
fn stopped() -> Result<impl Future<Output = ()>> {
    let mut signals = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()]
        .into_iter()
        .map(signal)
        .collect::<Result<Vec<_>, _>>()
        .context("listening for signals")?;
    Ok(async move {
        let any = signals.iter_mut().map(|signal| Box::pin(signal.recv()));
        futures_util::future::select_all(any).await;
    })
}

async fn pictures(places: &Places, clusters: &[&Cluster], nodes: &[RealNodes]) -> Result<Vec<Picture>> {
    let all = clusters.iter().zip(nodes).map(|(cluster, nodes)| picture(places, cluster, nodes));
    futures_util::future::join_all(all).await.into_iter().collect()
}

/// One survey of a cluster; says meanwhile whom it waits for.
async fn picture(places: &Places, cluster: &Cluster, nodes: &RealNodes) -> Result<Picture> {
    let names: Vec<NodeName> = cluster.nodes.iter().map(|node| node.name.clone()).collect();
    let waiting = Waiting::of(&names);
    let state = places::state_dir(places).ok();
    let asked = Asked {
        nodes,
        cluster: &cluster.name,
        family: cluster.family,
        names: &names,
        state: state.as_deref(),
        memory: &Memory::default(),
        now: &Timestamp::now,
    };
    tokio::select! {
        picture = asked.picture(|node| waiting.arrived(node)) => {
            picture.map_err(|error| Failure::Usage(error.to_string()).into())
        }
        never = waiting.tell() => match never {},
    }
}

fn print(pictures: &[Picture], args: &StatusArgs) -> Result<()> {
    let mut out = io::stdout().lock();
    if args.json {
        json::write(&mut out, pictures, !args.watch)?;
    } else {
        let (columns, rows) = output::size();
        let glyphs = Glyphs::of_locale();
        let page: String = pictures.iter().map(|picture| text::page(picture, columns, glyphs)).collect();
        let redraws = args.watch && out.is_terminal() && std::env::var("TERM").as_deref() != Ok("dumb");
        let page = if redraws { over_the_last(&page, rows, glyphs) } else { page };
        out.write_all(page.as_bytes())?;
    }
    out.flush().context("writing the status")
}

/// The page drawn over the one before it, with no flicker over a slow line: the verdict stays at the top, and what the
/// window has no room for is counted.
fn over_the_last(page: &str, rows: usize, glyphs: Glyphs) -> String {
    let lines: Vec<&str> = page.lines().collect();
    let room = rows.saturating_sub(2).max(1);
    // Each line clears what was left behind it.
    let shown: Vec<&str> = lines.iter().take(room).flat_map(|line| [*line, "\x1b[K\r\n"]).collect();
    let shown = shown.concat();
    let more = match lines.len().saturating_sub(room) {
        0 => String::new(),
        more => format!(" {} {more} lines more; a taller window shows them", glyphs.cut),
    };
    format!("\x1b[H{shown}{more}\x1b[J")
}

/// Says on a terminal's standard error whom we are waiting for, so that a dead node is not a silent pause.
struct Waiting {
    left: std::sync::Mutex<Vec<NodeName>>,
    tell: bool,
}

impl Waiting {
    fn of(names: &[NodeName]) -> Self {
        Self { left: std::sync::Mutex::new(names.to_vec()), tell: io::stderr().is_terminal() }
    }

    fn arrived(&self, node: &crate::facts::NodeSurvey) {
        if let Ok(mut left) = self.left.lock() {
            left.retain(|name| *name != node.name);
        }
    }

    async fn tell(&self) -> std::convert::Infallible {
        loop {
            tokio::time::sleep(Duration::from_secs(1)).await;
            let left = self.left.lock().map(|left| left.clone()).unwrap_or_default();
            if self.tell && !left.is_empty() {
                let names: Vec<&str> = left.iter().map(NodeName::as_str).collect();
                // Nobody reading standard error is no reason to stop.
                let _ = write!(io::stderr(), "waiting for {} …\r\n", names.join(", "));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_watched_page_keeps_its_top_and_counts_the_rest() {
        let page = "line\n".repeat(30);
        let drawn = over_the_last(&page, 24, Glyphs::of_locale());
        assert!(drawn.starts_with("\x1b[Hline\x1b[K\r\n") && drawn.contains("8 lines more"), "{drawn}");
        assert_eq!(drawn.matches("\r\n").count(), 22);
        assert!(!over_the_last("one\n", 24, Glyphs::of_locale()).contains("more"));
    }
}
