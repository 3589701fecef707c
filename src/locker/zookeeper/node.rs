//! Where the queue of a key is: the node whose children contend for its lock.

use super::names;
use super::path::{self, RELATIVE};

/// The path of the node of a key, below the chroot.
pub(super) fn of_key(key: &str) -> String {
    let (first, parts) = match key.strip_prefix('/') {
        Some(rest) => (None, rest),
        None => (Some(RELATIVE), key),
    };
    let first = first.map(str::to_owned).into_iter();
    let parts = first.chain(parts.split('/').map(names::plain));
    parts.fold(String::new(), |path, part| path + "/" + &part)
}

/// The key of such a node; `None` if it is no key's.
pub(super) fn key(node: &str) -> Option<String> {
    let parts = node.strip_prefix('/')?;
    let (start, parts) = match parts.strip_prefix(RELATIVE) {
        Some(relative) => ("", relative.strip_prefix('/')?),
        None => ("/", parts),
    };
    let parts: Option<Vec<_>> = parts.split('/').map(path::unescaped).collect();
    let key = start.to_owned() + &parts?.join("/");
    // We write each key in one way: any other path is no key's.
    (of_key(&key) == node).then_some(key)
}

/// The node below which all keys are that begin with `prefix`. Empty for the root.
pub(super) fn above(prefix: &str) -> String {
    match prefix.rfind('/') {
        Some(0) | None => String::new(),
        Some(at) => of_key(&prefix[..at]),
    }
}

/// The nodes from the first below the root down to this one.
pub(super) fn down_to(node: &str) -> impl Iterator<Item = &str> {
    let ends = node.match_indices('/').map(|(at, _)| at).skip(1);
    let ends = ends.chain([node.len()]);
    ends.map(|end| &node[..end]).filter(|node| !node.is_empty())
}

/// The lock's node and the own name, in the path of a contender.
pub(super) fn parts(contender: &str) -> Option<(&str, &str)> {
    let (node, name) = contender.rsplit_once('/')?;
    names::number(name)?;
    Some((node, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_has_a_node_of_its_own() {
        for (key_, node) in [
            ("/locks/backup", "/locks/backup"),
            ("locks/backup", "/%~/locks/backup"),
            ("x", "/%~/x"),
            ("//x", "/%/x"),
            ("/../x", "/%2E%2E/x"),
            ("/%~/x", "/%25~/x"),
            ("/a/lock-0000000001", "/a/lock-000000000%31"),
        ] {
            assert_eq!(of_key(key_), node);
            assert_eq!(key(node).as_deref(), Some(key_));
        }
        for none in ["/a/lock-0000000001", "/%~", "/.", "/a/", ""] {
            assert_eq!(key(none), None, "{none}");
        }
    }

    #[test]
    fn a_prefix_begins_at_a_node() {
        for (prefix, node) in [
            ("", ""),
            ("/", ""),
            ("/lo", ""),
            ("/locks/", "/locks"),
            ("/locks/ba", "/locks"),
            ("lo", ""),
            ("locks/ba", "/%~/locks"),
        ] {
            assert_eq!(above(prefix), node, "{prefix}");
        }
        let down: Vec<_> = down_to("/a/b/c").collect();
        assert_eq!(down, ["/a", "/a/b", "/a/b/c"]);
        assert_eq!(down_to("").count(), 0);
    }

    #[test]
    fn a_contender_is_below_its_lock() {
        let found = parts("/a/b/_c_x-lock-0000000003");
        assert_eq!(found, Some(("/a/b", "_c_x-lock-0000000003")));
        assert_eq!(parts("/a/b"), None);
    }
}
