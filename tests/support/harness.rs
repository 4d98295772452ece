//! A small harness for suites that need more than a plain machine has: what cannot run says so and why, and the closing
//! line counts it. It takes the arguments of libtest that people and nextest give, and ignores the others.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::time::Instant;

/// Whether a case can run here; the text says what is missing.
pub(crate) type Needs = fn() -> Result<(), String>;

/// One case: its name, what it needs, and what it does. A panic is a failure like an `Err`.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) needs: Needs,
    pub(crate) run: fn() -> Result<(), String>,
}

/// What the command line asks for.
#[derive(Default)]
struct Asked {
    filters: Vec<String>,
    skips: Vec<String>,
    exact: bool,
    list: bool,
    only_ignored: bool,
}

impl Asked {
    fn parse(arguments: impl Iterator<Item = String>) -> Self {
        let mut asked = Self::default();
        let mut arguments = arguments;
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--exact" => asked.exact = true,
                "--list" => asked.list = true,
                "--ignored" => asked.only_ignored = true,
                "--skip" => asked.skips.extend(arguments.next()),
                "--test-threads" | "--format" | "--color" | "--logfile" | "--shuffle-seed" | "-Z" => {
                    arguments.next();
                }
                flag if flag.starts_with('-') => {
                    asked.skips.extend(flag.strip_prefix("--skip=").map(str::to_owned));
                }
                filter => asked.filters.push(filter.to_owned()),
            }
        }
        asked
    }

    fn wants(&self, name: &str) -> bool {
        let fits = |filter: &String| if self.exact { name == filter } else { name.contains(filter.as_str()) };
        !self.only_ignored
            && (self.filters.is_empty() || self.filters.iter().any(fits))
            && !self.skips.iter().any(fits)
    }
}

/// Runs the cases one after the other; fails if one fails. What did not run is told at the end, never silently.
pub(crate) fn main(suite: &str, cases: &[Case]) -> ExitCode {
    let asked = Asked::parse(std::env::args().skip(1));
    let wanted: Vec<&Case> = cases.iter().filter(|case| asked.wants(case.name)).collect();
    if asked.list {
        for case in wanted {
            println!("{}: test", case.name);
        }
        return ExitCode::SUCCESS;
    }
    println!("\n{suite}: {} cases", wanted.len());
    let (mut passed, mut failed, mut not_run) = (0, Vec::new(), Vec::new());
    for case in wanted {
        if let Err(why) = (case.needs)() {
            println!("test {} ... not run ({why})", case.name);
            not_run.push((case.name, why));
            continue;
        }
        let begun = Instant::now();
        let result = catch_unwind(AssertUnwindSafe(case.run)).unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<String>().cloned();
            Err(text.or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_owned())).unwrap_or_default())
        });
        let took = begun.elapsed().as_millis();
        match result {
            Ok(()) => {
                passed += 1;
                println!("test {} ... ok ({took} ms)", case.name);
            }
            Err(why) => {
                println!("test {} ... FAILED ({took} ms): {why}", case.name);
                failed.push((case.name, why));
            }
        }
    }
    println!(
        "\n{suite}: ran {} / failed {} / not run {}",
        passed + failed.len(),
        failed.len(),
        not_run.len()
    );
    for (name, why) in &failed {
        println!("  failed   {name}: {why}");
    }
    for (name, why) in &not_run {
        println!("  not run  {name}: {why}");
    }
    println!("{passed} passed, {} failed, {} skipped", failed.len(), not_run.len());
    if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
