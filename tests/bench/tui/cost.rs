//! What a process does while nobody looks: wake-ups, processor time, bytes.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::pty::Screen;

/// Counters of a process, thread by thread: one that ends takes its counts with it.
pub(crate) struct Counts {
    threads: BTreeMap<String, (String, [u64; 3])>,
    bytes: usize,
    at: Instant,
}

/// What happened between two counts.
#[derive(Clone, Debug)]
pub(crate) struct Cost {
    pub(crate) voluntary: u64,
    pub(crate) involuntary: u64,
    pub(crate) processor: Duration,
    pub(crate) bytes: usize,
    pub(crate) threads: usize,
    /// Voluntary switches by the threads' names.
    pub(crate) by_name: BTreeMap<String, u64>,
    pub(crate) time: Duration,
}

impl Counts {
    pub(crate) fn of(screen: &Screen) -> Self {
        let tasks = fs::read_dir(format!("/proc/{}/task", screen.pid().as_raw_nonzero())).expect("it runs");
        let threads = tasks.flatten().filter_map(|task| Some((id(&task.path()), thread(&task.path())?)));
        Self { threads: threads.collect(), bytes: screen.count(), at: Instant::now() }
    }

    /// What happened since `before`.
    pub(crate) fn since(&self, before: &Self) -> Cost {
        let mut sums = [0; 3];
        let mut by_name = BTreeMap::<_, u64>::new();
        for (id, (name, now)) in &self.threads {
            let was = before.threads.get(id).map_or([0; 3], |(_, was)| *was);
            let more: Vec<u64> = now.iter().zip(was).map(|(now, was)| now.saturating_sub(was)).collect();
            for (sum, more) in sums.iter_mut().zip(&more) {
                *sum += more;
            }
            *by_name.entry(name.clone()).or_default() += more[0];
        }
        Cost {
            voluntary: sums[0],
            involuntary: sums[1],
            processor: Duration::from_nanos(sums[2]),
            bytes: self.bytes - before.bytes,
            threads: self.threads.len(),
            by_name,
            time: self.at - before.at,
        }
    }
}

fn id(task: &Path) -> String {
    task.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Name, voluntary and involuntary switches, and nanoseconds on a processor.
fn thread(task: &Path) -> Option<(String, [u64; 3])> {
    let name = fs::read_to_string(task.join("comm")).ok()?.trim().to_owned();
    let status = fs::read_to_string(task.join("status")).ok()?;
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().parse::<u64>().ok()
    };
    let spent = fs::read_to_string(task.join("schedstat")).ok()?;
    let nanoseconds = spent.split_whitespace().next()?.parse().ok()?;
    Some((name, [field("voluntary_ctxt_switches:")?, field("nonvoluntary_ctxt_switches:")?, nanoseconds]))
}

/// A sample at rest.
pub(crate) fn sample(screen: &Screen, time: Duration) -> Cost {
    let before = Counts::of(screen);
    std::thread::sleep(time);
    Counts::of(screen).since(&before)
}

impl std::fmt::Display for Cost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "in {:.0} s: {} voluntary and {} involuntary switches of {} threads, {:.2} ms of processor, {} bytes",
            self.time.as_secs_f64(),
            self.voluntary,
            self.involuntary,
            self.threads,
            self.processor.as_secs_f64() * 1e3,
            self.bytes
        )
    }
}

/// Resident memory in kB, all of it and what is the process's own.
pub(crate) fn resident(screen: &Screen) -> (u64, u64) {
    let status = PathBuf::from(format!("/proc/{}/status", screen.pid().as_raw_nonzero()));
    let status = fs::read_to_string(status).expect("it runs");
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
        line.trim().trim_end_matches(" kB").parse().unwrap_or_default()
    };
    (field("VmRSS:"), field("RssAnon:"))
}
