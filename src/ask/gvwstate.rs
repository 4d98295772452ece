//! gvwstate.dat: the last Primary view a node saved, from which it can re-form the Primary Component by itself.

use crate::facts::{ClusterUuid, Known, Plain, WhyKind};

/// The longest file read: about 80 members.
const MAX: usize = 4096;

/// What a gvwstate.dat says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gvwstate {
    /// `valid`, `empty` or `malformed`.
    pub file: &'static str,
    /// The saved view, where the file is valid: all of it or nothing.
    pub view: Known<View>,
}

/// A saved view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// The node's own UUID in the group.
    pub my_uuid: Plain,
    /// The view: type, UUID of its representative, sequence number.
    pub view_id: Plain,
    /// The sequence number alone.
    pub seq: u64,
    /// The bootstrap line.
    pub bootstrap: bool,
    /// UUIDs of the members, in the file's order.
    pub members: Vec<Plain>,
}

/// Reads the file's bytes. An empty one is what makes Galera fail with `invalid UUID 00000000` (case 16).
pub fn parse(bytes: &[u8]) -> Gvwstate {
    if bytes.is_empty() {
        return Gvwstate { file: "empty", view: Known::unknown(WhyKind::Undefined, "gvwstate.dat is empty") };
    }
    let read = if bytes.len() > MAX {
        Err("gvwstate.dat is too long to be read whole".to_owned())
    } else {
        std::str::from_utf8(bytes).map_err(|_| "gvwstate.dat is not text".to_owned()).and_then(view)
    };
    match read {
        Ok(view) => Gvwstate { file: "valid", view: Known::Known(view) },
        Err(why) => Gvwstate { file: "malformed", view: Known::unknown(WhyKind::Malformed, why) },
    }
}

/// Whether the bytes save a view of one member: a server that starts with it needs nobody to be a Primary Component
/// (tests/fixtures/lab/view-alone). Lines are counted, as the acts' scripts do: a file that is not whole counts as well.
pub(super) fn is_lone(bytes: &[u8]) -> bool {
    let is_member = |line: &&[u8]| line.trim_ascii_start().starts_with(b"member:");
    bytes.split(|byte| *byte == b'\n').filter(is_member).count() == 1
}

fn view(text: &str) -> Result<View, String> {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let mut next = |wanted: &str| {
        let line = lines.next().ok_or_else(|| format!("the file ends before {wanted:?}"))?;
        let rest = line
            .strip_prefix(wanted)
            .ok_or_else(|| format!("{line:?} stands where {wanted:?} is expected"))?;
        Ok::<_, String>(rest.trim())
    };
    let my_uuid = uuid(next("my_uuid:")?)?;
    next("#vwbeg")?;
    let view_id = next("view_id:")?;
    let words: Vec<&str> = view_id.split_ascii_whitespace().collect();
    let seq = match words.as_slice() {
        [kind, head, seq] if digits(kind) && digits(seq) => {
            uuid(head).and_then(|_| seq.parse().map_err(|_| format!("view number {seq:?} is too large")))
        }
        _ => Err(format!("view_id {view_id:?} is not a type, a UUID and a number")),
    }?;
    let bootstrap = match next("bootstrap:")? {
        "0" => false,
        "1" => true,
        other => return Err(format!("bootstrap {other:?} is neither 0 nor 1")),
    };
    let mut members = Vec::new();
    loop {
        let line = next("")?;
        if line == "#vwend" {
            break;
        }
        let words: Vec<&str> =
            line.strip_prefix("member:").unwrap_or_default().split_ascii_whitespace().collect();
        match words.as_slice() {
            [member, segment] if digits(segment) => members.push(uuid(member)?),
            _ => return Err(format!("{line:?} stands where a member is expected")),
        }
    }
    if members.is_empty() {
        return Err("the saved view has no members".to_owned());
    }
    Ok(View { my_uuid, view_id: Plain::new(view_id), seq, bootstrap, members })
}

fn digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// A member's UUID, kept as it is written; a zero one is none.
fn uuid(text: &str) -> Result<Plain, String> {
    match ClusterUuid::parse(text) {
        Ok(Some(_)) => Ok(Plain::new(text)),
        Ok(None) => Err("a UUID in it is zero".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SAVED: &str = "my_uuid: 0cb32036-e56d-11f1-af3f-2a57ada6977c\n#vwbeg\n\
        view_id: 3 0cb32036-e56d-11f1-af3f-2a57ada6977c 3\nbootstrap: 0\n\
        member: 0cb32036-e56d-11f1-af3f-2a57ada6977c 0\nmember: 0d2c0326-e56d-11f1-aa9f-22bd3ec68ccd 0\n#vwend\n";

    #[test]
    fn a_saved_view_is_read() {
        let read = parse(SAVED.as_bytes());
        assert_eq!(read.file, "valid");
        let view = read.view.known().unwrap();
        assert_eq!((view.seq, view.bootstrap, view.members.len()), (3, false, 2));
        assert_eq!(view.view_id.as_str(), "3 0cb32036-e56d-11f1-af3f-2a57ada6977c 3");
        assert_eq!(view.my_uuid, view.members[0]);
    }

    #[test]
    fn an_empty_file_and_broken_ones() {
        assert_eq!(parse(b"").file, "empty");
        for broken in [
            SAVED.replace("#vwend", ""),
            SAVED.replace("#vwbeg", ""),
            SAVED.replace("bootstrap: 0", "bootstrap: 2"),
            SAVED.replace(" 3\n", " x\n"),
            SAVED.replace("0d2c0326-e56d-11f1-aa9f-22bd3ec68ccd", "00000000-0000-0000-0000-000000000000"),
            SAVED.replace("member:", "members:"),
            "\0\0\0".to_owned(),
        ] {
            assert_eq!(parse(broken.as_bytes()).file, "malformed", "{broken}");
        }
    }

    #[test]
    fn a_view_of_one_is_told_by_its_member_lines() {
        let second = "member: 0d2c0326-e56d-11f1-aa9f-22bd3ec68ccd 0\n";
        let lone = SAVED.replace(second, "");
        assert!(!is_lone(SAVED.as_bytes()) && is_lone(lone.as_bytes()));
        // Not whole, and who reads it less strictly than we do could still start with it.
        assert!(is_lone(lone.replace("#vwend", "").as_bytes()));
        assert!(is_lone(lone.replace('\n', "\r\n").replace("member", " member").as_bytes()));
        for none in ["", "#member: x 0\n", &lone.replace("member:", "members:")] {
            assert!(!is_lone(none.as_bytes()), "{none}");
        }
        // What a real server left that was alone (steps.txt: the state files stand between two empty lines).
        let steps = include_str!("../../tests/fixtures/lab/view-alone/steps.txt");
        let file = steps.split("\n\n").find(|part| part.starts_with("my_uuid")).unwrap();
        assert!(is_lone(file.as_bytes()));
        assert_eq!(parse(file.as_bytes()).view.known().unwrap().members.len(), 1);
    }

    proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = parse(&bytes);
        }

        #[test]
        fn a_mutated_file_yields_only_what_stands_in_it(at in 0usize..240, with in any::<u8>(), cut in 0usize..260) {
            let mut bytes = SAVED.as_bytes().to_vec();
            if let Some(byte) = bytes.get_mut(at) {
                *byte = with;
            }
            bytes.truncate(cut);
            let read = parse(&bytes);
            if let Some(view) = read.view.known() {
                let text = String::from_utf8(bytes).unwrap();
                prop_assert!(text.contains("#vwend"));
                prop_assert!(view.members.iter().all(|m| text.contains(m.as_str())));
                let digit = if view.bootstrap { "1" } else { "0" };
                let said = text.lines().any(|l| l.trim().strip_prefix("bootstrap:").is_some_and(|v| v.trim() == digit));
                prop_assert!(said);
            }
        }
    }
}
