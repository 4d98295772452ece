//! What a node holds, as sets of write-sets.

use breakglass::nodes::sim::Part;

/// The write-sets of `of` that `holder` does not hold.
pub(crate) fn lacks(holder: &[Part], of: &[Part]) -> Vec<Part> {
    let mut left: Vec<Part> = of.to_vec();
    for has in holder {
        left = left.into_iter().flat_map(|part| without(part, *has)).collect();
    }
    left
}

/// What is left of one run of write-sets without another.
fn without(part: Part, has: Part) -> Vec<Part> {
    if part.epoch != has.epoch || part.to < has.from || has.to < part.from {
        return vec![part];
    }
    let mut left = Vec::new();
    if part.from < has.from {
        left.push(Part { to: has.from - 1, ..part });
    }
    if has.to < part.to {
        left.push(Part { from: has.to + 1, ..part });
    }
    left
}

/// What both hold.
pub(crate) fn common(one: &[Part], other: &[Part]) -> Vec<Part> {
    lacks(&lacks(other, one), one)
}

/// Whether two nodes had been in one epoch together although they hold different write-sets from before it: Galera took the
/// one in as it was, by seqno alone (tests/fixtures/galera/05-ahead/silent-divergence), and no log shows what each lacks.
pub(crate) fn parted_silently(one: &[Part], other: &[Part]) -> bool {
    let shared =
        one.iter().filter(|part| other.iter().any(|of| of.epoch == part.epoch)).map(|part| part.epoch).max();
    let Some(shared) = shared else { return false };
    let before = |parts: &[Part]| -> Vec<Part> {
        let first = parts.iter().filter(|part| part.epoch == shared).map(|part| part.from).min();
        parts.iter().filter(|part| part.epoch != shared && Some(part.to) < first).copied().collect()
    };
    let (a, b) = (before(one), before(other));
    !lacks(&a, &b).is_empty() || !lacks(&b, &a).is_empty()
}

pub(crate) fn count(parts: &[Part]) -> u64 {
    parts.iter().map(|part| part.to - part.from + 1).sum()
}

/// In words: `3 write-sets (epoch 2: 17-19)`.
pub(crate) fn told(parts: &[Part]) -> String {
    let runs: Vec<String> =
        parts.iter().map(|part| format!("epoch {}: {}-{}", part.epoch, part.from, part.to)).collect();
    format!("{} write-sets ({})", count(parts), runs.join(", "))
}

#[test]
fn sets_of_runs() {
    let part = |epoch, from, to| Part { epoch, from, to };
    let (a, b) = ([part(1, 1, 10), part(2, 11, 20)], [part(1, 1, 10), part(2, 11, 15), part(3, 16, 18)]);
    assert_eq!(lacks(&a, &b), [part(3, 16, 18)]);
    assert_eq!(lacks(&b, &a), [part(2, 16, 20)]);
    assert_eq!(common(&a, &b), [part(1, 1, 10), part(2, 11, 15)]);
    assert_eq!(lacks(&[part(1, 4, 5)], &[part(1, 1, 10)]), [part(1, 1, 3), part(1, 6, 10)]);
    assert_eq!(count(&a), 20);
    let (c, d) = ([part(1, 1, 12), part(2, 13, 20)], [part(1, 1, 10), part(2, 11, 15), part(3, 16, 18)]);
    assert!(
        parted_silently(&a, &c)
            && parted_silently(&c, &d)
            && !parted_silently(&a, &b)
            && !parted_silently(&a, &d)
    );
    assert!(lacks(&a, &a).is_empty() && lacks(&[], &a).len() == 2);
}
