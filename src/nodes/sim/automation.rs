//! What works on a machine beside its server and its unit, or lies there: monit, a watchdog, another operator, and what a
//! bootstrap and a transfer left.

use jiff::Timestamp;

use super::fault::{Fault, NotPossible};
use super::machine::{Lease, Machine, Phase};
use super::world::{Event, MILLI, SECOND, World, get};
use crate::facts::SessionId;

/// How often a watchdog looks.
const LOOKS: u64 = SECOND;
/// How often monit looks, and how long its start program may take: `set daemon 5`, `with timeout 60 seconds`
/// (tests/fixtures/lab/monit/watching.txt).
const CYCLE: u64 = 5 * SECOND;
const START_TIMEOUT: u64 = 60 * SECOND;
/// From a joiner's entry to its end where the port is taken: 4.8 s after its start
/// (tests/fixtures/sim/fault-orphan-transfer/started-g3.txt).
const PORT_TAKEN: u64 = 3_450;
/// A request wakes it (tests/fixtures/galera/09-monit/kill9.txt).
const WAKES: u64 = 1_000;

/// Everything of it on one machine. What is in memory or below /run is of one boot, and gone with it
/// (src/ask/places.sh).
#[derive(Clone, Debug, Default)]
pub(super) struct Around {
    leftover: Option<OfBoot<Timestamp>>,
    orphan: Option<OfBoot<Orphan>>,
    /// Whether something starts the server whenever it is down.
    pub(super) meddled: bool,
    monit: Option<OfBoot<Monit>>,
    /// What a proxy thinks of the data nodes, in their order.
    pub(super) backends: Vec<super::edge::Backend>,
}

/// Something that a boot ends: with the boot's id.
#[derive(Clone, Debug)]
struct OfBoot<T>(String, T);

impl<T> OfBoot<T> {
    fn get(&self, boot: &str) -> Option<&T> {
        (self.0 == boot).then_some(&self.1)
    }
}

/// A process, and its start in ticks after the machine's.
#[derive(Clone, Copy, Debug)]
pub(super) struct Orphan {
    pub(super) pid: u64,
    pub(super) ticks: u64,
}

/// A monit that runs.
#[derive(Clone, Debug)]
pub(super) struct Monit {
    watches: bool,
    /// What it was asked for and has not got to: the last request only.
    asked: Option<Asked>,
    /// Until when it waits for its own start program.
    busy: Option<u64>,
}

impl Monit {
    const WATCHES: Self = Self { watches: true, asked: None, busy: None };
}

/// What `monit` on the command line asks the daemon for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    Start,
    Stop,
    Watch,
    Unwatch,
}

impl Machine {
    /// Whether its processes run.
    pub(super) fn is_awake(&self) -> bool {
        self.power && !self.still
    }

    /// The flag file and the service manager's variable that a bootstrap left when it died half-way: since when.
    pub(super) fn leftover(&self) -> Option<Timestamp> {
        self.around.leftover.as_ref()?.get(&self.boot_id).copied()
    }

    /// They are cleared.
    pub(super) fn clear_leftover(&mut self) -> Option<Timestamp> {
        let left = self.leftover();
        self.around.leftover = None;
        left
    }

    /// The process of a transfer whose server is gone.
    pub(super) fn orphan(&self) -> Option<Orphan> {
        self.around.orphan.as_ref()?.get(&self.boot_id).copied()
    }

    /// The monit that runs. After a boot it watches again: `on reboot start` (tests/fixtures/lab/monit/watching.txt).
    fn monit(&mut self) -> Option<&mut Monit> {
        let OfBoot(boot, monit) = self.around.monit.as_mut()?;
        if *boot != self.boot_id {
            boot.clone_from(&self.boot_id);
            *monit = Monit::WATCHES;
        }
        Some(monit)
    }

    /// The probe's section about monit (tests/fixtures/lab/monit), and about its files (the same monitrc).
    pub(super) fn monit_says(&self) -> Option<(String, &'static str)> {
        let monit = self.around.monit.as_ref()?.get(&self.boot_id).unwrap_or(&Monit::WATCHES);
        let pid = self.server.as_ref().filter(|_| self.listens()).map(|server| server.pid.to_string());
        let of_server = if monit.watches {
            let pid = pid.unwrap_or_else(|| "-".to_owned());
            format!("  monitoring status            Monitored\n  pid                          {pid}")
        } else {
            "  monitoring status            Not monitored".to_owned()
        };
        let text = format!(
            "Process 'mariadb'\n{of_server}\nSystem '{}'\n  monitoring status            Monitored",
            self.name
        );
        Some((text, "check process mariadb\nmysql\nmysql\nmariadb\nmariadb"))
    }

    /// The probe's section about timers and watchdogs.
    pub(super) fn timers_say(&self) -> &'static str {
        if self.around.meddled {
            "ExecStart=systemctl start mariadb\nId=galera-autofix.service\nActiveState=active"
        } else {
            ""
        }
    }
}

impl World {
    /// What looks after the cluster begins to, once it is there.
    pub(super) fn watch_over(&mut self) {
        for index in 0..self.machines.len() {
            let monit = self.topology.monit && self.topology.nodes.len() > index;
            if let Some(machine) = get(&mut self.machines, index).filter(|_| monit) {
                machine.around.monit = Some(OfBoot(machine.boot_id.clone(), Monit::WATCHES));
                self.plan(CYCLE, usize::MAX, Event::Monit(index));
            }
            self.begin_checks(index);
        }
    }

    /// From now on something starts the server every second it is down, or no longer.
    pub(super) fn meddle(&mut self, index: usize, on: bool) {
        if let Some(machine) = get(&mut self.machines, index) {
            machine.around.meddled = on;
        }
        if on && !self.is_planned(&Event::Meddles(index)) {
            self.plan(LOOKS, usize::MAX, Event::Meddles(index));
        }
    }

    /// A frozen unit refuses it (src/ask/act/freeze.sh).
    pub(super) fn meddles(&mut self, index: usize) {
        let Some(machine) = self.machines.get(index).filter(|machine| machine.around.meddled) else { return };
        if machine.is_awake() && machine.can_be_started() {
            self.start(index, false);
        }
        self.plan(LOOKS, usize::MAX, Event::Meddles(index));
    }

    /// Somebody types `monit start mariadb` or its like: it only asks (tests/fixtures/galera/09-monit).
    pub(super) fn ask_monit(&mut self, index: usize, asked: Asked, fault: &Fault) -> Result<(), NotPossible> {
        let machine = get(&mut self.machines, index).filter(|machine| machine.is_awake());
        let Some(monit) = machine.and_then(Machine::monit) else {
            return Err(fault.pointless("no monit runs there"));
        };
        monit.asked = Some(asked);
        let delay = self.about(WAKES);
        self.plan(delay, usize::MAX, Event::Monit(index));
        Ok(())
    }

    pub(super) fn monit_looks(&mut self, index: usize) {
        let now = self.now;
        let awake = get(&mut self.machines, index).filter(|machine| machine.is_awake());
        if let Some(machine) = awake {
            let (serves, starts) = (machine.serves(), machine.can_be_started());
            let there = machine.server.is_some();
            if let Some(monit) = machine.monit() {
                // As long as it waits for the server to come up it gets to nothing else
                // (tests/fixtures/galera/09-monit/commands-busy-daemon.txt).
                let busy = monit.busy.is_some_and(|until| now < until && !serves);
                if !busy {
                    monit.busy = None;
                    let asked = monit.asked.take();
                    match asked {
                        Some(Asked::Start | Asked::Watch) => monit.watches = true,
                        Some(Asked::Stop | Asked::Unwatch) => monit.watches = false,
                        None => {}
                    }
                    if monit.watches && !there {
                        // Its start program is refused where the unit is frozen, and it waits all the same.
                        monit.busy = Some(now.saturating_add(START_TIMEOUT));
                        if starts {
                            self.start(index, false);
                        }
                    } else if asked == Some(Asked::Stop) {
                        self.stop(index);
                    }
                }
            }
        }
        if !self.is_planned(&Event::Monit(index)) {
            self.plan(CYCLE, usize::MAX, Event::Monit(index));
        }
    }

    /// Another operator's session has the lease from now on.
    pub(super) fn hold(&mut self, index: usize) {
        let at = self.time();
        let bits = (self.rng.next().to_be_bytes(), self.rng.next().to_be_bytes());
        let ((b, c), millis) = (bits, u64::try_from(at.as_millisecond()).unwrap_or_default());
        let bits = [b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], c[0], c[1]];
        let Some(machine) = get(&mut self.machines, index) else { return };
        machine.lease = Some(Lease {
            session: SessionId::new(millis, bits).to_string(),
            holder: "bob on ws2".to_owned(),
            since: at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        });
    }

    /// A bootstrap died half-way: the flag file and the manager's variable are there (src/practice/lab/faults/files.rs).
    pub(super) fn leave_flag(&mut self, index: usize) {
        let at = self.time();
        if let Some(machine) = get(&mut self.machines, index) {
            machine.around.leftover = Some(OfBoot(machine.boot_id.clone(), at));
        }
    }

    /// A joiner's transfer cannot begin: another's daemon listens where its own would
    /// (tests/fixtures/sim/fault-orphan-transfer/started-g3.txt).
    pub(super) fn asks_in_vain(&mut self, index: usize) {
        let at = self.time();
        let Some(machine) = get(&mut self.machines, index) else { return };
        if let Some(server) = machine.server.as_mut() {
            server.donor = None;
        }
        machine.by_transfer(at, "rsync SST started on joiner");
        let delay = self.about(PORT_TAKEN);
        self.plan(delay, index, Event::PortTaken);
    }

    /// It leaves the group and aborts.
    pub(super) fn port_taken(&mut self, index: usize) {
        let at = self.time();
        let Some(machine) = get(&mut self.machines, index).filter(|machine| machine.is(&Phase::Joining))
        else {
            return;
        };
        let last = machine.dir.engine.seqno;
        let pid = machine.server.as_ref().map_or(0, |server| server.pid + 71);
        machine.log(
            at,
            &format!("rsyncd[{pid}]"),
            "bind() failed: Address already in use (address-family 2)",
        );
        machine.by_server(at, "ERROR", "WSREP: Process completed with error: wsrep_sst_rsync --role 'joiner': 16 (Device or resource busy)");
        machine.by_server(at, "ERROR", "WSREP: Failed to prepare for 'rsync' SST. Unrecoverable.");
        machine.note(at, "New COMPONENT: primary = no, bootstrap = no, my_idx = 0, memb_num = 1");
        machine.note(at, format!("Shifting PRIMARY -> OPEN (TO: {last})"));
        machine.note(at, format!("Shifting OPEN -> CLOSED (TO: {last})"));
        machine.note(at, "/usr/sbin/mariadbd: Terminated.");
        self.left(index);
        self.fail(index, "signal", 2, 6);
    }

    /// A transfer's daemon listens on 4444, and no server knows of it (src/practice/lab/faults/transfer.rs).
    pub(super) fn orphan(&mut self, index: usize) {
        let ticks = 1_000_000 + self.now / (10 * MILLI);
        if let Some(machine) = get(&mut self.machines, index) {
            let pid = machine.pid();
            machine.around.orphan = Some(OfBoot(machine.boot_id.clone(), Orphan { pid, ticks }));
        }
    }
}
