//! What a state means on paper: the words of the safety rules, and no facts.

/// Nodes as a set of bits; node `i` is bit `i`.
pub(crate) type Set = u16;

/// Which history a position is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum History {
    /// The cluster's.
    A,
    /// Another one, of another UUID.
    B,
}

/// A place in a history.
pub(crate) type Place = (History, u64);

/// What a server in a group says of the view it is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct View {
    pub(crate) of: History,
    pub(crate) number: u64,
    pub(crate) members: Set,
}

/// What a member of a Primary Component does in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// In sync, and serving.
    Synced,
    /// In sync by its state, and yet not to be called healthy: not ready, or its server is being stopped.
    SyncedAndNotWell,
    /// Gives a transfer.
    Donor,
    /// Takes one, or catches up.
    Joining,
}

/// Where a node stands to the group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Group {
    /// In no Primary Component, by proof; with the last view it kept, where it kept one. Who leaves cleanly keeps none.
    Out(Option<Set>),
    /// It answers, and says that it is in no Primary Component.
    NonPrimary(Option<Set>),
    /// It says that it is in this Primary Component. `firm`: it looks for no other view and hears every other member.
    Says { view: View, firm: bool, part: Part },
    /// It may be in one, and says nothing: not read, or it cannot be asked. `runs`: a server runs there.
    Silent { runs: bool },
    /// It came to a Primary Component since its start and takes its data with the door closed. `seen`: the transfer shows.
    Filling { seen: bool },
}

/// What the log tells of bootstraps (S25), in minutes before the survey.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Log {
    /// It bootstrapped: from which seqno, when, and when it had last been in a Primary Component before that.
    pub(crate) bootstrap: Option<(u64, i64, i64)>,
    /// When it was last in a Primary Component; `None` where the log does not say.
    pub(crate) took_part: Option<i64>,
    /// Where it does not say: the last moment at which it shows it in one, if it shows any.
    pub(crate) seen_in: Option<i64>,
    /// How far back the log reaches.
    pub(crate) reach: i64,
}

/// One node on paper.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sheet {
    /// The server's word in `status --json`.
    pub(crate) server: &'static str,
    /// The position, where one is known; `None` is "it may hold anything".
    pub(crate) place: Option<Place>,
    /// Its data cannot be trusted, whatever its position says.
    pub(crate) tainted: bool,
    /// The group went on without it, for it has rows that the group has not.
    pub(crate) evicted: bool,
    /// No identity and no position: there is nothing in it, or nothing that says what it is.
    pub(crate) empty: bool,
    pub(crate) group: Group,
    pub(crate) log: Log,
    /// The rules that stand in the way of every bootstrap as long as the node is as it is.
    pub(crate) holds_back: &'static [&'static str],
}
