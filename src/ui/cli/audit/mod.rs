//! `breakglass audit`: the record of what was done.

mod text;

pub(in crate::ui) use text::page;

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;

use super::{Failure, Places, exit, output, places};
use crate::facts::{ClusterName, Mode, Plain};
use crate::record::{self, Head, Place, ReadError, Record, Scan, Verdict};

/// What `audit` is told.
#[derive(Args, Debug)]
pub(super) struct AuditArgs {
    #[command(subcommand)]
    command: AuditCommand,
}

#[derive(Debug, Subcommand)]
enum AuditCommand {
    /// The sessions of a cluster's record
    List {
        #[command(flatten)]
        which: Which,
    },
    /// What one session did, record by record
    Show {
        /// The session, or the beginning of its name; the last one where it is left out
        #[arg(value_name = "SESSION")]
        session: Option<String>,
        /// As it stands in the log: one JSON object per line
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        which: Which,
    },
    /// Whether a record is what was written, as far as that can be proved; offline
    Verify {
        /// A folder that holds log.jsonl, copied or not; the cluster's own where it is left out
        #[arg(value_name = "DIR", conflicts_with_all = ["cluster", "mode"])]
        dir: Option<PathBuf>,
        /// One JSON document (breakglass.verify/1)
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        which: Which,
    },
}

/// Which record.
#[derive(Args, Debug)]
struct Which {
    /// The cluster; may be left out where the inventory holds one
    #[arg(long, value_name = "NAME")]
    cluster: Option<String>,
    /// The real one's record or one of practice; where it is left out, the first there is
    #[arg(long, value_enum)]
    mode: Option<ModeArg>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ModeArg {
    /// The real cluster
    Live,
    /// A lab of its name
    Lab,
    /// A drill of its name
    Drill,
}

impl ModeArg {
    fn mode(self) -> Mode {
        match self {
            Self::Live => Mode::Live,
            Self::Lab => Mode::Lab,
            Self::Drill => Mode::Drill,
        }
    }
}

/// Runs `audit …`.
pub(super) fn run(places: &Places, args: &AuditArgs) -> Result<ExitCode> {
    let code = match &args.command {
        AuditCommand::List { which } => list(&find(places, which)?)?,
        AuditCommand::Show { session, json, which } => {
            show(&find(places, which)?, session.as_deref(), *json)?
        }
        AuditCommand::Verify { dir, json, which } => {
            let target = match dir {
                Some(dir) => Target::of_dir(places, dir)?,
                None => Target::of_place(&find(places, which)?)?,
            };
            target.verify(*json)?
        }
    };
    Ok(ExitCode::from(code))
}

/// The record that is meant: the first of live, lab and drill that there is.
fn find(places: &Places, which: &Which) -> Result<Place> {
    let cluster = cluster(places, which.cluster.as_deref())?;
    let state = places::state_dir(places)?;
    let modes = match which.mode {
        Some(mode) => vec![mode.mode()],
        None => vec![Mode::Live, Mode::Lab, Mode::Drill],
    };
    let place = |mode| Place::new(&state, mode, &cluster, places::head(mode, &cluster));
    // Where a real one's head is remembered, a record has been: that it is gone is an answer, and not another's turn.
    let remembered = |place: &Place| {
        place.mode == Mode::Live && place.head.as_ref().is_some_and(|head| head.symlink_metadata().is_ok())
    };
    let is_there =
        |place: &Place| place.dir.join("log.jsonl").symlink_metadata().is_ok() || remembered(place);
    let found: Vec<Place> = modes.into_iter().map(place).filter(is_there).collect();
    let others: Vec<&str> = found.iter().skip(1).map(|place| place.mode.as_str()).collect();
    if let Some(place) = found.first()
        && !others.is_empty()
    {
        let (mode, others) = (place.mode.as_str(), others.join(" and "));
        // Nobody reading standard error is no reason to stop.
        let _ = writeln!(
            io::stderr(),
            "the record of {cluster} in mode {mode}; there is one in mode {others}, too (--mode)"
        );
    }
    found.into_iter().next().ok_or_else(|| {
        let state = state.join("audit");
        let why = format!(
            "there is no record of {cluster} under {}; one begins with the first run. If it is elsewhere, name \
             that place with --state-dir",
            state.display()
        );
        Failure::Usage(why).into()
    })
}

fn cluster(places: &Places, asked: Option<&str>) -> Result<ClusterName> {
    let usage = |why: String| anyhow::Error::from(Failure::Usage(why));
    if let Some(name) = asked {
        return ClusterName::new(name).map_err(|error| usage(format!("--cluster: {error}")));
    }
    let inventory = places::inventory(places)?
        .ok_or_else(|| usage("no inventory to take the cluster from; name it with --cluster".to_owned()))?;
    match inventory.clusters.as_slice() {
        [one] => Ok(one.name.clone()),
        several => {
            let all: Vec<&str> = several.iter().map(|cluster| cluster.name.as_str()).collect();
            Err(usage(format!("the inventory holds {}; name one with --cluster", all.join(", "))))
        }
    }
}

/// A log that is not there is a wrong name, and no fault of the machine.
fn named<T>(read: Result<T, ReadError>) -> Result<T> {
    read.map_err(|error| match error {
        ReadError::None { .. } => Failure::Usage(error.to_string()).into(),
        ReadError::Broken { .. } | ReadError::Io { .. } => error.into(),
    })
}

fn list(place: &Place) -> Result<u8> {
    let scan = named(record::scan(&place.dir))?;
    let (columns, _) = output::size();
    write(&text::list(place, &scan.records, columns, output::Glyphs::of_locale()))?;
    Ok(whole(place, &scan))
}

fn show(place: &Place, session: Option<&str>, json: bool) -> Result<u8> {
    let scan = named(record::scan(&place.dir))?;
    let records = of_session(&scan.records, session)?;
    if json {
        let mut page = String::new();
        for record in &records {
            page.push_str(&text::visible(&serde_json::to_string(record)?));
            page.push('\n');
        }
        write(&page)?;
    } else {
        let (columns, _) = output::size();
        write(&text::show(place, &records, columns))?;
    }
    Ok(whole(place, &scan))
}

/// The records of the session meant.
fn of_session<'a>(records: &'a [Record], named: Option<&str>) -> Result<Vec<&'a Record>> {
    let mut sessions: Vec<&str> = Vec::new();
    for record in records {
        if !sessions.contains(&record.session.as_str()) {
            sessions.push(record.session.as_str());
        }
    }
    let meant: Vec<&str> = match named {
        None => sessions.last().copied().into_iter().collect(),
        Some(name) => {
            let name = name.to_ascii_uppercase();
            sessions.into_iter().filter(|session| session.starts_with(&name)).collect()
        }
    };
    match meant.as_slice() {
        [session] => Ok(records.iter().filter(|record| record.session.as_str() == *session).collect()),
        [] => {
            Err(Failure::Usage("the record has no such session; `audit list` shows those it has".to_owned())
                .into())
        }
        several => Err(Failure::Usage(format!("several sessions begin so: {}", several.join(", "))).into()),
    }
}

/// A record that is broken is shown as far as it can be read, and that is said.
fn whole(place: &Place, scan: &Scan) -> u8 {
    let Some(fault) = &scan.fault else { return exit::OK };
    let said = Plain::new(format!("breakglass: the record {} is broken: {fault}", place.dir.display()));
    // Nobody reading standard error is no reason to stop.
    let _ = writeln!(io::stderr(), "{said}");
    exit::BROKEN
}

/// A record to verify, with what is remembered of it.
struct Target {
    dir: PathBuf,
    mode: Option<Mode>,
    head: Option<(PathBuf, Head)>,
}

impl Target {
    /// The cluster's own record.
    fn of_place(place: &Place) -> Result<Self> {
        let head = match &place.head {
            None => None,
            Some(path) => Head::read(path)
                .with_context(|| format!("reading the remembered head {}", path.display()))?
                .map(|head| (path.clone(), head)),
        };
        // Practice under a name that was used before is a new record; a real one is not, and is held to its head.
        let head = match (head, place.mode) {
            (Some((path, head)), Mode::Lab | Mode::Drill) => {
                (first(&place.dir)?.as_deref() == Some(head.log.as_str())).then_some((path, head))
            }
            (head, _) => head,
        };
        Ok(Self { dir: place.dir.clone(), mode: Some(place.mode), head })
    }

    /// A folder somewhere: the record of a cluster here, or a copy of one, known by its first record.
    fn of_dir(places: &Places, dir: &Path) -> Result<Self> {
        if let Some(place) = own(places, dir) {
            return Self::of_place(&place);
        }
        let head = first(dir)?.and_then(|log| places::head_of(&log));
        Ok(Self { dir: dir.to_owned(), mode: None, head })
    }

    fn verify(&self, json: bool) -> Result<u8> {
        let head = self.head.as_ref().map(|(_, head)| head);
        let verdict = match record::verify(&self.dir, head) {
            // It was there once, and somebody remembers it.
            Err(ReadError::None { .. }) if head.is_some() => Verdict::gone(&self.dir),
            other => named(other)?,
        };
        let remembered = self.head.as_ref().map(|(path, _)| path.as_path());
        if json {
            write(&format!("{}\n", self.document(&verdict)))?;
        } else {
            let (columns, _) = output::size();
            write(&text::verdict(&self.dir, self.mode, remembered, &verdict, columns))?;
        }
        Ok(verdict.exit())
    }

    fn document(&self, verdict: &Verdict) -> String {
        let worst = verdict.worst();
        let document = json!({
            "schema": "breakglass.verify/1",
            "result": verdict.result(),
            "reason": worst.map(|fault| fault.reason),
            "seq": worst.and_then(|fault| fault.seq),
            "offset": worst.and_then(|fault| fault.offset),
            "detail": worst.map(|fault| Plain::new(&fault.detail)),
            "dir": Plain::new(self.dir.to_string_lossy()),
            "mode": self.mode,
            "records": verdict.records,
            "proved": verdict.proved,
        });
        text::visible(&document.to_string())
    }
}

/// The place whose folder this is, where it is one of the state directory's.
fn own(places: &Places, dir: &Path) -> Option<Place> {
    let state = places::state_dir(places).ok()?;
    let dir = dir.canonicalize().ok()?;
    let cluster = ClusterName::new(dir.file_name()?.to_str()?).ok()?;
    let place = |mode| Place::new(&state, mode, &cluster, places::head(mode, &cluster));
    let mut all = [Mode::Live, Mode::Lab, Mode::Drill].into_iter().map(place);
    all.find(|place| place.dir.canonicalize().is_ok_and(|own| own == dir))
}

/// Hash of record 0.
fn first(dir: &Path) -> Result<Option<String>> {
    let scan = named(record::scan(dir))?;
    Ok(scan.records.first().map(|record| record.hash.clone()))
}

fn write(page: &str) -> Result<()> {
    let written = io::stdout().lock().write_all(page.as_bytes()).map_err(anyhow::Error::from);
    match written {
        // Whoever stops reading still gets the exit code.
        Err(error) if exit::is_broken_pipe(&error) => Ok(()),
        other => other.context("writing to standard output"),
    }
}
