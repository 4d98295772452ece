//! `breakglass runbook`: the library, one runbook in full, files held to every check, and the format.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::library::{self, Library, Refused};
use super::{exit, output};
use crate::ask::act::Class;
use crate::facts::Plain;
use crate::judge::safety::RULES;
use crate::runbook::{self, Choose, Guard, Input, Origin, Runbook, Step, class_word};

/// The library of runbooks.
#[derive(Debug, Args)]
pub(super) struct RunbookArgs {
    #[command(subcommand)]
    command: RunbookCommand,
}

#[derive(Debug, Subcommand)]
enum RunbookCommand {
    /// All runbooks: what each does, its class and its inputs
    List,
    /// One runbook in full: its steps with their guards, safety rules and undo
    Show {
        /// The runbook
        #[arg(value_name = "RUNBOOK")]
        id: String,
    },
    /// Hold files to every check a runbook has to pass
    Check {
        /// The files
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// The format of runbooks, as a JSON Schema
    Schema,
}

/// Runs `breakglass runbook …`. A file that is no runbook is exit code 2.
pub(super) fn run(args: RunbookArgs) -> anyhow::Result<ExitCode> {
    let (width, _) = output::size();
    let (text, good) = match args.command {
        RunbookCommand::List => {
            let library = Library::load();
            complain(&library.refused);
            (list(&library.runbooks, width), library.refused.is_empty())
        }
        RunbookCommand::Show { id } => (show(Library::load().find(&id)?, width), true),
        RunbookCommand::Check { files } => check(files),
        RunbookCommand::Schema => (serde_json::to_string_pretty(&runbook::schema())? + "\n", true),
    };
    match io::stdout().lock().write_all(text.as_bytes()) {
        // A list that nobody reads any more is no error.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => return Err(error.into()),
        _ => {}
    }
    Ok(ExitCode::from(if good { exit::OK } else { exit::USAGE }))
}

/// Says what was not taken, each line by itself and made plain.
fn complain(refused: &[Refused]) {
    let mut err = io::stderr().lock();
    for refused in refused {
        let text = format!("runbook {} is refused: {}", refused.path.display(), refused.why);
        for line in text.lines() {
            // A complaint that cannot be written has nobody to be told to.
            let _ = writeln!(err, "{}", Plain::new(line));
        }
    }
}

fn check(files: Vec<PathBuf>) -> (String, bool) {
    let (mut out, mut refused) = (String::new(), Vec::new());
    for path in files {
        match library::read(&path) {
            Ok(runbook) => line(
                &mut out,
                &format!(
                    "{}: {}, {} steps, {}",
                    Plain::new(path.display().to_string()),
                    runbook.id,
                    runbook.steps.len(),
                    class(&runbook)
                ),
            ),
            Err(why) => refused.push(Refused { path, why }),
        }
    }
    complain(&refused);
    (out, refused.is_empty())
}

fn line(out: &mut String, text: &str) {
    out.push_str(text.trim_end());
    out.push('\n');
}

/// `text` wrapped, its first line after `head`, the others indented to it.
fn block(out: &mut String, head: &str, text: &str, width: usize) {
    let indent = " ".repeat(head.chars().count());
    for (at, piece) in output::wrap(text, width.saturating_sub(indent.len())).iter().enumerate() {
        line(out, &format!("{}{piece}", if at == 0 { head } else { &indent }));
    }
}

fn list(runbooks: &[Runbook], width: usize) -> String {
    let mut out = String::new();
    for runbook in runbooks {
        line(&mut out, &format!("{}{}", runbook.id, mark(&runbook.origin)));
        block(&mut out, "    ", runbook.title.as_str(), width);
        block(&mut out, "    ", &format!("class: {}", class(runbook)), width);
        if !runbook.inputs.is_empty() {
            let inputs: Vec<String> = runbook
                .inputs
                .iter()
                .map(|input| format!("{} ({})", names(input).join(" or "), input.choose.name()))
                .collect();
            block(&mut out, "    ", &format!("inputs: {}", inputs.join(", ")), width);
        }
    }
    out
}

/// Whose it is, where it is not ours.
fn mark(origin: &Origin) -> &'static str {
    match origin {
        Origin::BuiltIn => "",
        Origin::Site(_) => " (site)",
    }
}

/// The class of the runbook, and what an optional input makes of it.
fn class(runbook: &Runbook) -> String {
    let (sure, severest) = (runbook.class(), runbook.severest());
    if sure == severest {
        return class_word(sure).to_owned();
    }
    let optional = runbook.inputs.iter().filter(|input| input.choose == Choose::Optional);
    let with: Vec<&str> = optional.map(|input| input.name.as_str()).collect();
    format!("{}; {} with {}", class_word(sure), class_word(severest), with.join(" or "))
}

fn names(input: &Input) -> Vec<&str> {
    std::iter::once(&input.name).chain(&input.also).map(String::as_str).collect()
}

fn show(runbook: &Runbook, width: usize) -> String {
    let mut out = String::new();
    line(&mut out, &format!("{}{}: {}", runbook.id, mark(&runbook.origin), runbook.title));
    line(&mut out, "");
    block(&mut out, "", runbook.about.as_str(), width);
    line(&mut out, "");
    block(&mut out, "class   ", &class(runbook), width);
    if !runbook.answers.is_empty() {
        block(&mut out, "answers ", &runbook.answers.join(", "), width);
    }
    if let Origin::Site(path) = &runbook.origin {
        block(&mut out, "file    ", Plain::new(path.display().to_string()).as_str(), width);
    }
    line(&mut out, &format!("digest  {}", runbook.digest));
    if !runbook.inputs.is_empty() {
        line(&mut out, "\nInputs");
        for input in &runbook.inputs {
            let text = format!("{} It is {}.", input.about, input.choose.about());
            block(&mut out, &format!("  {}: ", names(input).join(" or ")), &text, width);
        }
    }
    line(&mut out, "\nSteps");
    let wide = runbook.steps.len().to_string().len();
    for (number, step) in (1..).zip(&runbook.steps) {
        line(&mut out, &format!("\n{number:>wide$} {}: {}", step.id, step.title));
        for (head, text) in rows(runbook, step) {
            block(&mut out, &format!("{:wide$} {head:<8}", ""), &text, width);
        }
    }
    rules(&mut out, runbook, width);
    out
}

/// What there is to say of a step, row by row.
fn rows(runbook: &Runbook, step: &Step) -> Vec<(&'static str, String)> {
    let mut rows = vec![("", step.explain.to_string())];
    let class = step.action.class();
    rows.push(("does", format!("{}: {}", step.action.name(), step.action.about())));
    rows.push(("on", step.scope.describe()));
    rows.push(("class", class_word(class).to_owned()));
    for (head, guards) in [("when", &step.when), ("guards", &step.guards), ("check", &step.check)] {
        for guard in guards {
            rows.push((head, sentence(guard)));
        }
    }
    let rules: Vec<String> = step.action.rules().iter().map(|rule| format!("S{rule}")).collect();
    rows.push(("rules", rules.join(" ")));
    if class == Class::Destructive {
        rows.push((
            "asks",
            match &step.covered_by {
                Some(by) => format!("nothing of its own: the confirmation of {by} names it"),
                None => "a typed confirmation on each node".to_owned(),
            },
        ));
    }
    let undo = match (step.action.undo(), class) {
        (Some(undo), _) => Some(undo.to_owned()),
        (None, Class::Destructive) => Some("none: it cannot be taken back".to_owned()),
        (None, _) => None,
    };
    rows.extend(undo.map(|undo| ("undo", undo)));
    if step.refused == runbook::Refused::LeaveOut {
        rows.push(("refused", "the node is left out of this step, and the run goes on".to_owned()));
    }
    if step.always {
        rows.push(("always", "it runs on every way out".to_owned()));
    }
    if let Some(input) = runbook.condition(step) {
        rows.push(("only", format!("where {input} is given")));
    }
    rows
}

fn sentence(guard: &Guard) -> String {
    let about = guard.info().map_or("", |row| row.about);
    format!("{guard}: {about}")
}

/// Each safety rule the steps are held to, once.
fn rules(out: &mut String, runbook: &Runbook, width: usize) {
    let numbers: Vec<u8> = runbook.steps.iter().flat_map(|step| step.action.rules()).collect();
    line(out, "\nSafety rules: none can be lifted by a runbook\n");
    let mut head = String::new();
    for rule in RULES.iter().filter(|rule| numbers.contains(&rule.number)) {
        head.clear();
        // `write!` to a String cannot fail.
        let _ = write!(head, "S{:<3}", rule.number);
        block(out, &head, rule.sentence, width);
    }
}

#[cfg(test)]
mod tests {
    use unicode_width::UnicodeWidthStr as _;

    use super::*;

    #[test]
    fn the_library_is_shown_within_80_columns() {
        let library = runbook::library();
        let mut texts = vec![list(&library, 80)];
        texts.extend(library.iter().map(|runbook| show(runbook, 80)));
        for text in texts {
            let wide = text.lines().find(|line| line.width() > 80 && !line.contains("sha256:"));
            assert_eq!(wide, None);
        }
    }

    #[test]
    fn a_runbook_is_shown_with_every_step_and_every_rule() {
        for runbook in runbook::library() {
            let text = show(&runbook, 80);
            for step in &runbook.steps {
                assert!(text.contains(&format!(" {}: {}", step.id, step.title)), "{}", step.id);
                for rule in step.action.rules() {
                    assert!(text.lines().any(|line| line.starts_with(&format!("S{rule} "))), "S{rule}");
                }
            }
        }
    }

    #[test]
    fn what_an_optional_input_changes_is_said() {
        let library = runbook::library();
        let text = list(&library, 80);
        assert!(text.contains("class: read; destructive with direct"), "{text}");
        assert!(text.contains("inputs: node or target (down-node)"), "{text}");
    }
}
