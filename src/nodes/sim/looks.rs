//! The reads beyond the probe on a simulated machine (src/ask/act/recover.sh, read_back.sh, follow.sh).

use super::acts::Begun;
use super::sql;
use super::world::World;
use crate::ask::act::Look;

impl World {
    /// The answer to a read beyond the probe.
    pub(super) fn look(&mut self, index: usize, look: &Look) -> String {
        let machine_of = |shown: &str| {
            let machine = self.machines.get(index).map(|machine| machine.id.as_str()).unwrap_or_default();
            (machine != shown).then(|| {
                format!("refused identity this machine's id is {machine}, the one shown was {shown}\n")
            })
        };
        match look {
            Look::Recover { identity, .. } => {
                if let Some(why) = self.another_host(index, identity) {
                    return format!("refused identity {why}\n");
                }
                if let Some(Begun::Answered(said)) = self.server_is_there(index) {
                    return said;
                }
                let Some(machine) = self.machines.get(index) else { return String::new() };
                let stamp = machine.stamp();
                format!(
                    "done 0\n%stamp-before {stamp}\n%stamp-after {stamp}\n%status 0\n{}",
                    self.recovery(index)
                )
            }
            Look::ReadBack { machine, token } => {
                if let Some(said) = machine_of(machine.as_str()) {
                    return said;
                }
                let refusal = self.machines.get(index).and_then(sql::refusal);
                if let Some(words) = refusal.or_else(|| self.takes_writes(index).err()) {
                    return format!("done 1\n{words}\n");
                }
                let marks = self.machines.get(index).and_then(|machine| machine.dir.engine.marks.as_ref());
                match marks {
                    Some(marks) if marks.contains(token.as_str()) => {
                        self.read_back.insert(index);
                        format!("done 0\n{token}\n")
                    }
                    Some(_) => "done 1\nthe row is not there\n".to_owned(),
                    None => {
                        "done 1\nERROR 1146 (42S02) at line 1: Table 'breakglass_check.mark' doesn't exist\n"
                            .to_owned()
                    }
                }
            }
            Look::Follow { machine, op, settle } => match machine_of(machine.as_str()) {
                Some(said) => said,
                None => self.follow(index, op.as_str(), *settle),
            },
        }
    }

    /// What the server prints of a recovery (tests/fixtures/galera/03-kill9/recover/g1.txt).
    pub(super) fn recovery(&self, index: usize) -> String {
        let at = self.time();
        let Some(machine) = self.machines.get(index) else { return String::new() };
        let (day, hour, rest) = (at.strftime("%Y-%m-%d"), at.strftime("%k"), at.strftime("%M:%S"));
        let line = |text: &str| format!("{day} {hour}:{rest} 0 [Note] {text}\n");
        [
            line("InnoDB: Completed initialization of buffer pool"),
            line("Plugin 'FEEDBACK' is disabled."),
            line(&format!("WSREP: Recovered position: {}", machine.position())),
        ]
        .concat()
    }
}
