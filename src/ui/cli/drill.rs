//! `breakglass drill`: practise on a simulated cluster, with the runbooks, rules and words of the real thing.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use anyhow::{Context as _, Result};
use clap::{Args, Subcommand};
use serde_json::json;

use super::library::Library;
use super::output::{self, Glyphs};
use super::run::plain::{read_line, say, wrapped};
use super::run::{Walker, asked, listen, operator, planned};
use super::status::text;
use super::{Failure, Places, exit, places};
use crate::engine::{self, Answered};
use crate::facts::{Mode, Plain};
use crate::inventory::nearest;
use crate::nodes::sim::{Pace, SimPorts};
use crate::practice::drill::{self, Drill, Question, Scenario};
use crate::record::{self, Log, OpenError, Record};
use crate::runbook::Runbook;
use crate::ui::survey::{Asked, Memory, Picture};
use crate::ui::tui::{self, Begin};

/// The exit code of a drill that was left before everything was reached.
const NOT_WON: u8 = 10;

/// Practise on a simulated cluster; nothing real is touched.
#[derive(Debug, Args)]
pub(super) struct DrillArgs {
    #[command(subcommand)]
    command: DrillCommand,
}

#[derive(Debug, Subcommand)]
enum DrillCommand {
    /// The drills there are
    List {
        /// One JSON document (breakglass.drills/1)
        #[arg(long)]
        json: bool,
    },
    /// Play a drill: the pager's text, two questions, then the cluster is yours
    Play(PlayArgs),
    /// Hold scenario files to every check; without a file, the built-in ones
    Check {
        /// The files
        #[arg(value_name = "FILE")]
        files: Vec<PathBuf>,
    },
}

#[derive(Debug, Args)]
struct PlayArgs {
    /// The drill; `breakglass drill list` names them [default: the first]
    #[arg(value_name = "ID")]
    id: Option<String>,
    /// Line by line, on any terminal, not on the screen
    #[arg(long)]
    plain: bool,
    /// Another course of the same drill; the same number makes the same one [default: the scenario's]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
}

/// Runs `breakglass drill …`.
pub(super) fn run(places: &Places, args: DrillArgs) -> Result<ExitCode> {
    match args.command {
        DrillCommand::List { json } => list(json),
        DrillCommand::Play(args) => play(places, &args),
        DrillCommand::Check { files } => check(&files),
    }
}

fn print(text: &str) -> Result<()> {
    match io::stdout().lock().write_all(text.as_bytes()) {
        // A list that nobody reads any more is no error.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

fn list(as_json: bool) -> Result<ExitCode> {
    let scenarios = drill::library();
    if as_json {
        let drills = scenarios.iter().map(|scenario| {
            json!({
                "id": scenario.id, "version": scenario.version, "title": scenario.title, "level": scenario.level,
                "family": scenario.family, "backend": "sim", "seed": scenario.seed, "nodes": scenario.nodes,
                "source_url": scenario.source_url,
            })
        });
        let all = json!({ "schema": "breakglass.drills/1", "drills": drills.collect::<Vec<_>>() });
        print(&format!("{}\n", serde_json::to_string_pretty(&all)?))?;
    } else {
        let (width, _) = output::size();
        let lines = scenarios.iter().flat_map(|scenario| {
            let about = format!(
                "level {}, {} simulated nodes; after {}",
                scenario.level,
                scenario.nodes.len(),
                scenario.source_url
            );
            let more = [scenario.title.to_string(), about].into_iter();
            let more = more.flat_map(|text| output::wrap(&text, width.saturating_sub(4)));
            let more = more.map(|line| format!("    {line}\n")).collect::<Vec<_>>();
            std::iter::once(format!("{}\n", scenario.id)).chain(more).collect::<Vec<_>>()
        });
        print(&lines.collect::<String>())?;
    }
    Ok(ExitCode::from(exit::OK))
}

fn check(files: &[PathBuf]) -> Result<ExitCode> {
    let mut good = true;
    let told = |scenario: &Scenario| format!("{}, {} faults", scenario.id, scenario.faults.len());
    if files.is_empty() {
        for scenario in drill::library() {
            print(&format!("built in: {}\n", told(&scenario)))?;
        }
    }
    for path in files {
        match read(path) {
            Ok(scenario) => {
                print(&format!("{}: {}\n", Plain::new(path.display().to_string()), told(&scenario)))?;
            }
            Err(why) => {
                good = false;
                exit::warn(&format!("scenario {} is refused: {why}", path.display()));
            }
        }
    }
    Ok(ExitCode::from(if good { exit::OK } else { exit::USAGE }))
}

fn read(path: &Path) -> Result<Scenario, String> {
    let bytes = super::library::bytes(path, drill::MAX_BYTES)?;
    drill::parse(&path.display().to_string(), &bytes).map_err(|errors| errors.to_string())
}

fn chosen(id: Option<&str>) -> Result<Scenario> {
    let mut all = drill::library();
    let names: Vec<String> = all.iter().map(|scenario| scenario.id.clone()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let at = match id {
        None => Some(0),
        Some(id) => names.iter().position(|name| *name == id),
    };
    if let Some(at) = at.filter(|at| *at < all.len()) {
        return Ok(all.swap_remove(at));
    }
    let id = Plain::new(id.unwrap_or_default());
    let text = match nearest(id.as_str(), &names) {
        Some(near) => format!("there is no drill \"{id}\"; did you mean {near}?"),
        None => format!("there is no drill \"{id}\"; there is {}", names.join(", ")),
    };
    Err(Failure::Usage(text).into())
}

fn play(places: &Places, args: &PlayArgs) -> Result<ExitCode> {
    let scenario = chosen(args.id.as_deref())?;
    if !args.plain && tui::has_screen() {
        return tui::run(places, &Begin::Drill { id: scenario.id, seed: args.seed });
    }
    let state = places::state_dir(places)?;
    let drill = Drill::begin(scenario, args.seed)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("starting the asynchronous runtime")?;
    let code = runtime.block_on(in_lines(drill, &state));
    // A question that nobody answers must not hold the exit.
    runtime.shutdown_background();
    code.map(ExitCode::from)
}

/// What one drill at the terminal goes on with.
struct Table<'a> {
    drill: Drill,
    ports: SimPorts,
    state: &'a Path,
    stop: Arc<AtomicU8>,
    runbooks: Vec<Runbook>,
    /// How many records the cluster's log held before: those of earlier drills.
    before: usize,
}

/// What was typed at the prompt.
enum Typed {
    Runbook(String),
    Status,
    Quit,
    Nothing,
}

/// Plays a drill line by line.
async fn in_lines(drill: Drill, state: &Path) -> Result<u8> {
    let ports = drill.sim.clock().paced(Pace::Lively);
    let stop = ports.stopper();
    listen(&stop, false)?;
    let runbooks = Library::load().runbooks;
    let mut table = Table { drill, ports, state, stop, runbooks, before: 0 };
    table.before = table.records().len();
    table.head();
    let scenario = table.drill.scenario.clone();
    say(&format!("\n{}", scenario.title));
    wrapped("  ", scenario.brief.as_str());
    table.show().await?;
    table.drill.answers.diagnosis = table.ask(&scenario.diagnosis).await;
    table.drill.answers.node = table.ask(&scenario.node).await;
    let code = table.walk().await?;
    table.debrief().await?;
    Ok(code)
}

impl Table<'_> {
    /// Says on every page that this is a drill, and how long it has lasted.
    fn head(&self) {
        let scenario = &self.drill.scenario;
        let since = self.ports.now().duration_since(self.drill.paged).unsigned_abs().as_secs();
        say(&format!(
            "\nDRILL  {}  seed {}  {since} s since the pager rang. Nothing here is real.",
            scenario.id, self.drill.seed
        ));
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::SeqCst) > 0
    }

    async fn picture(&self) -> Result<Picture> {
        let asked = Asked {
            nodes: &self.drill.sim,
            cluster: self.drill.cluster(),
            family: self.drill.scenario.family,
            names: &self.drill.names(),
            state: Some(self.state),
            memory: &Memory::default(),
            now: &|| self.ports.now(),
        };
        Ok(asked.picture(|_| ()).await?)
    }

    /// A record that cannot be read remembers nothing; the run that opens it says what is wrong with it.
    fn records(&self) -> Vec<Record> {
        record::read(&self.drill.place(self.state).dir).unwrap_or_default()
    }

    async fn show(&self) -> Result<Picture> {
        let picture = self.picture().await?;
        let (columns, _) = output::size();
        say("");
        print(&text::page(&picture, columns, Glyphs::of_locale()))?;
        Ok(picture)
    }

    /// Asks a question with numbered answers; nothing typed is no answer.
    async fn ask(&self, question: &Question) -> Option<usize> {
        self.head();
        wrapped("", question.question.as_str());
        for (at, option) in question.options.iter().enumerate() {
            wrapped("  ", &format!("{} {}", at + 1, option.text));
        }
        for _ in 0..3 {
            let line = self.line("answer > ").await?;
            match line.trim().parse::<usize>() {
                Ok(number @ 1..) if number <= question.options.len() => return Some(number - 1),
                _ if line.trim().is_empty() => return None,
                _ => say(&format!("  type a number from 1 to {}", question.options.len())),
            }
        }
        None
    }

    /// One typed line; none where the input ended or somebody wants to stop.
    async fn line(&self, prompt: &'static str) -> Option<String> {
        let read = move || match read_line(prompt) {
            Some(line) => Answered::Given(line),
            None => Answered::Refused(String::new()),
        };
        match asked(&self.stop, read).await {
            Answered::Given(line) => Some(line),
            Answered::Refused(_) => None,
        }
    }

    /// One runbook after the other until everything is reached, or the operator leaves.
    async fn walk(&mut self) -> Result<u8> {
        self.offer();
        loop {
            match self.prompt().await {
                _ if self.is_stopped() => return Ok(exit::SIGNAL),
                Typed::Nothing => {}
                Typed::Quit => return Ok(NOT_WON),
                Typed::Status => {
                    self.head();
                    self.show().await?;
                    self.offer();
                }
                Typed::Runbook(words) => {
                    if let Err(error) = self.runbook(&words).await {
                        exit::warn(&format!("{error:#}"));
                        continue;
                    }
                    if self.is_stopped() {
                        return Ok(exit::SIGNAL);
                    }
                    self.head();
                    let picture = self.show().await?;
                    if self.drill.won(&picture.survey, &picture.judgement).is(|won| *won) {
                        return Ok(exit::OK);
                    }
                    for missing in self.drill.missing(&picture.survey, &picture.judgement) {
                        wrapped("  ", &format!("still to be reached: {missing}"));
                    }
                    self.offer();
                }
            }
        }
    }

    fn offer(&self) {
        say("\nRunbooks:");
        for (at, runbook) in self.runbooks.iter().enumerate() {
            say(&format!("  {} {:<20} {}", at + 1, runbook.id, runbook.title));
        }
        say("  or: status, quit");
    }

    async fn prompt(&self) -> Typed {
        let Some(line) = self.line("runbook> ").await else { return Typed::Quit };
        match line.trim() {
            "" => Typed::Nothing,
            "status" => Typed::Status,
            "quit" => Typed::Quit,
            words => Typed::Runbook(words.to_owned()),
        }
    }

    /// Walks the runbook of that number or id, with inputs behind it as `INPUT=NODE`.
    async fn runbook(&mut self, words: &str) -> Result<()> {
        let mut words = words.split_whitespace().map(str::to_owned);
        let name = words.next().unwrap_or_default();
        let set: Vec<String> = words.collect();
        let numbered =
            name.parse::<usize>().ok().and_then(|number| self.runbooks.get(number.checked_sub(1)?));
        let found = numbered.or_else(|| self.runbooks.iter().find(|runbook| runbook.id == name));
        let Some(runbook) = found else {
            let names: Vec<&str> = self.runbooks.iter().map(|runbook| runbook.id.as_str()).collect();
            let near = nearest(&name, &names).map(|near| format!("; did you mean {near}?"));
            return Err(
                Failure::Usage(format!("there is no runbook {name:?}{}", near.unwrap_or_default())).into()
            );
        };
        let plan = match planned(runbook, &self.drill.names(), &set, None)? {
            Ok(plan) => plan,
            Err(why) => return Err(Failure::Usage(why).into()),
        };
        self.head();
        let setting = self.drill.setting(operator(), std::process::id());
        let mut walker = Walker::plain(Arc::clone(&self.stop));
        let ticks = self.ports.clone();
        let place = self.drill.place(self.state);
        let book =
            |_: Mode| -> Result<(Log, Vec<Record>), OpenError> { Log::open(&place, &move || ticks.now()) };
        let ended = engine::run(&self.drill.sim, &self.ports, &mut walker, &setting, plan, book).await;
        walker.end(ended, &self.ports);
        Ok(())
    }

    async fn debrief(&self) -> Result<()> {
        let picture = self.picture().await?;
        let records = self.records();
        let own = records.get(self.before..).unwrap_or_default();
        let debrief = self.drill.debrief(own, &picture.survey);
        self.head();
        say("DEBRIEF");
        for line in &debrief.lines {
            wrapped("  ", line.as_str());
        }
        say(&format!("\n{}", debrief.one_line));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    #[test]
    fn a_misspelt_drill_is_answered_with_the_nearest() {
        let error = chosen(Some("all-kiled")).unwrap_err().to_string();
        assert!(error.contains("did you mean all-killed?"), "{error}");
        assert_eq!(chosen(None).unwrap().id, drill::library()[0].id);
    }

    #[test]
    fn a_drill_begins_at_the_clock_of_this_workstation() {
        let drill = Drill::begin(chosen(None).unwrap(), Some(3)).unwrap();
        let apart = drill.paged.duration_since(Timestamp::now()).unsigned_abs();
        assert!(apart.as_secs() < 600, "{apart:?}");
    }
}
