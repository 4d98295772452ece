//! Whether a guard holds over a survey: Pass, Fail or Unknown, each with its sentence.

use super::{Guard, Predicate};
use crate::facts::{Known, NodeName, NodeSurvey, Plain, Role, Survey, Why, keys};
use crate::judge::{Judgement, NodeJudgement, Server, Standing};

/// What a guard looks at.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// The facts of all nodes.
    pub survey: &'a Survey,
    /// What they mean.
    pub judgement: &'a Judgement,
    /// The node of the step; `None` for a step about the cluster.
    pub node: Option<&'a NodeName>,
    /// The data nodes that are to be members at the end. A node that is neither planned nor read is the safety rules'
    /// to judge (S5, S6): no guard waits for it.
    pub planned: &'a [NodeName],
    /// Whether all members of the last view are there to form it again by themselves (case 12).
    pub reforms: bool,
}

/// What became of a guard. Only Pass lets a step go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It holds.
    Pass {
        /// What was read.
        says: String,
    },
    /// It does not hold.
    Fail {
        /// The fact behind it.
        why: String,
        /// What would change it.
        remedy: String,
    },
    /// What it needs was not read.
    Unknown {
        /// What, and why not.
        why: String,
        /// What would change it.
        remedy: String,
    },
}

impl Verdict {
    /// Whether it holds.
    pub fn is_pass(&self) -> bool {
        matches!(self, Self::Pass { .. })
    }

    /// The word in records: pass, fail or unknown.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Pass { .. } => "pass",
            Self::Fail { .. } => "fail",
            Self::Unknown { .. } => "unknown",
        }
    }
}

/// The answer of a predicate, still without its remedy.
enum Answer {
    Yes(String),
    No(String),
    Unread(String),
}

use Answer::{No, Unread, Yes};

impl Guard {
    /// Whether it holds.
    pub fn hold(&self, scene: &Scene<'_>) -> Verdict {
        let (answer, nearer) = if self.is_about_node() {
            match Place::of(scene) {
                Ok(place) => {
                    // What a machine that does not answer needs stands in its own reach.
                    let next = place.survey.ssh.next.to_string();
                    let nearer = (!place.survey.ssh.is_ok() && !next.is_empty()).then_some(next);
                    (place.ask(&self.predicate, scene), nearer)
                }
                Err(why) => (Unread(why), None),
            }
        } else {
            (cluster(&self.predicate, scene), None)
        };
        let remedy = || self.remedy().to_owned();
        match answer {
            Yes(says) => Verdict::Pass { says },
            No(why) => Verdict::Fail { why, remedy: remedy() },
            Unread(why) => Verdict::Unknown { why, remedy: nearer.unwrap_or_else(remedy) },
        }
    }
}

/// One node of a scene.
struct Place<'a> {
    name: &'a NodeName,
    survey: &'a NodeSurvey,
    judged: &'a NodeJudgement,
}

impl<'a> Place<'a> {
    fn of(scene: &Scene<'a>) -> Result<Self, String> {
        let name = scene.node.ok_or("this guard is about a node, and the step names none")?;
        Self::named(scene, name).ok_or_else(|| format!("{name} is not in the survey"))
    }

    fn named(scene: &Scene<'a>, name: &'a NodeName) -> Option<Self> {
        Some(Self { name, survey: scene.survey.node(name)?, judged: scene.judgement.node(name)? })
    }

    fn ask(&self, predicate: &Predicate, scene: &Scene<'_>) -> Answer {
        match predicate {
            Predicate::Reachable => self.reachable(),
            Predicate::ServerDown => self.server(Server::is_down),
            Predicate::ServerIs(words) => self.server(|server| words.contains(&server)),
            Predicate::ServerWaiting => self.waiting(),
            Predicate::PositionKnown => match &self.judged.position {
                Known::Known(held) => Yes(format!("{} holds {}", self.name, held.position)),
                Known::Unknown(why) => No(format!("{}'s position is not known: {}", self.name, why.text)),
            },
            Predicate::PositionUnknown => match (&self.judged.position, self.server(Server::is_down)) {
                (Known::Known(held), _) => No(format!("{} holds {}", self.name, held.position)),
                (Known::Unknown(why), Yes(_)) => {
                    Yes(format!("{} is down, and its position is not known: {}", self.name, why.text))
                }
                (Known::Unknown(_), other) => other,
            },
            Predicate::HasLeftovers => self.leftovers(true),
            Predicate::NoLeftovers => self.leftovers(false),
            Predicate::Frozen => self.frozen(true),
            Predicate::NotFrozen => self.frozen(false),
            Predicate::Standing(words) => self.standing(words),
            Predicate::PrimaryIncludes => self.included(scene),
            Predicate::Synced => self.synced(scene),
            Predicate::Writable => self.writable(scene),
            Predicate::NoServerStarting
            | Predicate::NoPrimary
            | Predicate::PrimaryProved
            | Predicate::AllSynced
            | Predicate::LastViewComplete => cluster(predicate, scene),
        }
    }

    /// Something that was not read: of a machine that did not answer, that is the reason.
    fn unread(&self, what: &str, why: &Why) -> Answer {
        if self.survey.ssh.is_ok() {
            Unread(format!("{what} is not known on {}: {}", self.name, why.text))
        } else {
            Unread(format!("{what} is not known: {}", self.silence()))
        }
    }

    /// That the machine does not answer, in words.
    fn silence(&self) -> String {
        let reach = &self.survey.ssh;
        let detail =
            if reach.detail.as_str().is_empty() { reach.word.as_str() } else { reach.detail.as_str() };
        format!("{} does not answer ({detail})", self.name)
    }

    fn reachable(&self) -> Answer {
        if self.survey.ssh.is_ok() { Yes(format!("{} answers", self.name)) } else { No(self.silence()) }
    }

    fn server(&self, test: impl FnOnce(Server) -> bool) -> Answer {
        match &self.judged.server {
            Known::Unknown(why) => self.unread("what runs", why),
            Known::Known(server) if test(*server) => Yes(format!("{}'s server is {server}", self.name)),
            Known::Known(server) => No(format!("{}'s server is {server}", self.name)),
        }
    }

    fn waiting(&self) -> Answer {
        let under_way = self.server(|server| matches!(server, Server::Starting | Server::Stopping));
        if !matches!(under_way, Yes(_)) {
            return under_way;
        }
        match self.survey.facts.get(keys::LOG_WAITING) {
            Known::Unknown(why) => {
                return self.unread("whether its server waits for a Primary Component", &why);
            }
            Known::Known(false) => {
                return No(format!(
                    "{}'s server is under way, and does not wait for a Primary Component",
                    self.name
                ));
            }
            Known::Known(true) => {}
        }
        match self.survey.facts.get(keys::SERVER_PIDS) {
            Known::Unknown(why) => self.unread("which process is its server", &why),
            Known::Known(pids) => match pids.as_slice() {
                [] => No(format!("{} shows no server process to end", self.name)),
                [one] => Yes(format!("{}'s server waits for a Primary Component: process {one}", self.name)),
                more => Unread(format!(
                    "{} shows {} server processes on one data directory",
                    self.name,
                    more.len()
                )),
            },
        }
    }

    fn leftovers(&self, wanted: bool) -> Answer {
        match self.survey.facts.get(keys::LEFTOVERS) {
            Known::Unknown(why) => self.unread("what could bootstrap it by itself", &why),
            Known::Known(found) => {
                let says = match found.as_slice() {
                    [] => format!("nothing on {} could bootstrap it by itself", self.name),
                    found => format!("on {}: {}", self.name, list(found.iter().map(Plain::as_str))),
                };
                if found.is_empty() == wanted { No(says) } else { Yes(says) }
            }
        }
    }

    fn frozen(&self, wanted: bool) -> Answer {
        let facts = &self.survey.facts;
        if facts.get(keys::HOST_MANAGER).is(|manager| manager.as_str() == "none") {
            return Yes(format!("{} has no service manager that could be frozen", self.name));
        }
        match facts.get(keys::UNIT_FROZEN) {
            Known::Unknown(why) => self.unread("whether its unit is frozen", &why),
            Known::Known(by) => {
                let frozen = !by.as_str().is_empty();
                let says = if frozen {
                    format!("{}'s unit is frozen by session {by}", self.name)
                } else {
                    format!("{}'s unit is not frozen", self.name)
                };
                if frozen == wanted { Yes(says) } else { No(says) }
            }
        }
    }

    fn standing(&self, words: &[&str]) -> Answer {
        let Some(standing) = self.judged.standing else {
            return No(format!("{} is neither a data node nor an arbitrator", self.name));
        };
        let by = standing.by().map_or_else(String::new, |by| format!(" by {by}"));
        let says = format!("{} is {}{by}: {}", self.name, standing.as_str(), self.judged.why);
        if words.contains(&standing.as_str()) {
            Yes(says)
        } else if standing == Standing::Unknown {
            Unread(says)
        } else {
            No(says)
        }
    }

    fn included(&self, scene: &Scene<'_>) -> Answer {
        match &scene.judgement.primary {
            None => primary_proved(scene),
            Some(primary) if primary.members.contains(self.name) => {
                Yes(format!("{} is a confirmed member of the Primary Component", self.name))
            }
            Some(primary) => No(format!(
                "{} is no confirmed member of the Primary Component of {}",
                self.name,
                list(primary.members.iter().map(NodeName::as_str))
            )),
        }
    }

    fn synced(&self, scene: &Scene<'_>) -> Answer {
        let included = self.included(scene);
        if !matches!(included, Yes(_)) {
            return included;
        }
        if self.judged.standing != Some(Standing::Synced) {
            return self.standing(&[Standing::Synced.as_str()]);
        }
        for (key, what) in [(keys::WSREP_READY, "wsrep_ready"), (keys::WSREP_CONNECTED, "wsrep_connected")] {
            match self.survey.facts.get(key) {
                Known::Known(true) => {}
                Known::Known(false) => return No(format!("{what} is OFF on {}", self.name)),
                Known::Unknown(why) => return self.unread(what, &why),
            }
        }
        Yes(format!("{} is SYNCED, ready and connected in the Primary Component", self.name))
    }

    fn writable(&self, scene: &Scene<'_>) -> Answer {
        let synced = self.synced(scene);
        if !matches!(synced, Yes(_)) {
            return synced;
        }
        match self.survey.facts.get(keys::VAR_READ_ONLY) {
            Known::Unknown(why) => self.unread("read_only", &why),
            Known::Known(value) if matches!(value.as_str().to_ascii_uppercase().as_str(), "OFF" | "0") => {
                Yes(format!("{} is SYNCED and read_only is OFF", self.name))
            }
            Known::Known(value) => No(format!("read_only is {value} on {}", self.name)),
        }
    }
}

fn cluster(predicate: &Predicate, scene: &Scene<'_>) -> Answer {
    match predicate {
        Predicate::NoServerStarting => none_starting(scene),
        Predicate::NoPrimary => no_primary(scene),
        Predicate::PrimaryProved => primary_proved(scene),
        Predicate::AllSynced => all_synced(scene),
        Predicate::LastViewComplete if scene.reforms => {
            Yes("all members of the last Primary view are here, down, with that view saved".to_owned())
        }
        Predicate::LastViewComplete => No(
            "the last Primary view cannot form again by itself: a member of it is missing or already runs, its saved \
             views differ or are gone, or somebody bootstrapped since"
                .to_owned(),
        ),
        _ => Unread("this guard is about a node, and the step names none".to_owned()),
    }
}

/// The data nodes a guard about the cluster counts: those that are planned, and all that were read.
fn counted<'a>(scene: &Scene<'a>) -> impl Iterator<Item = Place<'a>> {
    let (survey, judgement, planned) = (scene.survey, scene.judgement, scene.planned);
    survey.data_nodes().filter(move |node| node.ssh.is_ok() || planned.contains(&node.name)).filter_map(
        move |node| Some(Place { name: &node.name, survey: node, judged: judgement.node(&node.name)? }),
    )
}

/// Who was left out of the count, for the sentence.
fn uncounted(scene: &Scene<'_>) -> String {
    let out: Vec<&str> = scene
        .survey
        .data_nodes()
        .filter(|node| !node.ssh.is_ok() && !scene.planned.contains(&node.name))
        .map(|node| node.name.as_str())
        .collect();
    if out.is_empty() { String::new() } else { format!("; {} was not read, and is not planned", list(out)) }
}

fn none_starting(scene: &Scene<'_>) -> Answer {
    let mut unread = None;
    for place in counted(scene) {
        match place.server(|server| !matches!(server, Server::Starting | Server::Stopping)) {
            Yes(_) => {}
            No(why) => return No(why),
            Unread(why) => unread = unread.or(Some(why)),
        }
    }
    match unread {
        Some(why) => Unread(why),
        None => Yes(format!("no server is starting or stopping{}", uncounted(scene))),
    }
}

fn no_primary(scene: &Scene<'_>) -> Answer {
    if let Some(primary) = &scene.judgement.primary {
        let members = list(primary.members.iter().map(NodeName::as_str));
        return No(format!("{members} are in a Primary Component of {}", primary.size));
    }
    let mut unread = None;
    for place in counted(scene) {
        match (place.survey.facts.get(keys::WSREP_CLUSTER_STATUS), &place.judged.server) {
            (Known::Known(status), _) if status.as_str() == "Primary" => {
                return No(format!("{} says that it is in a Primary Component", place.name));
            }
            // A server that is down, or still on its way, is in none.
            (Known::Known(_), _)
            | (Known::Unknown(_), Known::Known(Server::Stopped | Server::Crashed | Server::Starting)) => {}
            (Known::Unknown(why), Known::Known(_)) => {
                unread = unread.or(Some(place.unread("whether it is in a Primary Component", &why)));
            }
            (Known::Unknown(_), Known::Unknown(why)) => {
                unread = unread.or(Some(place.unread("whether it is in a Primary Component", why)));
            }
        }
    }
    unread.unwrap_or_else(|| {
        Yes(format!("no node is in a Primary Component, and none says so{}", uncounted(scene)))
    })
}

fn primary_proved(scene: &Scene<'_>) -> Answer {
    if let Some(primary) = &scene.judgement.primary {
        let members = list(primary.members.iter().map(NodeName::as_str));
        return Yes(format!(
            "{members} confirm a Primary Component of {} at {}",
            primary.size, primary.seqno
        ));
    }
    let saying: Vec<&str> = scene
        .survey
        .data_nodes()
        .filter(|node| node.facts.get(keys::WSREP_CLUSTER_STATUS).is(|status| status.as_str() == "Primary"))
        .map(|node| node.name.as_str())
        .collect();
    if saying.is_empty() {
        No("no Primary Component is proved".to_owned())
    } else {
        Unread(format!("{} says Primary, and too few members confirm it, or there are two", list(saying)))
    }
}

fn all_synced(scene: &Scene<'_>) -> Answer {
    let Some(primary) = &scene.judgement.primary else { return primary_proved(scene) };
    let mut unread = None;
    for name in scene.planned {
        let Some(place) = Place::named(scene, name) else {
            return Unread(format!("{name} is not in the survey"));
        };
        match place.synced(scene) {
            Yes(_) => {}
            No(why) => return No(why),
            Unread(why) => unread = unread.or(Some(why)),
        }
    }
    if let Some(stranger) = primary.members.iter().find(|member| !scene.planned.contains(member)) {
        return No(format!("{stranger} is a member, and is not planned to be"));
    }
    if let Some(why) = unread {
        return Unread(why);
    }
    let planned = scene.planned.len() as u64;
    // An arbitrator that is known to be down has no vote to count; one that is not known may have.
    let arbitrators = scene.survey.nodes.iter().filter(|node| node.role == Role::Arbitrator);
    let (mut least, mut most) = (planned, planned);
    for server in arbitrators.filter_map(|node| scene.judgement.node(&node.name)).map(|node| &node.server) {
        match server {
            Known::Known(server) if server.is_down() => {}
            Known::Known(Server::Running) => (least, most) = (least + 1, most + 1),
            Known::Known(_) | Known::Unknown(_) => most += 1,
        }
    }
    let says = format!("the view has {} members; {planned} data nodes are planned", primary.size);
    if (least..=most).contains(&primary.size) {
        Yes(format!("every planned node is SYNCED; {says}{}", uncounted(scene)))
    } else if primary.size > most {
        No(format!("{says}: somebody else is in it"))
    } else {
        No(says)
    }
}

fn list<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    words.into_iter().collect::<Vec<_>>().join(", ")
}
