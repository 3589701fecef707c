//! The verb, option or key of the configuration that was most likely meant by a mistyped word.

use strsim::osa_distance;

/// The candidate with the fewest slips between it and `word`, if that is few enough.
pub(super) fn nearest<'a>(
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
    // Optimal string alignment: to swap two neighbours is one slip, as it is for fingers.
    let near = if word.chars().count() < 5 { 1 } else { 2 };
    let distances = candidates.into_iter().map(|c| (osa_distance(word, c), c));
    let (distance, nearest) = distances.min_by_key(|&(distance, _)| distance)?;
    (distance <= near).then_some(nearest)
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
