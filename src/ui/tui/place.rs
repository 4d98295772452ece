//! Where the operator is on the screen of one node.

/// One node's screen.
#[derive(Clone, Debug, Default)]
pub(crate) struct NodeAt {
    /// The node, by its column.
    pub(crate) node: usize,
    /// What is shown of it.
    pub(crate) tab: NodeTab,
    /// How far it is scrolled.
    pub(crate) scroll: usize,
    /// Lines that hold this.
    pub(crate) filter: String,
    /// Which lines of the log.
    pub(crate) only: Only,
    /// What every known line of the log means, not only what the bad ones do.
    pub(crate) explained: bool,
    /// What a key has led to: a fact by its name, a line of the log as it was read.
    pub(crate) at: Option<String>,
}

/// What is shown of a node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum NodeTab {
    /// All facts, with source and age.
    #[default]
    Facts,
    /// The raw state files beside what was read of them.
    Files,
    /// The log's tail, its known lines with their meaning.
    Log,
}

impl NodeTab {
    /// All of them, in the order of the keys.
    pub(crate) const ALL: [Self; 3] = [Self::Facts, Self::Files, Self::Log];

    /// Its name.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Facts => "facts",
            Self::Files => "files",
            Self::Log => "log",
        }
    }

    /// The tab on which a fact can be seen where it was read.
    pub(crate) fn of(fact: &str) -> Self {
        match fact.split('.').next() {
            Some("grastate" | "gvwstate") => Self::Files,
            Some("log") => Self::Log,
            _ => Self::Facts,
        }
    }
}

/// Which lines of a log are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Only {
    /// All that were read.
    #[default]
    All,
    /// The known ones.
    Known,
    /// Known warnings and errors.
    Bad,
}

impl Only {
    /// The next narrower one; after the narrowest all.
    pub(crate) fn next(self) -> Self {
        match self {
            Self::All => Self::Known,
            Self::Known => Self::Bad,
            Self::Bad => Self::All,
        }
    }

    /// What is shown, in words.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::All => "all lines",
            Self::Known => "known lines only",
            Self::Bad => "known warnings and errors only",
        }
    }
}
