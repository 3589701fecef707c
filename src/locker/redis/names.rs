//! The keys and channels of one lock, beside the key itself, which is as it was typed.
//!
//! A Cluster keeps keys with the same tag, what is in their first braces, together; a key with one of
//! its own goes before the rest, any other is the tag itself.

/// What follows the key in the names of its companions: of a key that is the tag, and of one that has a
/// tag. They differ, for `{k}` and `k` are two locks.
const OF_TAG: &str = ":genlock";
const OF_TAGGED: &str = ":genlock-tagged";

/// The names of one lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LockNames {
    pub(super) key: String,
    /// What all the others begin with.
    base: String,
}

impl LockNames {
    pub(super) fn of(key: &str) -> Self {
        let base = if tag(key).is_some() {
            format!("{key}{OF_TAGGED}")
        } else {
            format!("{{{key}}}{OF_TAG}")
        };
        Self {
            key: key.to_owned(),
            base,
        }
    }

    /// The sorted set of who waits, by ticket.
    pub(super) fn queue(&self) -> String {
        format!("{}:q", self.base)
    }

    /// The sorted set of until when each of them counts as alive.
    pub(super) fn alive(&self) -> String {
        format!("{}:v", self.base)
    }

    /// The hash of what holders and waiters say of themselves.
    pub(super) fn records(&self) -> String {
        format!("{}:r", self.base)
    }

    /// The hash of those who hold the lock together.
    pub(super) fn members(&self) -> String {
        format!("{}:s", self.base)
    }

    /// The sorted set of the last runs, by token.
    pub(super) fn history(&self) -> String {
        format!("{}:h", self.base)
    }

    /// The hash of marks.
    pub(super) fn marks(&self) -> String {
        format!("{}:m", self.base)
    }

    /// Those of the lock itself, in the order in which the scripts have them.
    pub(super) fn all(&self) -> [String; 5] {
        [
            self.key.clone(),
            self.queue(),
            self.alive(),
            self.records(),
            self.members(),
        ]
    }

    /// What stands for one holder or waiter; and the channel on which it is told that its turn has come.
    pub(super) fn of_one(&self, id: &str) -> String {
        format!("{}:{id}", self.base)
    }

    /// The lock's names, and whose a name is; the opposite of [`LockNames::of_one`].
    pub(super) fn parse(name: &str) -> Option<(Self, &str)> {
        let (base, id) = name.rsplit_once(':')?;
        let key = match base.strip_suffix(OF_TAGGED) {
            Some(key) => key,
            None => base
                .strip_suffix(OF_TAG)?
                .strip_prefix('{')?
                .strip_suffix('}')?,
        };
        let names = Self::of(key);
        (names.base == base).then_some((names, id))
    }

    /// The names of the lock that any of its keys belongs to.
    pub(super) fn of_any(name: &str) -> Self {
        match Self::parse(name) {
            Some((names, "q" | "v" | "r" | "s" | "h" | "m")) => names,
            _ => Self::of(name),
        }
    }
}

/// The part of it that says where a Cluster keeps it: what stands between the first `{` and the first
/// `}` behind it, if that is anything.
pub(super) fn tag(key: &str) -> Option<&str> {
    let (_, behind) = key.split_once('{')?;
    let (tag, _) = behind.split_once('}')?;
    (!tag.is_empty()).then_some(tag)
}

/// A pattern of SCAN for the records of every lock whose key begins so, and of some others.
pub(super) fn records_pattern(prefix: &str) -> String {
    let mut pattern = "*".to_owned();
    for c in prefix.chars() {
        if "*?[]\\^-".contains(c) {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern + "*:genlock*:r"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn companions_are_kept_with_their_key_and_are_nobody_elses() {
        for (key, queue) in [
            ("/k", "{/k}:genlock:q"),
            ("x{t}y", "x{t}y:genlock-tagged:q"),
            ("{k}", "{k}:genlock-tagged:q"),
            ("k", "{k}:genlock:q"),
        ] {
            assert_eq!(LockNames::of(key).queue(), queue);
        }
        for key in [
            "/k",
            "x{t}y",
            "a}b",
            "x{}y",
            "a:b",
            "{",
            "{k}",
            "{/k}:genlock",
        ] {
            let names = LockNames::of(key);
            let one = names.of_one("17");
            assert_eq!(LockNames::parse(&one), Some((names.clone(), "17")), "{key}");
            for name in names.all().into_iter().chain([names.history()]) {
                assert_eq!(LockNames::of_any(&name), names, "{name}");
            }
        }
        assert_eq!(LockNames::parse("/k"), None);
    }

    #[test]
    fn a_pattern_takes_a_prefix_as_it_is() {
        assert_eq!(records_pattern("/a*[b"), "*/a\\*\\[b*:genlock*:r");
    }
}
