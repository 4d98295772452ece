//! S8 (waivable): A tie is shown and the operator chooses (the input; no waiver); an AHEAD or DIVERGED node stops the
//! normal path.

use super::Blocked;
use crate::facts::NodeName;
use crate::judge::Standing;

/// The nodes that stop the normal path.
pub fn off_the_path<'a>(standings: impl IntoIterator<Item = (&'a NodeName, Standing)>) -> Vec<Blocked> {
    standings
        .into_iter()
        .filter_map(|(name, standing)| match standing {
            Standing::Ahead(by) => Some(Blocked::on(
                "S8",
                name,
                format!("it is ahead of the Primary by {by} write-sets"),
                "choose: go on from it, export what only it holds, or abandon its state",
            )),
            Standing::Diverged => Some(Blocked::on(
                "S8",
                name,
                "its history is another one, and no seqno can rank it",
                "choose which history is the one, and abandon or export the other",
            )),
            _ => None,
        })
        .collect()
}
