//! Of two modules side by side at most one uses the other. One that is within another may use it.

use std::collections::BTreeMap;

use crate::Finding;
use crate::crates::is_within;
use crate::layers::used;
use crate::paths::of_the_root;
use crate::source::Source;

pub(crate) fn findings(sources: &[Source]) -> Vec<Finding> {
    let names = of_the_root(sources);
    let modules: Vec<String> = sources
        .iter()
        .map(|source| source.module.join("::"))
        .collect();
    let mut users: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for (source, own) in sources.iter().zip(&modules) {
        for (path, line) in used(source, &names) {
            let whole = modules.iter().filter(|module| is_within(&path, module));
            if let Some(other) = whole.max_by_key(|module| module.len())
                && !is_within(own, other)
                && !is_within(other, own)
            {
                users.entry((own, other)).or_insert(line);
            }
        }
    }
    let back = |(one, other): (&str, &str)| one > other && users.contains_key(&(other, one));
    let circles = users.iter().filter(|(pair, _)| back(**pair));
    let found = circles.map(|((one, other), line)| Finding {
        path: format!("src/{}.rs", one.replace("::", "/")),
        line: *line,
        what: (*other).to_owned(),
        advice: format!("{one} and {other} use each other"),
    });
    found.collect()
}

#[test]
fn two_that_use_each_other_are_found() {
    let hold = "use super::queue::Queue;";
    let queue = "use super::hold::{self, Hold};\nuse super::Etcd;";
    let etcd = Source::new("src/locker/etcd.rs", "use self::hold::Hold;");
    let hold = Source::new("src/locker/etcd/hold.rs", hold);
    let queue = Source::new("src/locker/etcd/queue.rs", queue);
    let found = findings(&[etcd, hold, queue]);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].path, "src/locker/etcd/queue.rs");
    assert_eq!(found[0].what, "locker::etcd::hold");
}
