//! The names of nodes: of a lock, by its key, and of those who stand in its queue.
//!
//! One counter of the parent numbers them all, whichever tool made them, so all that have a known mark
//! and a number behind it are of one queue.

use super::path;
use crate::error::Result;
use crate::locker::Mode;
use crate::locker::net::random;

/// How our own nodes are called: as those of whoever else is there, who looks for such names only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// Curator's `InterProcessMutex`.
    Curator,
    /// Curator's `InterProcessReadWriteLock`.
    CuratorRw,
    /// kazoo's `Lock`, its `WriteLock`, and for those who share its `ReadLock`.
    Kazoo,
}

impl Layout {
    pub(super) const ALL: [Self; 3] = [Self::Curator, Self::CuratorRw, Self::Kazoo];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Curator => "curator",
            Self::CuratorRw => "curator-rw",
            Self::Kazoo => "kazoo",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|layout| layout.name() == name)
    }

    /// What the names of all nodes of one taking begin with, and those of no other's. It may have several: where
    /// the store does not answer it takes a place anew, and what it asked for before may come to be later.
    pub(super) fn of_one_taking(self) -> Result<String> {
        let hex = format!("{:016x}", random::random()?);
        Ok(match self {
            Self::Curator | Self::CuratorRw => {
                format!("_c_{}-{}-{}-", &hex[..8], &hex[8..12], &hex[12..])
            }
            Self::Kazoo => hex,
        })
    }

    /// A name that no other node has, without its number, for one of this taking, which locks in this mode.
    ///
    /// Others share only with readers that they know as such. To them one of N is like a writer; and in the
    /// layout of `InterProcessMutex`, which knows none, a reader is too: it would pass any other name.
    pub(super) fn fresh(self, taking: &str, mode: Mode) -> Result<String> {
        let hex = format!("{:016x}", random::random()?);
        let (node, last) = hex.split_at(4);
        Ok(match (self, mode) {
            (Self::Curator, _) => format!("{taking}{node}-{last}-lock-"),
            (Self::CuratorRw, Mode::Shared) => format!("{taking}{node}-{last}-__READ__"),
            (Self::CuratorRw, _) => format!("{taking}{node}-{last}-__WRIT__"),
            (Self::Kazoo, Mode::Shared) => format!("{taking}{hex}__rlock__"),
            (Self::Kazoo, _) => format!("{taking}{hex}__lock__"),
        })
    }
}

/// What the names of contenders have before their number: Curator's and go-zookeeper's, kazoo's, and
/// those of Curator's readers and writers.
const MARKS: [&str; 5] = ["lock-", "__lock__", "__rlock__", "__READ__", "__WRIT__"];

/// Those of readers among them, which are shared whoever made them: kazoo's and Curator's.
const OF_READERS: [&str; 2] = ["__rlock__", "__READ__"];

/// Behind the name of a lock's node, in that of the node of its marks: no escape that a key has.
pub(super) const OF_MARKS: &str = "%once";

/// The digits of a number (`%010d`).
const DIGITS: usize = 10;

/// The number of a contender; `None` if the name is not a contender's.
pub(super) fn number(name: &str) -> Option<u64> {
    let (mark, digits) = name.split_at_checked(name.len().checked_sub(DIGITS)?)?;
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    // The last is of ZooKeeper's own recipe: x-SESSION-NUMBER.
    let known = MARKS.iter().any(|known| mark.ends_with(known));
    let own = mark.starts_with("x-") && mark.ends_with('-') && mark.len() > 3;
    (known || own).then(|| digits.parse().ok()).flatten()
}

/// Whether a contender of this name is a reader, which shares the lock with others.
pub(super) fn is_reader(name: &str) -> bool {
    let mark = name
        .len()
        .checked_sub(DIGITS)
        .and_then(|at| name.split_at_checked(at));
    mark.is_some_and(|(mark, _)| OF_READERS.iter().any(|reader| mark.ends_with(reader)))
}

/// The contenders among the children of a lock, in order of their numbers.
pub(super) fn contenders(children: Vec<String>) -> Vec<(u64, String)> {
    let each = children.into_iter();
    let mut found: Vec<_> = each
        .filter_map(|name| Some((number(&name)?, name)))
        .collect();
    found.sort_unstable();
    found
}

/// A part of a key must not look like a contender of the lock of the parts before it.
pub(super) fn plain(part: &str) -> String {
    let written = path::escaped(part);
    if number(&written).is_none() {
        return written;
    }
    let (before, last) = written.split_at(written.len() - 1);
    let byte = last.as_bytes()[0];
    format!("{before}%{byte:02X}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contenders_of_every_tool_are_of_one_queue() {
        for (name, expected) in [
            (
                "_c_fe1d2a3b-0000-4000-8000-0123456789ab-lock-0000000007",
                Some(7),
            ),
            (
                "_c_0123456789abcdef0123456789abcdef-lock-0000000010",
                Some(10),
            ),
            ("_c_x-__READ__0000000002", Some(2)),
            ("_c_x-__WRIT__0000000003", Some(3)),
            ("abc__lock__0000000004", Some(4)),
            ("abc__rlock__2147483647", Some(2_147_483_647)),
            ("x-72057600000000000-0000000001", Some(1)),
            ("lock-0000000001", Some(1)),
            ("locks", None),
            ("lock-1", None),
            ("0000000001", None),
            ("backup-0000000001", None),
            ("lock-000000000Ä", None),
            ("", None),
        ] {
            assert_eq!(number(name), expected, "{name}");
        }
        let children = ["b__lock__0000000012", "y", "_c_a-lock-0000000003"];
        let children = children.map(str::to_owned).to_vec();
        let found: Vec<_> = contenders(children).into_iter().map(|one| one.0).collect();
        assert_eq!(found, [3, 12]);
    }

    #[test]
    fn every_layout_is_a_contenders() {
        for layout in Layout::ALL {
            let taking = layout.of_one_taking().expect("random numbers");
            for mode in [Mode::Exclusive, Mode::Shared, Mode::OneOf(2)] {
                let fresh = || layout.fresh(&taking, mode).expect("random numbers");
                let name = fresh() + "0000000009";
                assert!(name.starts_with(&taking) && fresh() != fresh(), "{name}");
                assert_eq!(number(&name), Some(9), "{name}");
                let shares = mode == Mode::Shared && layout != Layout::Curator;
                assert_eq!(is_reader(&name), shares, "{name}");
            }
            assert_eq!(Layout::named(layout.name()), Some(layout));
        }
    }

    #[test]
    fn no_part_of_a_key_is_a_contender() {
        let part = plain("lock-0000000001");
        assert_eq!(part, "lock-000000000%31");
        assert_eq!(number(&part), None);
        assert_eq!(path::unescaped(&part).as_deref(), Some("lock-0000000001"));
    }
}
