//! `breakglass run`: one engine, three ways to walk it.

mod answers;
mod dry;
mod events;
pub(in crate::ui) mod plain;
mod ports;

use std::collections::BTreeMap;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::Args;
use jiff::Timestamp;
use tokio::signal::unix::{SignalKind, signal};

use super::library::Library;
use super::output::Glyphs;
use super::prompt::Terminal;
use super::{Failure, Places, exit, places, status};
use crate::engine::{
    self, Answered, Challenge, Choice, Ended, Event, Fatal, Operator, Ports, RunError, RunResult, Setting,
    WaiverAsked, WaiverGiven,
};
use crate::facts::{Mode, NodeName, Role, SessionId};
use crate::inventory::{self, Cluster, Inventory};
use crate::nodes::real::{NoPrompt, Options, Prompter, RealNodes};
use crate::record::body::Operator as RecordedOperator;
use crate::record::{self, Log, OpenError, Record};
use crate::runbook::{Plan, PlanError, Runbook, plan};
use crate::ui::tui::{self, Begin};

pub(in crate::ui) use dry::sent;

pub(in crate::ui) use answers::Answers;
use events::Events;
use plain::Lines;
pub(in crate::ui) use ports::RealPorts;

/// What `run` is told.
#[derive(Args, Debug)]
pub(super) struct RunArgs {
    /// The runbook; `breakglass runbook list` names them
    #[arg(value_name = "RUNBOOK")]
    runbook: String,
    /// The cluster; may be left out where the inventory holds one
    #[arg(value_name = "CLUSTER")]
    cluster: Option<String>,
    /// An input of the runbook
    #[arg(long = "set", value_name = "INPUT=NODE")]
    set: Vec<String>,
    /// Show every step and its exact commands; nothing is sent
    #[arg(long)]
    dry_run: bool,
    /// Walk it line by line, on any terminal, not on the screen
    #[arg(long)]
    plain: bool,
    /// Walk it with the answers of this file; never asks
    #[arg(long, value_name = "FILE", conflicts_with = "plain")]
    answers: Option<PathBuf>,
    /// One JSON object a line (breakglass.event/1); with --dry-run one document (breakglass.plan/1)
    #[arg(long)]
    json: bool,
    /// Why the glass is broken
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// The incident this belongs to
    #[arg(long, value_name = "REF")]
    incident: Option<String>,
}

/// Runs `run`.
pub(super) fn run(places: &Places, args: &RunArgs) -> Result<ExitCode> {
    let Some((inventory, digest)) = places::inventory_and_digest(places)? else {
        return Err(status::no_inventory().into());
    };
    let cluster = the_one(&inventory, args.cluster.as_deref())?;
    let library = Library::load();
    for refused in &library.refused {
        exit::warn(&format!("{}: {}", refused.path.display(), refused.why));
    }
    let runbook = library.find(&args.runbook)?;
    let data: Vec<NodeName> =
        cluster.nodes.iter().filter(|node| node.role == Role::Data).map(|node| node.name.clone()).collect();
    let answers = match &args.answers {
        Some(path) => Some(Answers::read(path)?),
        // A stream of JSON has nobody to ask: what would be asked is refused.
        None => args.json.then(Answers::none),
    };
    let plan = match planned(runbook, &data, &args.set, answers.as_ref())? {
        Ok(plan) => plan,
        Err(why) => return Ok(refused(args, &why)),
    };
    if args.dry_run {
        dry::show(&plan, cluster, args.json)?;
        return Ok(ExitCode::from(exit::OK));
    }
    if args.answers.is_none() && !args.plain && !args.json && tui::has_screen() {
        let inputs = plan.inputs.iter();
        let begin = Begin::Walk {
            cluster: cluster.name.clone(),
            runbook: plan.runbook.id.clone(),
            inputs: inputs.filter_map(|(name, node)| Some((name.clone(), node.clone()?))).collect(),
            reason: args.reason.clone(),
            incident: args.incident.clone(),
        };
        return tui::run(places, &begin);
    }
    let (reason, incident) = reasons(args, &plan)?;
    let setting = Setting {
        cluster: cluster.name.clone(),
        family: cluster.family,
        names: cluster.nodes.iter().map(|node| node.name.clone()).collect(),
        data,
        operator: operator(),
        pid: std::process::id(),
        reason,
        incident,
        inventory: digest,
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("starting the asynchronous runtime")?;
    let code = runtime.block_on(walk(places, args, cluster, &setting, plan, answers));
    // A name lookup or a prompt that hangs must not hold the exit.
    runtime.shutdown_background();
    code.map(ExitCode::from)
}

fn the_one<'a>(inventory: &'a Inventory, name: Option<&str>) -> Result<&'a Cluster> {
    let clusters = status::chosen(inventory, name)?;
    match clusters.as_slice() {
        [one] => Ok(one),
        several => {
            let names: Vec<&str> = several.iter().map(|cluster| cluster.name.as_str()).collect();
            Err(Failure::Usage(format!("the inventory has {}: name the cluster", names.join(", "))).into())
        }
    }
}

/// The plan, or why the inputs do not fit it. Words that are no inputs at all are the caller's mistake.
pub(in crate::ui) fn planned(
    runbook: &Runbook,
    data: &[NodeName],
    set: &[String],
    answers: Option<&Answers>,
) -> Result<Result<Plan, String>> {
    let mut inputs: BTreeMap<String, String> = BTreeMap::new();
    for word in set {
        let Some((name, value)) = word.split_once('=') else {
            return Err(Failure::Usage(format!("--set {word:?} is not of the form INPUT=NODE")).into());
        };
        let name = canonical(runbook, name);
        if inputs.insert(name.clone(), value.to_owned()).is_some_and(|other| other != value) {
            return Err(Failure::Usage(format!("--set names {name} twice, with different nodes")).into());
        }
        if let Err(error) = NodeName::new(value) {
            return Err(Failure::Usage(format!("--set {word}: {error}")).into());
        }
        if !runbook.inputs.iter().any(|input| input.name == name) {
            let names: Vec<&str> = runbook.inputs.iter().map(|input| input.name.as_str()).collect();
            return Err(Failure::Usage(format!(
                "{} has no input {name:?}; it has {}",
                runbook.id,
                if names.is_empty() { "none".to_owned() } else { names.join(", ") }
            ))
            .into());
        }
        if !data.iter().any(|node| node.as_str() == value) {
            let names: Vec<&str> = data.iter().map(NodeName::as_str).collect();
            let near = inventory::nearest(value, &names).map(|near| format!(". Did you mean {near}?"));
            return Err(Failure::Usage(format!(
                "--set {word}: the cluster has no data node {value:?}; it has {}{}",
                names.join(", "),
                near.unwrap_or_default()
            ))
            .into());
        }
    }
    if let Some(answers) = answers
        && let Err(why) = answers.choices(runbook, &mut inputs)
    {
        return Ok(Err(why));
    }
    let mut nodes = BTreeMap::new();
    for (name, value) in inputs {
        match NodeName::new(&value) {
            Ok(node) => {
                nodes.insert(name, node);
            }
            Err(error) => return Ok(Err(error.to_string())),
        }
    }
    let made: Result<Plan, PlanError> = plan(runbook, data, &nodes);
    let made = match made {
        Ok(made) => made,
        Err(error) => return Ok(Err(error.to_string())),
    };
    if let Some(answers) = answers
        && let Err(why) = answers.held_against(&made, data)
    {
        return Ok(Err(why));
    }
    Ok(Ok(made))
}

/// An input's own name, where it goes by others too.
fn canonical(runbook: &Runbook, name: &str) -> String {
    let input =
        runbook.inputs.iter().find(|input| input.name == name || input.also.iter().any(|also| also == name));
    input.map_or_else(|| name.to_owned(), |input| input.name.clone())
}

/// A refusal before anything was sent, and before there is a session.
fn refused(args: &RunArgs, why: &str) -> ExitCode {
    let code = RunResult::Refused.exit();
    if args.json {
        let random = RealPorts::new(Arc::default()).random().unwrap_or_default();
        let session = SessionId::new(Timestamp::now().as_millisecond().try_into().unwrap_or(0), random);
        let end = events::End { result: RunResult::Refused.as_str(), exit: code, detail: why };
        Events::default().end(&session, &end);
    }
    exit::warn(&format!("refused, nothing was sent: {why}"));
    ExitCode::from(code)
}

fn reasons(args: &RunArgs, plan: &Plan) -> Result<(Option<String>, Option<String>)> {
    let mut reason = args.reason.clone().filter(|text| !text.trim().is_empty());
    let mut incident = args.incident.clone().filter(|text| !text.trim().is_empty());
    if plan.all_reads() {
        return Ok((reason, incident));
    }
    if args.answers.is_none() && io::stdin().is_terminal() {
        let ask = |what: &str| plain::read_line(&format!("{what} > ")).filter(|text| !text.trim().is_empty());
        if reason.is_none() {
            let why = "Breaking the glass needs a reason and an incident reference; both go into the record.";
            plain::wrapped("", why);
            reason = ask("reason");
        }
        if incident.is_none() {
            incident = ask("incident");
        }
    }
    if reason.is_none() || incident.is_none() {
        return Err(Failure::Usage(format!(
            "{} changes nodes: give --reason TEXT and --incident REF",
            plan.runbook.id
        ))
        .into());
    }
    Ok((reason, incident))
}

/// Who sits at this workstation.
pub(in crate::ui) fn operator() -> RecordedOperator {
    let login = std::env::var("USER").or_else(|_| std::env::var("LOGNAME"));
    let uname = rustix::system::uname();
    RecordedOperator {
        login: login.unwrap_or_else(|_| "not known".to_owned()),
        uid: rustix::process::getuid().as_raw(),
        workstation: uname.nodename().to_string_lossy().into_owned(),
        ssh_key: None,
    }
}

async fn walk(
    places: &Places,
    args: &RunArgs,
    cluster: &Cluster,
    setting: &Setting,
    plan: Plan,
    answers: Option<Answers>,
) -> Result<u8> {
    let stop = Arc::new(AtomicU8::new(0));
    listen(&stop, args.json)?;
    let ports = RealPorts::new(Arc::clone(&stop));
    // Answers never ask, not for a passphrase either.
    let prompter: Arc<dyn Prompter> = if answers.is_some() { Arc::new(NoPrompt) } else { Arc::new(Terminal) };
    let nodes = RealNodes::new(cluster, Options::new(prompter));
    let mut walker = Walker {
        answers,
        out: if args.json {
            Out::Json(Events::default())
        } else {
            Out::Plain(Lines { glyphs: Glyphs::of_locale() })
        },
        stop: Arc::clone(&stop),
        declined: false,
    };
    let state = places::state_dir(places)?;
    let book = |mode: Mode| -> Result<(Log, Vec<Record>), OpenError> {
        let head = places::head(mode, &cluster.name);
        Log::open(&record::Place::new(&state, mode, &cluster.name, head), &Timestamp::now)
    };
    let ended = engine::run(&nodes, &ports, &mut walker, setting, plan, book).await;
    Ok(walker.end(ended, &ports))
}

/// The first signal stops after the step that runs, the second at once.
pub(in crate::ui) fn listen(stop: &Arc<AtomicU8>, json: bool) -> Result<()> {
    for kind in [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()] {
        let mut signal = signal(kind).context("listening for signals")?;
        let stop = Arc::clone(stop);
        tokio::spawn(async move {
            while signal.recv().await.is_some() {
                let before = stop.fetch_add(1, Ordering::SeqCst);
                if !json && before == 0 {
                    exit::warn("stops after this step; once more stops at once and leaves it unknown");
                }
            }
        });
    }
    Ok(())
}

/// How a run ended, for people and scripts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::ui) struct Finish {
    /// `done`, `partial`, `refused`, `unknown`, `paused`.
    pub(in crate::ui) result: &'static str,
    /// The exit code.
    pub(in crate::ui) exit: u8,
    /// Why; a sentence a line.
    pub(in crate::ui) detail: String,
}

impl Finish {
    /// What came of it.
    pub(in crate::ui) fn of(ended: Result<Ended, RunError>) -> Self {
        let error = match ended {
            Ok(ended) => {
                return Self {
                    result: ended.result.as_str(),
                    exit: ended.result.exit(),
                    detail: ended.detail,
                };
            }
            Err(error) => error,
        };
        let (result, exit) = match &error {
            RunError::Fatal(Fatal::Stopped) => (RunResult::Paused, exit::SIGNAL),
            RunError::Open(open) if open.is_broken() => (RunResult::Refused, exit::BROKEN),
            RunError::Open(_) => (RunResult::Refused, RunResult::Refused.exit()),
            RunError::Fatal(_) => (RunResult::Unknown, exit::INTERNAL),
        };
        Self { result: result.as_str(), exit, detail: error.to_string() }
    }
}

enum Out {
    Plain(Lines),
    Json(Events),
}

/// Whoever answers, and where it is told.
pub(in crate::ui) struct Walker {
    answers: Option<Answers>,
    out: Out,
    stop: Arc<AtomicU8>,
    /// A waiver was declined: the operator is not asked for another one.
    declined: bool,
}

impl Operator for Walker {
    fn mode(&mut self, mode: Mode) -> Result<(), String> {
        self.answers.as_ref().map_or(Ok(()), |answers| answers.fit(mode))
    }

    async fn choose(&mut self, choice: &Choice) -> Answered<NodeName> {
        if self.answers.is_some() {
            return Answers::choose(choice);
        }
        let choice = choice.clone();
        asked(&self.stop, move || plain::ask_choice(&choice)).await
    }

    async fn confirm(&mut self, challenge: &Challenge) -> Answered<String> {
        if let Some(answers) = &mut self.answers {
            return answers.confirm(challenge);
        }
        let challenge = challenge.clone();
        asked(&self.stop, move || plain::ask_confirm(&challenge)).await
    }

    async fn waive(&mut self, waiver: &WaiverAsked) -> Answered<WaiverGiven> {
        if let Some(answers) = &mut self.answers {
            return answers.waive(waiver);
        }
        if self.declined {
            return Answered::Refused(format!("{} on {} is not waived", waiver.blocked.rule, waiver.node));
        }
        let waiver = waiver.clone();
        let answer = asked(&self.stop, move || plain::ask_waiver(&waiver)).await;
        self.declined = matches!(answer, Answered::Refused(_));
        answer
    }

    fn hear(&mut self, event: &Event<'_>) {
        match &mut self.out {
            Out::Plain(lines) => lines.tell(event),
            Out::Json(events) => events.tell(event),
        }
    }
}

/// Asks on a thread of its own, until there is an answer or somebody wants the run stopped.
pub(in crate::ui) async fn asked<T: Send + 'static>(
    stop: &AtomicU8,
    ask: impl FnOnce() -> Answered<T> + Send + 'static,
) -> Answered<T> {
    let mut asked = tokio::task::spawn_blocking(ask);
    loop {
        tokio::select! {
            answer = &mut asked => {
                return answer
                    .unwrap_or_else(|error| Answered::Refused(format!("the question could not be asked: {error}")));
            }
            () = tokio::time::sleep(Duration::from_millis(100)) => {
                if stop.load(Ordering::SeqCst) > 0 {
                    return Answered::Refused("stopped while it was asked".to_owned());
                }
            }
        }
    }
}

impl Walker {
    /// One who is asked and told line by line, on any terminal; `stop` says how far to stop.
    pub(in crate::ui) fn plain(stop: Arc<AtomicU8>) -> Self {
        let out = Out::Plain(Lines { glyphs: Glyphs::of_locale() });
        Self { answers: None, out, stop, declined: false }
    }

    /// Says how it ended, and returns the exit code.
    pub(in crate::ui) fn end(&mut self, ended: Result<Ended, RunError>, ports: &impl Ports) -> u8 {
        let unused: Vec<String> = self.answers.iter().flat_map(Answers::left).collect();
        let session = ended.as_ref().ok().map(|ended| ended.session.clone());
        let Finish { result, exit, mut detail } = Finish::of(ended);
        for line in unused {
            if !detail.is_empty() {
                detail.push('\n');
            }
            detail.push_str(&line);
        }
        match &mut self.out {
            Out::Json(events) => {
                let random = ports.random().unwrap_or_default();
                let session = session.or_else(|| events.session()).unwrap_or_else(|| {
                    SessionId::new(Timestamp::now().as_millisecond().try_into().unwrap_or(0), random)
                });
                events.end(&session, &events::End { result, exit, detail: &detail });
                if exit != 0 {
                    exit::warn(&detail);
                }
            }
            Out::Plain(_) => {
                plain::say(&format!("\n{}", result.to_uppercase()));
                for line in detail.lines() {
                    plain::wrapped("  ", line);
                }
            }
        }
        let _ = io::stdout().flush();
        exit
    }
}
