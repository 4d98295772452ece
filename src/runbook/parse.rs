//! From a file's bytes to [`Runbook`].

use std::path::PathBuf;

use toml::de::DeValue;

use super::check::{self, Draft, DraftInput, Placed};
use super::{Action, Choose, Guard, Input, Origin, PREDICATES, Predicate, Refused, Runbook, Scope, Step};
use crate::facts::{Family, Plain};
use crate::inventory::Diagnostics;
use crate::inventory::diagnostic::{Problem, Span};
use crate::inventory::document::{Kind, unique};
use crate::inventory::grammar::{Misfit, prose, quoted, slug};
use crate::inventory::table::{Said, Table, none_of, one_of};
use crate::record;

/// The largest file that is read, in bytes.
pub const MAX_BYTES: usize = 256 << 10;

const KIND: Kind = Kind {
    what: "the runbook",
    format: "breakglass.runbook/",
    most: MAX_BYTES,
    too_large: "a runbook of a hundred steps is a tenth of that: is this the right file?",
    begin: "its first line is `format = \"breakglass.runbook/1\"`; `breakglass runbook schema` prints the rest",
};

/// Longest titles and texts, in characters.
pub(super) const TITLE: usize = 80;
pub(super) const TEXT: usize = 1200;

const FAMILIES: &[(&str, Family)] = &[("galera", Family::Galera)];

/// Reads a runbook as it came from its file, and holds it to every check. `name` is the file's, for messages, and the
/// place a site's runbook is from.
pub fn parse(name: &str, bytes: &[u8]) -> Result<Runbook, Diagnostics> {
    let mut runbook = KIND.read_bytes(name, bytes, runbook)?;
    runbook.origin = Origin::Site(PathBuf::from(name));
    runbook.digest = format!("sha256:{}", record::hash(bytes));
    Ok(runbook)
}

fn runbook(top: &Table<'_>) -> Option<Runbook> {
    let problems = top.problems;
    let id = top.needed("id", "give it one: `id = \"my-runbook\"`", slug);
    let title = top.needed("title", "say in one line what it does", title);
    let about = top.needed("about", "say when to use it, and what it leaves behind", text);
    if top.has("family").is_none() {
        top.missing("family", "write `family = \"galera\"`, the only one this version knows");
    }
    let family = top.word("family", FAMILIES);
    let answers = answers(top);
    let inputs: Vec<Option<DraftInput>> =
        top.tables("input", "an input", "input").iter().map(input).collect();
    let tables = top.tables("step", "a step", "step");
    if top.has("step").is_none_or(|_| tables.is_empty() && problems.count() == 0) {
        problems.push(Problem::of_file("the runbook has no step").help("begin one with `[[step]]`"));
    }
    let (ids, steps): (Vec<_>, Vec<_>) = tables.iter().map(step).unzip();
    top.finish(|key| match key {
        "inputs" => Some("write each input as `[[input]]`"),
        "steps" => Some("write each step as `[[step]]`"),
        "action" | "on" | "when" | "guards" | "check" => {
            Some("this belongs to a step: write `[[step]]` first")
        }
        "choose" | "kind" | "also" => Some("this belongs to an input: write `[[input]]` first"),
        key => never(key),
    });
    unique(ids.iter().flatten(), "step", problems);
    let inputs: Vec<DraftInput> = inputs.into_iter().collect::<Option<_>>()?;
    unique(inputs.iter().flat_map(|input| &input.names), "input", problems);
    let steps: Vec<Draft> = steps.into_iter().collect::<Option<_>>()?;
    check::check(&inputs, &steps, problems);
    Some(Runbook {
        id: id?.value,
        title: title?.value,
        about: about?.value,
        family: family?.value,
        inputs: inputs.into_iter().map(|draft| draft.input).collect(),
        steps: steps.into_iter().map(|draft| draft.step).collect(),
        answers: answers?,
        digest: String::new(),
        origin: Origin::BuiltIn,
    })
}

/// Keys that would lift a rule, or run something of the file's own: they have no place in any runbook.
fn never(key: &str) -> Option<&'static str> {
    const LIFTS: &[&str] = &[
        "waive", "approv", "confirm", "force", "lift", "overrid", "ignore", "skip", "rule", "accept",
        "assume", "unsafe", "yes", "trust",
    ];
    const RUNS: &[&str] = &[
        "shell", "command", "cmd", "script", "exec", "argv", "bash", "template", "sql", "ssh", "python",
        "hook",
    ];
    let key = key.to_ascii_lowercase();
    if LIFTS.iter().any(|stem| key.starts_with(stem)) {
        return Some(
            "a runbook can add guards; it can never lift a safety rule, waive one or confirm a step: the operator types that",
        );
    }
    (RUNS.iter().any(|stem| key.starts_with(stem)) || matches!(key.as_str(), "run" | "sh" | "env"))
        .then_some("a runbook combines typed actions; it holds no shell, no commands and no templates")
}

fn title(text: &str) -> Result<Plain, Misfit> {
    prose(text, TITLE)
}

fn text(text: &str) -> Result<Plain, Misfit> {
    prose(text, TEXT)
}

fn answers(top: &Table<'_>) -> Option<Vec<String>> {
    if top.has("answers").is_none() {
        return Some(Vec::new());
    }
    let said = top.words("answers")?;
    let good = |id: &String| id.split('.').count() == 2 && id.split('.').all(|part| slug(part).is_ok());
    if let Some(bad) = said.value.iter().find(|id| !good(id)) {
        let title = format!("`answers` cannot hold {}", quoted(bad));
        top.problems.push(Problem::new(
            &said.at,
            title,
            "expected ids of findings, such as \"galera.all-crashed\"",
        ));
        return None;
    }
    Some(said.value)
}

fn input(table: &Table<'_>) -> Option<DraftInput> {
    let before = table.problems.count();
    let own = table.needed("name", "give it one: `name = \"target\"`", slug);
    let also = if table.has("also").is_some() { table.words("also") } else { None };
    let mut names: Vec<Said<String>> = own.iter().cloned().collect();
    for (value, said) in also.iter().flat_map(|said| said.value.iter().map(move |value| (value, said))) {
        match slug(value) {
            Ok(value) => names.push(Said { key: said.key.clone(), at: said.at.clone(), value }),
            Err(misfit) => table.problems.push(Problem::new(
                &said.at,
                format!("`also` cannot hold {}", quoted(value)),
                format!("expected {}", misfit.expected),
            )),
        }
    }
    if table.has("kind").is_none() {
        table.missing("kind", "write `kind = \"data-node\"`, the only kind there is");
    }
    table.word("kind", &[("data-node", ())]);
    if table.has("choose").is_none() {
        let words: Vec<&str> = Choose::ALL.map(Choose::name).to_vec();
        table.missing("choose", format!("say where it comes from: {}", one_of(&words, '"')));
    }
    let choose = table.word("choose", &Choose::ALL.map(|choose| (choose.name(), choose)));
    let about = table.needed("about", "say which node is meant", text);
    table.finish(|key| match key {
        "default" | "value" => Some("an input has no default: the operator gives it, or chooses"),
        key => never(key),
    });
    let (own, choose) = (own?, choose?);
    let input = Input {
        name: own.value,
        also: also.map(|said| said.value).unwrap_or_default(),
        about: about?.value,
        choose: choose.value,
    };
    (table.problems.count() == before).then_some(DraftInput { input, names, at: own.at })
}

/// Reads one `[[step]]`: its id, and the step where nothing is wrong with it.
fn step(table: &Table<'_>) -> (Option<Said<String>>, Option<Draft>) {
    let id =
        table.needed("id", "give it one: `id = \"freeze\"`; plans, answers and records name it so", slug);
    let draft = beyond_id(table, id.as_ref());
    (id, draft)
}

fn beyond_id(table: &Table<'_>, id: Option<&Said<String>>) -> Option<Draft> {
    let before = table.problems.count();
    let title = table.needed("title", "say in one line what it does", title);
    let explain = table.needed("explain", "say why, and what the operator will see", text);
    let action = action(table);
    let on = scope(table);
    let when = guards(table, "when");
    let guards_before = guards(table, "guards");
    let check = guards(table, "check");
    let refused = table.word("refused", &[("stop", Refused::Stop), ("leave-out", Refused::LeaveOut)]);
    let always = table.flag("always");
    let covered_by = table.parsed("covered_by", slug);
    let needs = table.parsed("needs", slug);
    table.finish(|key| match key {
        "scope" | "nodes" | "node" | "target" => {
            Some("say which nodes it is for: `on = \"each\"`, `on = { input = \"target\" }`")
        }
        "retry" | "retries" => Some("a destructive step is never retried; reads are, by the engine"),
        "timeout" | "limit" => Some("limits belong to the action"),
        "undo" => Some("the undo belongs to the action"),
        "class" => Some("the class belongs to the action: no file can make it milder"),
        key => never(key),
    });
    let (action, on) = (action?, on?);
    let draft = Draft {
        at: id?.at.clone(),
        action: action.at,
        on: on.at,
        refused: refused.as_ref().map(|said| said.at.clone()),
        always: always.as_ref().map(|said| said.at.clone()),
        covered_by: covered_by.as_ref().map(|said| said.at.clone()),
        needs: needs.as_ref().map(|said| said.at.clone()),
        guards: [("when", when), ("guards", guards_before), ("check", check)],
        step: Step {
            id: id?.value.clone(),
            title: title?.value,
            explain: explain?.value,
            scope: on.value,
            action: action.value,
            when: Vec::new(),
            guards: Vec::new(),
            check: Vec::new(),
            refused: refused.map(|said| said.value).unwrap_or_default(),
            always: always.is_some_and(|said| said.value),
            covered_by: covered_by.map(|said| said.value),
            needs: needs.map(|said| said.value),
        },
    };
    (table.problems.count() == before).then(|| draft.whole())
}

fn action(table: &Table<'_>) -> Option<Said<Action>> {
    if table.has("action").is_none() {
        table.missing("action", "say what is done: `breakglass runbook schema` lists the actions");
    }
    let input = table.parsed("input", slug);
    let said = table.parsed("action", |text| {
        Action::ALL.into_iter().find(|action| action.name() == text).ok_or_else(|| {
            let names: Vec<&str> = Action::ALL.iter().map(Action::name).collect();
            let misfit = none_of(text, &names);
            match (never(text), misfit.help.is_none()) {
                (Some(help), true) => misfit.help(help),
                _ => misfit,
            }
        })
    })?;
    let value = match (&said.value, input) {
        (Action::Choose(_), Some(input)) => Action::Choose(input.value),
        (Action::Choose(_), None) => {
            if table.has("input").is_none() {
                table.missing("input", "say what is chosen: `input = \"target\"`");
            }
            return None;
        }
        (other, None) => other.clone(),
        (other, Some(input)) => {
            table.problems.push(
                Problem::new(
                    &input.at,
                    format!("`input` says nothing beside `{}`", other.name()),
                    "only `choose` has an input of its own",
                )
                .help(format!("to act on that node, write `on = {{ input = \"{}\" }}`", input.value)),
            );
            return None;
        }
    };
    Some(Said { key: said.key, at: said.at, value })
}

fn scope(table: &Table<'_>) -> Option<Said<Scope>> {
    const WANTED: &str = "expected \"cluster\", \"each\", { input = \"…\" } or { others = \"…\" }";
    let Some(said) = table.value("on") else {
        table.missing(
            "on",
            "say which nodes it is for: \"cluster\", \"each\", { input = \"…\" } or { others = \"…\" }",
        );
        return None;
    };
    let value = match said.value {
        DeValue::String(word) if word == "cluster" => Scope::Cluster,
        DeValue::String(word) if word == "each" => Scope::EachData,
        DeValue::String(word) => {
            table.problems.push(
                Problem::new(&said.at, format!("`on` cannot be {}", quoted(word)), WANTED)
                    .maybe_help(none_of(word, &["cluster", "each"]).help)
                    .help("a node is named by an input, never in the file"),
            );
            return None;
        }
        DeValue::Table(entries) => {
            let place = Table::new("a step's `on`", said.at.clone(), entries, table.problems);
            let before = table.problems.count();
            let (input, others) = (place.parsed("input", slug), place.parsed("others", slug));
            place.finish(|_| None);
            match (input, others) {
                (Some(input), None) => Scope::Input(input.value),
                (None, Some(others)) => Scope::Others(others.value),
                _ => {
                    if table.problems.count() == before {
                        table.problems.push(Problem::new(
                            &said.at,
                            "`on` must name exactly one thing",
                            WANTED,
                        ));
                    }
                    return None;
                }
            }
        }
        other => {
            let found = other.type_str();
            table.problems.push(Problem::new(
                &said.at,
                format!("`on` cannot be a value of type {found}"),
                WANTED,
            ));
            return None;
        }
    };
    Some(Said { key: said.key, at: said.at, value })
}

fn guards(table: &Table<'_>, key: &'static str) -> Vec<Placed> {
    let Some(said) = table.value(key) else { return Vec::new() };
    let Some(items) = said.value.as_array() else {
        table.problems.push(
            Problem::new(
                &said.at,
                format!("`{key}` must be a list of predicates"),
                format!("expected a list, found {}", said.value.type_str()),
            )
            .help(format!("write `{key} = [\"server-down\"]`")),
        );
        return Vec::new();
    };
    items.iter().filter_map(|item| guard(table, &item.span(), item.get_ref())).collect()
}

fn guard(table: &Table<'_>, span: &Span, value: &DeValue<'_>) -> Option<Placed> {
    match value {
        DeValue::String(name) => predicate(table, span, name, span, None),
        DeValue::Table(entries) => {
            let place = Table::new("a guard", span.clone(), entries, table.problems);
            if place.has("predicate").is_none() {
                place.missing("predicate", "name one: `{ predicate = \"standing\", one_of = [\"BEHIND\"] }`");
            }
            let name = place.text("predicate");
            let words = if place.has("one_of").is_some() { Some(place.words("one_of")) } else { None };
            place.finish(never);
            let words = match words {
                None => None,
                Some(words) => Some(words?),
            };
            let name = name?;
            predicate(table, span, name.value, &name.at, words.as_ref())
        }
        other => {
            table.problems.push(Problem::new(
                span,
                "a guard is a predicate's name or a table with its arguments",
                format!("expected \"server-down\" or {{ predicate = … }}, found {}", other.type_str()),
            ));
            None
        }
    }
}

fn predicate(
    table: &Table<'_>,
    span: &Span,
    name: &str,
    at: &Span,
    words: Option<&Said<Vec<String>>>,
) -> Option<Placed> {
    let refuse = |problem| {
        table.problems.push(problem);
        None
    };
    let Some(row) = PREDICATES.iter().find(|row| row.name == name) else {
        let names: Vec<&str> = PREDICATES.iter().map(|row| row.name).collect();
        let misfit = none_of(name, &names);
        let problem = Problem::new(at, format!("there is no predicate {}", quoted(name)), "not a predicate");
        let help = never(name).map(str::to_owned).or(misfit.help);
        return refuse(
            problem.help(help.unwrap_or_else(|| format!("the predicates are {}", misfit.expected))),
        );
    };
    match (row.argument, words) {
        (None, Some(words)) => {
            return refuse(Problem::new(
                &words.key,
                format!("`{name}` takes no argument"),
                format!("expected \"{name}\" alone"),
            ));
        }
        (Some(argument), None) => {
            let example = argument.words.last().unwrap_or(&"");
            return refuse(
                Problem::new(span, format!("`{name}` has no `{}`", argument.name), "in here").help(format!(
                    "write `{{ predicate = \"{name}\", {} = [\"{example}\"] }}`",
                    argument.name
                )),
            );
        }
        (Some(argument), Some(words)) => {
            if let Some(bad) = words.value.iter().find(|word| !argument.words.contains(&word.as_str())) {
                let misfit = none_of(bad, argument.words);
                let title = format!("`{}` of `{name}` cannot hold {}", argument.name, quoted(bad));
                let label = format!("expected words of {}", misfit.expected);
                return refuse(Problem::new(&words.at, title, label).maybe_help(misfit.help));
            }
        }
        (None, None) => {}
    }
    let predicate = Predicate::new(name, words.map(|words| words.value.as_slice()))?;
    Some(Placed { at: at.clone(), guard: Guard { predicate } })
}
