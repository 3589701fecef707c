//! Who may use whom. Nothing points back up; `locker` and `supervise` do not know each other, nor do
//! stores.

use std::collections::BTreeMap;

use crate::Finding;
use crate::crates::is_within;
use crate::paths::{named, of_the_root};
use crate::source::Source;

/// What all of the library may use.
const GROUND: [&str; 2] = ["clock", "error"];

/// A module, with those inside of it that have no line of their own, and whom it may use besides
/// itself and the ground.
const LAYERS: [(&str, &[&str]); 27] = [
    ("main", &["cli", "supervise"]),
    (
        "cli",
        &[
            "columns",
            "describe",
            "events",
            "exit",
            "input",
            "local_time",
            "locker",
            "progress",
            "record",
            "report",
            "secrets",
            "stderr",
            "stores",
            "supervise",
        ],
    ),
    (
        "progress",
        &["columns", "describe", "events", "locker", "stderr"],
    ),
    ("describe", &["local_time", "loss", "record"]),
    (
        "stores",
        &[
            "locker",
            "locker::etcd",
            "locker::file",
            "locker::redis",
            "locker::zookeeper",
            "secrets",
        ],
    ),
    ("testing", &["events", "locker", "report"]),
    (
        "fuzz",
        &[
            "cli",
            "local_time",
            "locker",
            "locker::etcd",
            "locker::net",
            "locker::redis",
            "locker::zookeeper",
            "secrets",
            "stores",
        ],
    ),
    (
        "locker::etcd",
        &["events", "locker", "locker::net", "secrets"],
    ),
    ("locker::file", &["events", "locker", "secrets"]),
    (
        "locker::redis",
        &["events", "locker", "locker::net", "secrets"],
    ),
    (
        "locker::zookeeper",
        &["events", "locker", "locker::net", "loss"],
    ),
    ("locker::net", &["events", "input", "locker", "secrets"]),
    (
        "locker",
        &[
            "events",
            "locker::net",
            "secrets",
            "loss",
            "mode",
            "record",
            "report",
        ],
    ),
    ("supervise", &[]),
    ("stderr", &["describe"]),
    ("exit", &[]),
    ("events", &["loss", "record"]),
    ("loss", &[]),
    ("mode", &[]),
    ("record", &["mode"]),
    ("report", &["record"]),
    ("columns", &[]),
    ("input", &[]),
    ("local_time", &[]),
    ("secrets", &[]),
    ("error", &[]),
    ("clock", &[]),
];

/// The line of a module.
fn layer(module: &str) -> Option<(&'static str, &'static [&'static str])> {
    let lines = LAYERS.iter().filter(|(name, _)| is_within(module, name));
    lines.max_by_key(|(name, _)| name.len()).copied()
}

pub(crate) fn findings(sources: &[Source]) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    let names = of_the_root(sources);
    for source in sources.iter().filter(|source| !source.module.is_empty()) {
        let module = source.module.join("::");
        let Some((own, others)) = layer(&module) else {
            findings.push(Finding {
                path: source.path.clone(),
                line: 1,
                what: module,
                advice: "give it a line in tests/rules/layers.rs".to_owned(),
            });
            continue;
        };
        for (path, line) in used(source, &names) {
            let user = layer(&path).map_or(path.as_str(), |(name, _)| name);
            let may = user == own || others.contains(&user) || GROUND.contains(&user);
            let is_said = findings
                .iter()
                .any(|one| one.path == source.path && one.what == path);
            if !may && !is_said {
                findings.push(Finding {
                    path: source.path.clone(),
                    line,
                    what: path.clone(),
                    advice: format!("{own} may not use {user}"),
                });
            }
        }
    }
    findings
}

/// What the lines allow and nobody does: they say how it is, and not how it once was.
pub(crate) fn unused(sources: &[Source]) -> Vec<Finding> {
    let names = of_the_root(sources);
    let mut uses: Vec<(&str, &str)> = Vec::new();
    for source in sources {
        let Some((own, _)) = layer(&source.module.join("::")) else {
            continue;
        };
        let used = used(source, &names).into_iter();
        uses.extend(used.filter_map(|(path, _)| Some((own, layer(&path)?.0))));
    }
    let allowed = LAYERS
        .iter()
        .flat_map(|(own, others)| others.iter().map(|other| (*own, *other)));
    let unused = allowed.filter(|one| !uses.contains(one));
    let found = unused.map(|(own, other)| Finding {
        path: "tests/rules/layers.rs".to_owned(),
        line: 1,
        what: own.to_owned(),
        advice: format!("it does not use {other}: strike that out"),
    });
    found.collect()
}

/// What a file uses of the library, each with its line.
pub(crate) fn used(source: &Source, names: &BTreeMap<String, Vec<String>>) -> Vec<(String, usize)> {
    let mut used = Vec::new();
    for named in named(source) {
        let mut path = named.path;
        if path[0] != "crate" || path.len() < 2 {
            continue;
        }
        if let Some(real) = names.get(&path[1]) {
            path = real.iter().chain(&path[2..]).cloned().collect();
        }
        let from = usize::from(path[0] == "crate");
        used.push((path[from..].join("::"), named.line));
    }
    used
}

#[test]
fn what_points_back_up_is_found() {
    let found = |path, text| {
        let root = "pub use locker::etcd::{Config as EtcdConfig, Etcd};";
        findings(&[Source::new(path, text), Source::new("src/lib.rs", root)])
    };
    let own = "use crate::{Etcd, locker::Held, clock};";
    assert!(found("src/locker/etcd/a.rs", own).is_empty());
    let back = found(
        "src/locker/file.rs",
        "fn f() {\n    crate::EtcdConfig::new() }",
    );
    assert_eq!(
        back[0].to_string(),
        "src/locker/file.rs:2: locker::etcd::Config::new: locker::file may not use locker::etcd"
    );
    let back = found("src/supervise/a.rs", "use super::super::locker::Held;");
    assert_eq!(back[0].what, "locker::Held");
    let exported = "#[macro_export]\nmacro_rules! each { () => { $crate::each! { 1 } } }";
    assert!(found("src/testing/a.rs", exported).is_empty());
    let sources = [
        Source::new("src/testing/a.rs", exported),
        Source::new("src/locker/a.rs", "crate::each! {}"),
    ];
    assert_eq!(findings(&sources)[0].what, "testing::a::each");
    assert_eq!(found("src/new.rs", "")[0].what, "new");
}
