//! What each node's way back would take, and what stands against it (cases 25, 27, 38).

use super::{Context, Finding, Severity, Sign, evidence, size};
use crate::facts::{NodeName, keys};
use crate::judge::NodeReading;
use crate::judge::forecast::{Forecast, Transfer};

const FACTS: &[&str] = &[
    keys::DISK_FREE.name(),
    keys::DATADIR_USED.name(),
    keys::GRASTATE_SEQNO.name(),
    keys::RECOVERED.name(),
    keys::LOG_POSITION.name(),
];

fn of<'a>(context: &Context<'a>, node: &NodeReading<'_>) -> Option<&'a Forecast> {
    context.nodes.iter().find(|judged| judged.name == *node.name())?.forecast.as_ref()
}

/// The joiner has no room for what would come (case 27).
pub(super) fn no_room(context: &Context<'_>) -> Vec<Finding> {
    Sign {
        id: "galera.no-room-for-transfer",
        cases: &[27],
        severity: Severity::Degraded,
        next: "Make room on the joiner before it is started: a transfer into a full disk leaves a node that holds nothing, and \
               takes a donor's time for it.",
        facts: FACTS,
    }
    .on(context, |node| {
        let forecast = of(context, node)?;
        let (needs, room) = (forecast.needs?, forecast.room?);
        (room < needs).then(|| {
            format!("its join ({}) needs {}, and there is room for {}", forecast.transfer.as_str(), size(needs), size(room))
        })
    })
}

/// No donor can give the missing write-sets alone any more (case 38).
pub(super) fn no_window(context: &Context<'_>) -> Vec<Finding> {
    Sign {
        id: "galera.donor-window",
        cases: &[38, 25],
        severity: Severity::Warning,
        next: "Its data will be replaced as a whole: if nobody else holds what it holds, copy its data directory first. Join one \
               node at a time, the next when it is SYNCED and has settled.",
        facts: FACTS,
    }
    .on(context, |node| {
        // One whose history is in doubt is told so where it is said that it is down.
        if context.reading.relations.iter().any(|relation| relation.node == *node.name()) {
            return None;
        }
        let forecast = of(context, node)?;
        let lacks = forecast.write_sets?;
        (forecast.transfer == Transfer::Sst)
            .then(|| format!("it lacks {lacks}, and only a full transfer can bring them ({})", forecast.why))
    })
    .into_iter()
    .map(|found| by_donors(context, found))
    .collect()
}

/// IST or SST, how large, from whom, and who goes on serving.
pub(super) fn forecast(context: &Context<'_>) -> Vec<Finding> {
    Sign {
        id: "galera.join-forecast",
        cases: &[25, 38],
        severity: Severity::Info,
        next: "A forecast: the donors' window moves on with every write, and a donor whose certification index begins before its \
               cache sends everything all the same. Choose the donor yourself (wsrep_sst_donor) where it matters which member \
               is busy.",
        facts: FACTS,
    }
    .on(context, |node| of(context, node).map(told))
    .into_iter()
    .map(|found| by_donors(context, found))
    .collect()
}

/// With what the donors say of themselves.
fn by_donors(context: &Context<'_>, mut found: Finding) -> Finding {
    const OF_DONOR: &[&str] = &[
        keys::WSREP_CACHED_DOWNTO.name(),
        keys::GCACHE_LOW.name(),
        keys::DATADIR_USED.name(),
        keys::VAR_PROVIDER_OPTIONS.name(),
    ];
    let gives = |name: &NodeName| {
        let mut forecasts = context.nodes.iter().filter_map(|node| node.forecast.as_ref());
        forecasts.any(|forecast| forecast.donors.contains(name))
    };
    let donors = context.data(|node, _| gives(node.name()));
    found.evidence.extend(evidence(&donors, OF_DONOR));
    found
}

fn told(forecast: &Forecast) -> String {
    let donors: Vec<&str> = forecast.donors.iter().map(NodeName::as_str).collect();
    let what = match (forecast.transfer, forecast.write_sets, forecast.bytes) {
        (Transfer::Ist, Some(lacks), _) => format!("IST of {lacks}, membership changes counted,"),
        (Transfer::Ist, None, _) => "IST".to_owned(),
        (transfer, _, Some(bytes)) => format!("{} of about {}", transfer.as_str(), size(bytes)),
        (transfer, _, None) => format!("{}, its size not known", transfer.as_str()),
    };
    let room = match (forecast.needs, forecast.room) {
        (Some(needs), Some(room)) => format!("needs {} of the {} there", size(needs), size(room)),
        _ => "the room for it is not known".to_owned(),
    };
    let left = match (forecast.transfer, forecast.stay_available) {
        (Transfer::Ist, _) => String::new(),
        (_, 0) => "; the one donor is busy meanwhile, and nobody else serves".to_owned(),
        (_, left) => format!("; {left} of {} donors untouched meanwhile", donors.len()),
    };
    format!("{what} from {} ({}); {room}{left}", donors.join(" or "), forecast.why)
}
