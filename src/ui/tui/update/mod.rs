//! The pure update: a message changes the model and says what is to be done. No clock, no files, no terminal.
//!
//! ```text
//! key ─▶ keymap ─▶ intent ─▶ the top layer     (intent.rs)
//!   └─ text, where text is typed               (typing.rs)
//! what the run asks, what a runbook needs      (begin.rs)
//! ```

mod begin;
mod chosen;
mod copy;
mod intent;
mod looking;
mod typing;

use crossterm::event::KeyEvent;
use jiff::{SignedDuration, Timestamp};

pub(crate) use begin::{WRONG, begin_with};

use super::keymap;
use super::model::{Cluster, Layer, MatrixAt, Model, Origin, Picture, Pulse, Reading, SecretAsked};
use super::msg::{Effect, Msg, Reply, Which};
use super::walk::{Ask, Stopping, Told};
use crate::facts::{Known, Plain, keys};
use chosen::Chosen;

/// How long a survey rests before the next one, while its cluster is looked at.
pub(crate) const REFRESH: SignedDuration = SignedDuration::from_secs(5);
/// The same on the screen of all clusters.
const REFRESH_FLEET: SignedDuration = SignedDuration::from_secs(15);
/// The glass closes so long after the last key, where nothing runs.
const GLASS: SignedDuration = SignedDuration::from_mins(15);
/// Keys of one line that all come closer than this were pasted by a terminal that does not say so.
const AT_ONCE: SignedDuration = SignedDuration::from_millis(4);
/// So many surveys make a sparkline.
const PULSE: usize = 60;

/// Takes in what happened. `model.now` and the clusters' clocks are set before.
pub(crate) fn update(model: &mut Model, msg: Msg) -> Vec<Effect> {
    let mut effects = match msg {
        Msg::Key(key) => self::key(model, key),
        Msg::Paste(text) => typing::paste(model, &text),
        Msg::Resize(columns, rows) => {
            model.size = (columns, rows);
            Vec::new()
        }
        Msg::Arrived { cluster, node } => {
            if let Some(reading) = model.which(cluster).and_then(|of| of.reading.as_mut()) {
                reading.arrived.retain(|old| old.name != node.name);
                reading.arrived.push(*node);
            }
            Vec::new()
        }
        Msg::Surveyed { cluster, result } => {
            surveyed(model, cluster, result);
            after_survey(model, cluster)
        }
        Msg::Record { cluster, state } => {
            if let Some(of) = model.clusters.get_mut(cluster) {
                of.record = state;
            }
            Vec::new()
        }
        Msg::RecordLines(lines) => {
            // At its end: the latest.
            let scroll = usize::MAX;
            model.layers.push(Layer::Record { lines, scroll, filter: String::new() });
            Vec::new()
        }
        Msg::Told(told) => self::told(model, told),
        Msg::DrillBegan(cluster) => drill_began(model, *cluster),
        Msg::Debrief { cluster, lines } => {
            if let Some(Origin::Drill(drill)) = model.which(cluster).map(|of| &mut of.origin) {
                drill.debrief = lines;
            }
            Vec::new()
        }
        Msg::SecretAsked(question) => {
            if model.top().is_some_and(|top| top.context().is_typed()) {
                model.notice = Some(Plain::new("a node asks for a secret: it comes when this is closed"));
            }
            model.secret = Some(SecretAsked { question, typed: String::new().into(), empty: false });
            Vec::new()
        }
        Msg::Trouble(what) => {
            model.notice = Some(what);
            Vec::new()
        }
        Msg::Due => Vec::new(),
        Msg::Signalled => signalled(model),
    };
    effects.extend(due(model));
    show_secret(model);
    clamp(model);
    effects
}

fn key(model: &mut Model, key: KeyEvent) -> Vec<Effect> {
    model.notice = None;
    let gap = model.now.duration_since(model.last_key);
    model.last_key = model.now;
    if let Some(glass) = &mut model.glass {
        glass.last_key = model.now;
    }
    let Some(context) = model.top().map(Layer::context) else { return Vec::new() };
    match keymap::intent(context, key) {
        Some(intent) => intent::act(model, intent),
        None if context.is_typed() => typing::typed(model, key, gap > AT_ONCE),
        None => Vec::new(),
    }
}

/// Puts the survey in, and what its counters did.
fn surveyed(model: &mut Model, cluster: Which, result: Result<Box<Picture>, Plain>) {
    let (now, chosen) = (model.now, Chosen::of(model));
    let looked_at = model.open == Some(cluster.at);
    let Some(of) = model.which(cluster) else { return };
    of.reading = None;
    of.read_at = Some(now);
    match result {
        // One that began before a run and ends within it is older than what the run shows.
        Ok(picture) if of.picture.as_ref().is_some_and(|old| old.survey.taken > picture.survey.taken) => {}
        Ok(picture) => show(of, *picture, looked_at),
        Err(why) => of.failed = Some(why),
    }
    chosen.put_back(model);
}

/// What a survey that has come makes due.
fn after_survey(model: &mut Model, cluster: Which) -> Vec<Effect> {
    let walked = model.walk.as_ref().is_some_and(|walk| walk.cluster == cluster.at && walk.ended.is_some());
    let Some(of) = model.which(cluster) else { return Vec::new() };
    // Whose record it is, a real cluster's or a lab's, only its nodes say.
    let record = of.is_record_due().then_some(Effect::ReadRecord(cluster.at));
    // What is missing after a run may come by itself: a node that catches up.
    let drilled = of.drill().is_some_and(|drill| drill.debrief.is_empty());
    let debrief = (walked && drilled).then_some(Effect::Debrief(cluster.at));
    record.into_iter().chain(debrief).collect()
}

fn show(cluster: &mut Cluster, picture: Picture, looked_at: bool) {
    cluster.past.hear(cluster.picture.as_ref(), &picture);
    // Of clusters that nobody has opened no second survey is kept.
    if looked_at && cluster.past.pin.is_none() {
        cluster.past.pin(&picture, false);
    }
    for node in &picture.survey.nodes {
        let pulse = cluster.pulse.entry(node.name.clone()).or_default();
        let seqno = node.facts.get(keys::WSREP_LAST_COMMITTED);
        let seqno = seqno.known().map(|seqno| seqno.get());
        let queue = match node.facts.get(keys::WSREP_RECV_QUEUE) {
            Known::Known(queue) => Some(queue),
            Known::Unknown(_) => None,
        };
        let Pulse { seqno: seqnos, queue: queues } = pulse;
        for (values, value) in [(seqnos, seqno), (queues, queue)] {
            values.push_back(value);
            while values.len() > PULSE {
                values.pop_front();
            }
        }
    }
    cluster.failed = None;
    cluster.picture = Some(picture);
}

fn told(model: &mut Model, told: Told) -> Vec<Effect> {
    let Some(walk) = &mut model.walk else { return Vec::new() };
    let cluster = walk.cluster;
    match told {
        Told::Surveyed(picture) => {
            let serial = model.clusters.get(cluster).map_or(0, |of| of.serial);
            surveyed(model, Which { at: cluster, serial }, Ok(picture));
            Vec::new()
        }
        Told::Ended(finish) => {
            let exit = finish.exit;
            walk.hear(Told::Ended(finish));
            model.layers.retain(|layer| !is_answer(layer) && !matches!(layer, Layer::Leave));
            if model.leaving {
                return vec![Effect::Quit(exit)];
            }
            let mut effects = vec![Effect::ReadRecord(cluster), Effect::Debrief(cluster)];
            effects.extend(survey_of(model, cluster));
            effects
        }
        Told::Asked(_) if model.leaving || walk.stopping != Stopping::No => {
            vec![Effect::Answer(Reply::Refused("stopped before it was asked".to_owned()))]
        }
        Told::Asked(ask) => {
            // What was typed so far belongs to the question before; after a slip the same one is asked again.
            let again = walk.answered.as_ref().is_some_and(|before| before.is_same(&ask));
            walk.hear(Told::Asked(ask));
            if !again {
                model.layers.retain(|layer| !is_answer(layer));
            }
            Vec::new()
        }
        told => {
            if matches!(told, Told::Step { .. }) {
                walk.begun = model.now;
            }
            walk.hear(told);
            Vec::new()
        }
    }
}

/// Layers in which what the run asks is answered.
fn is_answer(layer: &Layer) -> bool {
    matches!(layer, Layer::Choose { .. } | Layer::Confirm { .. } | Layer::Waive(_))
}

fn drill_began(model: &mut Model, cluster: Cluster) -> Vec<Effect> {
    // Begun again, it takes the place of the one before.
    let before = model.clusters.iter().position(|old| old.drill().is_some() && old.name == cluster.name);
    let at = before.unwrap_or(model.clusters.len());
    if let Some(place) = model.clusters.get_mut(at) {
        *place = cluster;
    } else {
        model.clusters.push(cluster);
    }
    model.walk = None;
    model.glass = None;
    let mut effects = open(model, at);
    model.layers.push(Layer::Brief { scroll: 0 });
    effects.push(Effect::Redraw);
    effects
}

/// Brings a cluster to the front.
pub(crate) fn open(model: &mut Model, cluster: usize) -> Vec<Effect> {
    model.open = Some(cluster);
    model.layers.push(Layer::Matrix(MatrixAt::default()));
    let known = model.clusters.get(cluster).is_some_and(Cluster::is_record_due);
    let read = known.then_some(Effect::ReadRecord(cluster));
    read.into_iter().chain(survey_of(model, cluster)).collect()
}

/// A survey of the cluster, where none is under way and no run reads it itself.
pub(crate) fn survey_of(model: &mut Model, cluster: usize) -> Option<Effect> {
    if model.running().is_some_and(|walk| walk.cluster == cluster) {
        return None;
    }
    let of = model.clusters.get_mut(cluster)?;
    if of.reading.is_some() {
        return None;
    }
    of.reading = Some(Reading { since: of.now, arrived: Vec::new() });
    Some(Effect::Survey(cluster))
}

/// What has become due: surveys, and the glass.
fn due(model: &mut Model) -> Vec<Effect> {
    if let Some(glass) = &model.glass
        && model.running().is_none()
        && model.now.duration_since(glass.last_key) >= GLASS
    {
        model.glass = None;
        model.notice = Some(Plain::new("the glass closed by itself: fifteen minutes without a key"));
    }
    let old: Vec<usize> = watched(model)
        .into_iter()
        .filter(|(at, rest)| {
            let read = model.clusters.get(*at).and_then(|cluster| cluster.read_at);
            read.is_some_and(|read| model.now.duration_since(read) >= *rest)
        })
        .map(|(at, _)| at)
        .collect();
    old.into_iter().filter_map(|at| survey_of(model, at)).collect()
}

/// The clusters that are looked at and surveyed again and again, and how long each rests.
fn watched(model: &Model) -> Vec<(usize, SignedDuration)> {
    let auto = |at: &usize| model.clusters.get(*at).is_some_and(|cluster| cluster.auto);
    match base(model) {
        Some(Layer::Fleet { .. }) => {
            (0..model.clusters.len()).filter(auto).map(|at| (at, REFRESH_FLEET)).collect()
        }
        Some(_) => model.open.into_iter().filter(auto).map(|at| (at, REFRESH)).collect(),
        None => Vec::new(),
    }
}

/// What everything on top of it is about: one cluster, or all of them.
fn base(model: &Model) -> Option<&Layer> {
    model.layers.iter().rev().find(|layer| matches!(layer, Layer::Fleet { .. } | Layer::Matrix(_)))
}

/// When [`Msg::Due`] is wanted: nothing moves before, and nothing has to be drawn.
pub(crate) fn next_due(model: &Model) -> Option<Timestamp> {
    let glass =
        model.glass.as_ref().filter(|_| model.running().is_none()).map(|glass| glass.last_key + GLASS);
    // While a run goes on its clocks and ages are looked at, also where it waits for its operator.
    let run = model.running().map(|_| model.now + SignedDuration::from_secs(1));
    let walked = model.running().map(|walk| walk.cluster);
    let surveys = watched(model).into_iter().filter_map(|(at, rest)| {
        let cluster = model.clusters.get(at)?;
        let rests = cluster.reading.is_none() && walked != Some(at);
        cluster.read_at.filter(|_| rests).map(|read| read + rest)
    });
    // Whoever waits for a node sees the seconds.
    let waits = model.cluster().is_some_and(|cluster| cluster.reading.is_some());
    let waits = waits.then(|| model.now + SignedDuration::from_secs(1));
    // Many clusters rest longer than their ages may stand still.
    let ages = matches!(base(model), Some(Layer::Fleet { .. })) && !watched(model).is_empty();
    let ages = ages.then(|| model.now + REFRESH);
    glass.into_iter().chain(run).chain(surveys).chain(waits).chain(ages).min()
}

/// The first signal stops a run after its step, the second at once.
fn signalled(model: &mut Model) -> Vec<Effect> {
    if model.running().is_none() {
        let ended = model.walk.as_ref().and_then(|walk| walk.ended.as_ref());
        return vec![Effect::Quit(ended.map_or(130, |finish| finish.exit))];
    }
    model.leaving = true;
    stop(model)
}

/// Stops the run one degree more: after its step, then at once.
pub(super) fn stop(model: &mut Model) -> Vec<Effect> {
    let Some(walk) = model.walk.as_mut().filter(|walk| walk.ended.is_none()) else { return Vec::new() };
    walk.stopping = match walk.stopping {
        Stopping::No => Stopping::AfterStep,
        Stopping::AfterStep | Stopping::Now => Stopping::Now,
    };
    let mut effects = vec![Effect::Stop(walk.stopping)];
    model.notice = Some(Plain::new(match walk.stopping {
        Stopping::Now => {
            "stopping at once: what runs on a node goes on there, unknown until the next run asks it"
        }
        _ => "stops after this step; once more stops at once and leaves it unknown",
    }));
    if walk.asked.take().is_some() {
        model.layers.retain(|layer| !is_answer(layer));
        effects.push(Effect::Answer(Reply::Refused("stopped while it was asked".to_owned())));
    }
    // Whoever waits for a secret holds the run.
    if model.secret.take().is_some() {
        effects.push(Effect::Secret(None));
    }
    effects
}

/// A secret is asked for where nobody is in the middle of typing something else.
fn show_secret(model: &mut Model) {
    let typing = model.top().is_some_and(|top| top.context().is_typed());
    if model.secret.is_some() && !typing {
        model.layers.push(Layer::Secret);
    }
    if model.secret.is_none() {
        model.layers.retain(|layer| !matches!(layer, Layer::Secret));
    }
}

/// What is chosen exists: nodes and findings come and go with the surveys.
fn clamp(model: &mut Model) {
    let nodes = model.cluster().map_or(0, |cluster| cluster.nodes.len());
    let findings = model
        .cluster()
        .and_then(|cluster| cluster.picture.as_ref())
        .map_or(0, |picture| picture.judgement.findings.len());
    for layer in &mut model.layers {
        match layer {
            Layer::Matrix(at) => {
                at.node = at.node.min(nodes.saturating_sub(1));
                at.finding = at.finding.min(findings.saturating_sub(1));
            }
            Layer::Node(at) => at.node = at.node.min(nodes.saturating_sub(1)),
            Layer::Finding { at, .. } => *at = (*at).min(findings.saturating_sub(1)),
            _ => {}
        }
    }
}

/// What the run asks is the same kind of question as the layer answers.
pub(super) fn asked(model: &Model) -> Option<&Ask> {
    model.running().and_then(|walk| walk.asked.as_ref())
}
