//! What fingers type: other tools' words, and words that are nearly right.

/// Other tools' verbs: those of etcdctl, consul and setlock's kin. One counts only while genlock
/// has none of that name.
pub(super) const VERBS: &[(&str, &str)] = &[
    ("lock", "run"),
    ("exec", "run"),
    ("unlock", "release"),
    ("list", "ls"),
    ("version", "--version"),
];

/// Options of flock(1), and genlock's own for the same; none where genlock does that always.
pub(super) const OPTIONS: &[(&str, Option<&str>)] = &[
    ("--nonblock", Some("--try")),
    ("--nb", Some("--try")),
    ("--timeout", Some("--wait")),
    ("-x", None),
    ("-e", None),
    ("--exclusive", None),
];

/// The option of flock(1) that takes a line for the shell.
pub(super) const SCRIPT: &str = "-c";

/// The one that was most likely meant, if any is near enough.
pub(in crate::cli) fn nearest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let candidates: Vec<_> = candidates.into_iter().collect();
    let mut longer = candidates
        .iter()
        .filter(|candidate| candidate.starts_with(word));
    if let (true, Some(only), None) = (word.len() > 1, longer.next(), longer.next()) {
        return Some(only);
    }
    let near = if word.chars().count() < 5 { 1 } else { 2 };
    let distances = candidates.into_iter().map(|c| (distance(word, c), c));
    let (distance, nearest) = distances.min_by_key(|&(distance, _)| distance)?;
    (distance <= near).then_some(nearest)
}

/// How many letters are missing, added, changed, or swapped with their neighbour.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<_>, Vec<_>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![(0..=b.len()).collect::<Vec<_>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let changed = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = changed.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_of_the_finger_are_near() {
        let verbs = ["run", "status", "ls", "help"];
        for (typed, meant) in [
            ("rn", Some("run")),
            ("urn", Some("run")),
            ("runn", Some("run")),
            ("statsu", Some("status")),
            ("stat", Some("status")),
            ("stats", Some("status")),
            ("hlep", Some("help")),
            ("backup", None),
            ("k", None),
            ("", None),
        ] {
            assert_eq!(nearest(typed, verbs), meant, "{typed}");
        }
    }
}
