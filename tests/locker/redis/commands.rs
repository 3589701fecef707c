//! Redis 6.2 knows all that is asked of it.

use std::collections::BTreeSet;
use std::path::Path;

use crate::support::redis::documented_rights;

/// With the version that each came with: <https://redis.io/docs/latest/commands/>.
const KNOWN: [(&str, &str); 33] = [
    ("CLIENT CACHING", "6.0"),
    ("CLIENT TRACKING", "6.0"),
    ("CLUSTER SLOTS", "3.0"),
    ("DEL", "1.0"),
    ("EVAL", "2.6"),
    ("GET", "1.0"),
    ("HDEL", "2.0"),
    ("HELLO", "6.0"),
    ("HGET", "2.0"),
    ("HGETALL", "2.0"),
    ("HSET", "2.0"),
    ("INFO", "1.0"),
    ("PEXPIRE", "2.6"),
    ("PING", "1.0"),
    ("PTTL", "2.6"),
    ("PUBLISH", "2.0"),
    ("ROLE", "2.8"),
    ("SCAN", "2.8"),
    ("SELECT", "1.0"),
    ("SET", "1.0"),
    ("SUBSCRIBE", "2.0"),
    ("TIME", "2.6"),
    ("TYPE", "1.0"),
    ("UNSUBSCRIBE", "2.0"),
    ("ZADD", "1.2"),
    ("ZCARD", "1.2"),
    ("ZCOUNT", "2.0"),
    ("ZRANGE", "1.2"),
    ("ZRANGEBYSCORE", "1.0"),
    ("ZRANK", "2.0"),
    ("ZREM", "1.2"),
    ("ZREMRANGEBYSCORE", "1.2"),
    ("ZSCORE", "1.2"),
];

#[test]
fn no_command_is_newer_than_redis_6_2() {
    for command in &asked() {
        let known = KNOWN.iter().find(|(known, _)| known == command);
        let (_, version) = known.unwrap_or_else(|| panic!("which Redis has {command}?"));
        let (major, minor) = version.split_once('.').expect("a version");
        let version = (
            major.parse::<u32>().expect("major"),
            minor.parse::<u32>().expect("minor"),
        );
        assert!(version <= (6, 2), "{command} came with Redis {version:?}");
    }
}

/// A user who follows the page can do all that genlock asks for.
#[test]
fn every_command_is_among_the_rights_that_are_documented() {
    // Named above the list, each for whoever needs it.
    let named = ["scan", "select", "cluster|slots", "info"];
    let rights = documented_rights();
    let rights: Vec<_> = rights
        .iter()
        .filter_map(|right| right.strip_prefix('+'))
        .collect();
    for command in asked() {
        let right = command.to_lowercase().replace(' ', "|");
        let right = right.as_str();
        assert!(
            rights.contains(&right) || named.contains(&right),
            "+{right}"
        );
    }
}

/// What is asked of a Redis.
fn asked() -> BTreeSet<String> {
    let mut asked = BTreeSet::new();
    let sources = concat!(env!("CARGO_MANIFEST_DIR"), "/src/locker/redis");
    look_into(Path::new(sources), &mut asked);
    assert!(asked.len() > 20, "{asked:?}");
    asked
}

/// The commands in the sources below a directory.
fn look_into(dir: &Path, asked: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(dir).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            look_into(&path, asked);
            continue;
        }
        if path.ends_with("tests.rs") {
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("a source");
        // What tests make up is not asked.
        let text = text.split("#[cfg(test)]").next().unwrap_or_default();
        let lua = ["call('", "{'"].map(|start| (start, '\''));
        for (start, end) in lua.into_iter().chain([("([\"", '"')]) {
            for (at, _) in text.match_indices(start) {
                let words = &text[at + start.len()..];
                asked.extend(command(words, end));
            }
        }
    }
}

/// The command that begins here: a word in capitals, and a second one of those that have parts.
fn command(words: &str, end: char) -> Option<String> {
    let mut words = words.split(end);
    let first = words.next()?;
    let is_command = !first.is_empty() && first.chars().all(|c| c.is_ascii_uppercase());
    let has_parts = ["CLIENT", "CLUSTER"].contains(&first);
    let second = words.nth(1).filter(|_| has_parts);
    is_command.then(|| match second {
        Some(second) => format!("{first} {second}"),
        None => first.to_owned(),
    })
}
