//! One host cgroup per machine: who is in it, freezing it, ending it.
//!
//! Machines that share a cgroup share their services' cgroups too (every machine has a `mariadb.service`), and their
//! service managers then kill each other's processes. The cgroup is also what makes a process provably this lab's:
//! nothing is ever found by a process name alone, nor by a number noted earlier.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open, pidfd_send_signal};

use super::error::LabError;
use super::name::LabName;

/// The cgroup hierarchies of this host: one (v2), several (v1), or several with a v2 one for processes (hybrid).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Hierarchies {
    /// v2, alone or beside v1.
    unified: Option<PathBuf>,
    /// v1's, where service managers keep their units.
    named: Option<PathBuf>,
    /// v1's freezer.
    freezer: Option<PathBuf>,
}

/// One process, as this host sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Process {
    pub(crate) pid: i32,
    parent: i32,
    pub(crate) name: String,
    /// Its number inside the innermost process namespace.
    inner: i32,
    pub(crate) stopped: bool,
}

impl Hierarchies {
    pub(crate) fn of_this_host() -> Result<Self, LabError> {
        let path = Path::new("/proc/self/mountinfo");
        Ok(Self::parse(&fs::read_to_string(path).map_err(LabError::io("read", path))?))
    }

    fn parse(mountinfo: &str) -> Self {
        let mut found = Self::default();
        for line in mountinfo.lines() {
            let Some((left, right)) = line.split_once(" - ") else { continue };
            let Some(place) = left.split(' ').nth(4).map(PathBuf::from) else { continue };
            let mut right = right.split(' ');
            let (kind, options) = (right.next().unwrap_or_default(), right.nth(1).unwrap_or_default());
            let has = |option: &str| options.split(',').any(|one| one == option);
            match kind {
                "cgroup2" => found.unified = found.unified.or(Some(place)),
                "cgroup" if has("name=systemd") => found.named = found.named.or(Some(place)),
                "cgroup" if has("freezer") => found.freezer = found.freezer.or(Some(place)),
                _ => {}
            }
        }
        found
    }

    /// Whether v2 is all there is; the machines' service managers must then use it too.
    pub(crate) fn only_unified(&self) -> bool {
        self.unified.is_some() && self.named.is_none()
    }

    /// The directories a lab has, one per hierarchy it uses.
    pub(crate) fn lab(&self, name: &LabName) -> Vec<PathBuf> {
        // Where v2 is there it freezes; v1's freezer would only be one more place to be left in.
        let freezer = if self.unified.is_none() { self.freezer.as_ref() } else { None };
        [self.unified.as_ref(), self.named.as_ref(), freezer]
            .into_iter()
            .flatten()
            .map(|root| root.join(format!("breakglass-lab-{name}")))
            .collect()
    }

    /// The directories of one machine.
    pub(crate) fn machine(&self, name: &LabName, node: &str) -> Vec<PathBuf> {
        self.lab(name).into_iter().map(|dir| dir.join(node)).collect()
    }

    /// Makes a machine's cgroups and gives their directories.
    pub(crate) fn make(&self, name: &LabName, node: &str) -> Result<Vec<PathBuf>, LabError> {
        let dirs = self.machine(name, node);
        for dir in &dirs {
            fs::create_dir_all(dir).map_err(LabError::io("make the cgroup", dir))?;
        }
        Ok(dirs)
    }

    /// The processes of a machine.
    pub(crate) fn processes(&self, name: &LabName, node: &str) -> Vec<Process> {
        let mut pids: Vec<i32> = self.machine(name, node).iter().flat_map(|dir| pids(dir)).collect();
        pids.sort_unstable();
        pids.dedup();
        pids.into_iter().filter_map(Process::read).collect()
    }

    /// The machine's first process, if it runs.
    pub(crate) fn init(&self, name: &LabName, node: &str) -> Option<i32> {
        self.processes(name, node).iter().find(|process| process.inner == 1).map(|process| process.pid)
    }

    /// The server of a machine: what its service manager itself started under that name, so neither a helper that
    /// recovers a position nor a client. A unit's own script may stand between them, called like the program but for
    /// its end (`garb-systemd`).
    pub(crate) fn server(&self, name: &LabName, node: &str, program: &str) -> Option<Process> {
        let all = self.processes(name, node);
        let init = all.iter().find(|process| process.inner == 1)?.pid;
        let script = |pid: i32| {
            all.iter().any(|up| {
                up.pid == pid
                    && up.parent == init
                    && up.name.strip_suffix("-systemd").is_some_and(|stem| program.starts_with(stem))
            })
        };
        all.iter()
            .find(|process| process.name == program && (process.parent == init || script(process.parent)))
            .cloned()
    }

    /// What a process of a machine started, and what that started.
    pub(crate) fn below(&self, name: &LabName, node: &str, pid: i32) -> Vec<Process> {
        descendants(&self.processes(name, node), pid)
    }

    /// Freezes or thaws a machine, and waits until it is.
    pub(crate) fn freeze(&self, name: &LabName, node: &str, frozen: bool) -> Result<(), LabError> {
        let Some((file, words)) = self.freezer(name, node) else {
            return Err(LabError::NoFreezer { node: node.to_owned() });
        };
        let word = if frozen { words.1 } else { words.0 };
        fs::write(&file, word).map_err(LabError::io("write", &file))?;
        let deadline = Instant::now() + Duration::from_secs(10);
        while self.frozen(name, node) != frozen {
            if Instant::now() > deadline {
                return Err(LabError::Stuck {
                    lab: name.to_string(),
                    what: format!("the {} state of {node}", if frozen { "thawed" } else { "frozen" }),
                    found: format!("{} was written to {} 10 s ago, to no effect", word, file.display()),
                });
            }
            thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    /// Whether a machine is frozen.
    pub(crate) fn frozen(&self, name: &LabName, node: &str) -> bool {
        self.freezer(name, node).is_some_and(|(file, _)| {
            // v2 keeps what was asked in one file and what is so in another.
            let events = file.with_file_name("cgroup.events");
            match fs::read_to_string(&events) {
                Ok(text) if file.ends_with("cgroup.freeze") => text.lines().any(|line| line == "frozen 1"),
                _ => fs::read_to_string(&file).is_ok_and(|text| text.trim() == "FROZEN"),
            }
        })
    }

    /// The file that freezes a machine, with its words for thawed and frozen.
    fn freezer(&self, name: &LabName, node: &str) -> Option<(PathBuf, (&'static str, &'static str))> {
        self.machine(name, node).iter().find_map(|dir| {
            // The machine itself, not what holds its console: that lies beside it under v2.
            [dir.join("payload"), dir.clone()].into_iter().find_map(|dir| {
                let (v2, v1) = (dir.join("cgroup.freeze"), dir.join("freezer.state"));
                if v2.exists() {
                    Some((v2, ("0", "1")))
                } else if v1.exists() {
                    Some((v1, ("THAWED", "FROZEN")))
                } else {
                    None
                }
            })
        })
    }
}

fn descendants(all: &[Process], pid: i32) -> Vec<Process> {
    let mut found: Vec<Process> = Vec::new();
    let mut parents = vec![pid];
    while let Some(parent) = parents.pop() {
        let children = all.iter().filter(|process| process.parent == parent);
        let new: Vec<Process> =
            children.filter(|child| child.pid != pid && !found.contains(child)).cloned().collect();
        parents.extend(new.iter().map(|process| process.pid));
        found.extend(new);
    }
    found
}

/// Ends every process of these cgroups and removes them. Whoever enters one of them meanwhile is ended too;
/// whoever comes later finds no cgroup to enter and gives up.
pub(crate) fn end(name: &LabName, dirs: &[PathBuf]) -> Result<(), LabError> {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let left: Vec<&PathBuf> = dirs.iter().filter(|dir| dir.exists()).collect();
        if left.is_empty() {
            return Ok(());
        }
        for dir in left {
            end_once(dir);
        }
        if Instant::now() > deadline {
            let pids: Vec<String> =
                dirs.iter().flat_map(|dir| pids(dir)).map(|pid| pid.to_string()).collect();
            return Err(LabError::Stuck {
                lab: name.to_string(),
                what: "its processes".to_owned(),
                found: format!("still there after SIGKILL: {}", pids.join(" ")),
            });
        }
        thread::sleep(Duration::from_millis(10));
    }
}

/// One round of ending a cgroup; what is not over yet is met again in the next round, so no error counts here.
fn end_once(dir: &Path) {
    for dir in tree(dir) {
        // A frozen v1 cgroup does not even die.
        let thaw = [("cgroup.freeze", "0"), ("freezer.state", "THAWED")];
        for (file, word) in thaw.map(|(file, word)| (dir.join(file), word)) {
            if file.exists() {
                fs::write(&file, word).unwrap_or_default();
            }
        }
        for pid in own_pids(&dir).into_iter().filter_map(Pid::from_raw) {
            kill_process(pid, Signal::KILL).unwrap_or_default();
        }
        fs::remove_dir(&dir).unwrap_or_default();
    }
}

/// A cgroup and all below it, the deepest first.
fn tree(dir: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(dir)
        .map(|entries| {
            entries
                .filter_map(Result::ok)
                .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
                .flat_map(|entry| tree(&entry.path()))
                .collect()
        })
        .unwrap_or_default();
    found.push(dir.to_owned());
    found
}

/// The processes of a cgroup and of all below it.
pub(crate) fn pids(dir: &Path) -> Vec<i32> {
    tree(dir).iter().flat_map(|dir| own_pids(dir)).collect()
}

fn own_pids(dir: &Path) -> Vec<i32> {
    let text = fs::read_to_string(dir.join("cgroup.procs")).unwrap_or_default();
    // 0 stands for a process this one cannot see.
    text.lines().filter_map(|line| line.parse().ok()).filter(|pid| *pid > 1).collect()
}

impl Process {
    fn read(pid: i32) -> Option<Self> {
        Self::parse(pid, &fs::read_to_string(format!("/proc/{pid}/status")).ok()?)
    }

    fn parse(pid: i32, status: &str) -> Option<Self> {
        let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(":\t"));
        let numbers: Vec<&str> = field("NSpid")?.split_whitespace().collect();
        let inner = if numbers.len() > 1 { numbers.last()?.parse().ok()? } else { 0 };
        let state = field("State")?;
        if state.starts_with(['Z', 'X']) {
            return None;
        }
        Some(Self {
            pid,
            parent: field("PPid")?.trim().parse().ok()?,
            name: field("Name")?.to_owned(),
            inner,
            stopped: state.starts_with(['T', 't']),
        })
    }

    /// Sends it a signal, if it is still the process that was found; one that ended meanwhile needs none.
    pub(crate) fn signal(&self, signal: Signal) -> std::io::Result<()> {
        let Some(pid) = Pid::from_raw(self.pid) else { return Ok(()) };
        // Held from before the look to the signal, so that the number cannot pass to another process in between.
        let held = match pidfd_open(pid, PidfdFlags::empty()) {
            Ok(held) => held,
            Err(Errno::SRCH) => return Ok(()),
            Err(errno) => return Err(errno.into()),
        };
        let same = |now: &Self| (now.parent, &now.name, now.inner) == (self.parent, &self.name, self.inner);
        match Self::read(self.pid) {
            Some(now) if same(&now) => pidfd_send_signal(held, signal).map_err(Into::into),
            _ => Ok(()),
        }
    }

    /// Waits until a signal has done what it does: the kernel takes a moment to end or stop all threads of a server.
    /// A process inside a frozen v1 cgroup ends only when that thaws, so the wait has an end too.
    pub(crate) fn settle(&self, signal: Signal) {
        let deadline = Instant::now() + Duration::from_secs(5);
        let done = |now: Option<Self>| match (signal, now) {
            (_, None) => true,
            (Signal::STOP, Some(now)) => now.stopped,
            (_, Some(now)) => now.parent != self.parent || now.name != self.name,
        };
        while !done(Self::read(self.pid)) && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(2));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HYBRID: &str = "29 24 0:25 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n\
        30 29 0:26 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n\
        31 29 0:27 / /sys/fs/cgroup/freezer rw - cgroup cgroup rw,freezer\n\
        32 29 0:28 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd\n\
        33 29 0:29 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";

    #[test]
    fn tells_the_three_layouts_apart() {
        let name: LabName = "shop".parse().unwrap();
        let at = |text: &str| {
            let found = Hierarchies::parse(text);
            let dirs: Vec<String> =
                found.machine(&name, "g1").iter().map(|dir| dir.display().to_string()).collect();
            (found.only_unified(), dirs.join(" "))
        };
        let (one, two, three) = (
            "/sys/fs/cgroup/unified/breakglass-lab-shop/g1",
            "/sys/fs/cgroup/systemd/breakglass-lab-shop/g1",
            "/sys/fs/cgroup/freezer/breakglass-lab-shop/g1",
        );
        assert_eq!(at(HYBRID), (false, format!("{one} {two}")));
        let v1: String =
            HYBRID.lines().filter(|line| !line.contains("cgroup2")).fold(String::new(), |t, l| t + l + "\n");
        assert_eq!(at(&v1), (false, format!("{two} {three}")));
        let v2 = "29 24 0:25 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";
        assert_eq!(at(v2), (true, "/sys/fs/cgroup/breakglass-lab-shop/g1".to_owned()));
    }

    #[test]
    fn a_transfer_is_all_that_hangs_on_its_server() {
        let process = |pid, parent, name: &str| Process {
            pid,
            parent,
            name: name.to_owned(),
            inner: pid,
            stopped: false,
        };
        let all = [
            process(10, 1, "mariadbd"),
            process(11, 10, "sh"),
            process(12, 11, "bash"),
            process(13, 12, "rsync"),
            process(20, 1, "sshd"),
        ];
        let names: Vec<String> = descendants(&all, 10).into_iter().map(|process| process.name).collect();
        assert_eq!(names, ["sh", "bash", "rsync"]);
        assert!(descendants(&all, 20).is_empty());
    }

    #[test]
    fn reads_a_process_as_the_kernel_shows_it() {
        let status = "Name:\tmariadbd\nState:\tT (stopped)\nPid:\t4711\nPPid:\t4600\nNSpid:\t4711\t77\n";
        let process = Process::parse(4711, status).unwrap();
        assert_eq!((process.parent, process.inner, process.stopped), (4600, 77, true));
        assert_eq!(
            Process::parse(1, "Name:\tx\nState:\tS (sleeping)\nPPid:\t0\nNSpid:\t1\n").unwrap().inner,
            0
        );
        assert_eq!(Process::parse(9, "Name:\tx\nState:\tZ (zombie)\nPPid:\t1\nNSpid:\t9\t1\n"), None);
    }
}
