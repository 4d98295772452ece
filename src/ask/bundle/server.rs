//! Whether a server runs, and what it says of itself: unit.txt, status.tsv, variables.tsv, members.tsv and ss.txt.

use jiff::Timestamp;
use jiff::tz::Offset;

use super::rows::{self, Said};
use super::{File, Folder, Setter, units};
use crate::ask::frame::Frame;
use crate::ask::unit::{self, Unit};
use crate::ask::{client_error, listen, sql};
use crate::facts::{Facts, Known, Plain, Reach, ReachWord, Why, WhyKind, keys};

/// The state letter of a process that was not looked at itself.
const SOME_LETTER: &str = "?";

/// Said of an empty answer.
pub(super) const NO_ROW: &str =
    "status.tsv holds no row: the client said nothing, or what it said was not kept";

/// What the client's files say.
pub(super) struct Asked {
    /// How far the client got.
    pub(super) reach: Reach,
    /// Whether a server answered when the files were taken.
    pub(super) answered: bool,
}

/// The unit's facts; returns its part of unit.txt.
pub(super) fn unit(folder: &Folder, at: Timestamp, out: &mut Facts) -> Known<String> {
    let source = folder.source(File::Unit);
    let shown = folder.text(File::Unit).and_then(|text| units::pick(&text));
    let mut facts = Facts::new();
    match &shown {
        Known::Known(text) => unit::facts(&Frame::of("unit", text.as_bytes()), at, &mut facts),
        Known::Unknown(why) => {
            facts.fill(why, &source, at);
            facts.retain(|name| name.starts_with("unit.") && name != keys::UNIT_FROZEN.name());
        }
    }
    // Whoever asked systemd had one.
    facts.set(keys::HOST_MANAGER, shown.as_ref().map(|_| Plain::from("systemd")), &source, at);
    facts.read_from(&source);
    out.extend(facts);
    shown
}

/// The zone of the machine, where systemd wrote its times in UTC: it writes them in the machine's.
pub(super) fn offset(unit: &Known<String>) -> Option<Offset> {
    let utc =
        unit.known()?.lines().any(|line| line.contains("Timestamp=") && line.trim_end().ends_with(" UTC"));
    utc.then_some(Offset::UTC)
}

/// The facts that only a running server knows.
pub(super) fn asked(folder: &Folder, at: Timestamp, out: &mut Facts) -> Asked {
    let files = [File::Status, File::Variables, File::Members];
    let texts = files.map(|file| folder.text(file));
    let [status, variables, members] = &texts;
    let said = texts.each_ref().map(|text| text.known().map(|text| rows::read(text)).unwrap_or_default());
    let rows: Vec<rows::Row> = said.iter().flat_map(|said| said.rows.clone()).collect();
    let answered = said.iter().any(Said::answered);
    let listed: Vec<rows::Row> = said.iter().flat_map(|said| said.members.clone()).collect();
    let listed = match members {
        _ if !listed.is_empty() => Known::Known(listed),
        Known::Known(_) => Known::unknown(WhyKind::Undefined, "members.tsv holds no member"),
        Known::Unknown(why) => Known::Unknown(why.clone()),
    };
    let source = folder.source(File::Status);
    let mut facts = sql::facts(&rows, &rows, listed, &source, at);
    let [status_said, variables_said, _] = &said;
    // Rows of both may stand in one file: a fact is doubted only where neither file has any.
    if !answered || (status.known().is_none() && !has(&facts, "wsrep.")) {
        doubt(&mut facts, "wsrep.", &why(status, status_said, File::Status));
    }
    if !has(&facts, "var.") {
        let (text, said) = match variables {
            Known::Unknown(why) if why.kind == WhyKind::NotAsked && !answered => (status, status_said),
            _ => (variables, variables_said),
        };
        doubt(&mut facts, "var.", &why(text, said, File::Variables));
    }
    name_sources(folder, variables.known().is_some(), &mut facts);
    out.extend(facts);
    peers(folder, at, out);
    let reach = if answered { Reach::ok() } else { reach(status, status_said) };
    Asked { reach, answered }
}

fn has(facts: &Facts, prefix: &str) -> bool {
    facts.iter().any(|(name, fact)| name.starts_with(prefix) && fact.value.known().is_some())
}

fn doubt(facts: &mut Facts, prefix: &str, why: &Why) {
    facts.doubt(|name| name.starts_with(prefix) && name != keys::WSREP_MEMBERS.name(), why);
}

/// Each fact's file: variables stand in their own where there is one.
fn name_sources(folder: &Folder, apart: bool, facts: &mut Facts) {
    if apart {
        let mut variables = facts.clone();
        variables.retain(|name| name.starts_with("var."));
        variables.read_from(&folder.source(File::Variables));
        facts.extend(variables);
    }
}

/// Why a file of the client's says nothing.
fn why(text: &Known<String>, said: &Said, file: File) -> Why {
    match text {
        Known::Unknown(why) => why.clone(),
        Known::Known(_) if said.answered() => {
            Why::new(WhyKind::NotAsked, format!("{} is not in the bundle", file.name()))
        }
        Known::Known(_) => {
            let reach = reach(text, said);
            let kind = match reach.word {
                ReachWord::Auth => WhyKind::Denied,
                ReachWord::Timeout => WhyKind::TimedOut,
                ReachWord::Error => WhyKind::Malformed,
                _ => WhyKind::NotRead,
            };
            Why::new(kind, &reach.detail)
        }
    }
}

/// How far the client got by what it said instead of rows.
fn reach(text: &Known<String>, said: &Said) -> Reach {
    match text {
        Known::Unknown(why) => Reach::failed(ReachWord::NotTried, &why.text, ""),
        Known::Known(_) if said.rest.is_empty() => Reach::failed(
            ReachWord::Error,
            NO_ROW,
            "keep the client's errors with its output: `mariadb -e … > status.tsv 2>&1`",
        ),
        Known::Known(_) => client_error::classify(&said.rest.join("\n")),
    }
}

/// The group's connections. Without them, what the members say of each other has to do.
fn peers(folder: &Folder, at: Timestamp, out: &mut Facts) {
    let mut set = Setter { out, source: folder.source(File::Peers), at };
    let text = folder.text(File::Peers).or_why(|why| match why.kind {
        WhyKind::NotAsked => Why::new(WhyKind::NoTool, why.text),
        _ => why,
    });
    set.set(keys::WSREP_PEERS, text.as_ref().map(|text| listen::peers(text)));
    set.set(keys::WSREP_PEERS_SILENT, text.map(|text| listen::silent_peers(&text)));
}

/// Whether there was a server process: by its unit, and by its answers where the unit is not in the bundle.
pub(super) fn process(folder: &Folder, unit: &Known<String>, asked: &Asked, at: Timestamp, out: &mut Facts) {
    let state = match unit {
        Known::Known(unit) => units::by_unit(&Unit::parse(unit)),
        Known::Unknown(_) if asked.answered => Known::Known(true),
        Known::Unknown(why) => Known::unknown(why.kind, format!("{}, and no server answered", why.text)),
    };
    let state = match state {
        Known::Known(false) if asked.answered => Known::unknown(
            WhyKind::Contradicted,
            "by unit.txt no server runs, and one answered: the files are of different moments, or it runs past its unit",
        ),
        state => state,
    };
    let file = if unit.known().is_some() { File::Unit } else { File::Status };
    let mut set = Setter { out, source: folder.source(file), at };
    if state == Known::Known(false) {
        set.set(keys::SERVER_PIDS, Known::Known(Vec::new()));
    }
    set.set(keys::SERVER_STATE, state.map(|runs| Plain::from(if runs { SOME_LETTER } else { "" })));
}
