//! A crate is named in one place, and so is what is unsafe.

use crate::Finding;
use crate::paths::named;
use crate::source::Source;

/// A crate, or a word, and the modules that may name it.
const PLACES: [(&str, &[&str]); 17] = [
    ("anyhow", &["cli"]),
    ("clap", &["cli"]),
    ("etcd_client", &["locker::etcd"]),
    ("h2", &["locker::etcd"]),
    ("hyper_util", &["locker::etcd"]),
    ("indicatif", &["progress"]),
    ("rustls_native_certs", &["locker::net"]),
    ("signal_hook", &["supervise"]),
    ("strsim", &["cli"]),
    ("tokio_rustls", &["locker::net"]),
    ("toml", &["cli::settings"]),
    ("tonic", &["locker::etcd"]),
    ("tower", &["locker::etcd"]),
    ("tracing", &["events"]),
    ("tz", &["local_time"]),
    ("unicode_width", &["columns"]),
    ("unsafe", &["supervise", "main"]),
];

pub(crate) fn findings(sources: &[Source]) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    for source in sources {
        let module = source.module.join("::");
        let paths = named(source).into_iter();
        let mut words: Vec<_> = paths
            .map(|named| (named.path[0].clone(), named.line))
            .collect();
        let tokens = source.tokens.iter().filter(|token| token.text == "unsafe");
        words.extend(tokens.map(|token| (token.text.clone(), token.line)));
        for (word, line) in words {
            let Some((_, places)) = PLACES.iter().find(|(name, _)| *name == word) else {
                continue;
            };
            let is_said = findings
                .iter()
                .any(|one| one.path == source.path && one.what == word);
            if !places.iter().any(|place| is_within(&module, place)) && !is_said {
                findings.push(Finding {
                    path: source.path.clone(),
                    line,
                    what: word,
                    advice: format!("only {} may name it", places.join(" and ")),
                });
            }
        }
    }
    findings
}

/// Whether a module is this one, or inside of it.
pub(crate) fn is_within(module: &str, outer: &str) -> bool {
    match module.strip_prefix(outer) {
        Some(rest) => rest.is_empty() || rest.starts_with("::"),
        None => false,
    }
}

#[test]
fn a_crate_in_a_wrong_place_is_found() {
    let text = "use tokio::time;\nfn f() { clap::Arg::new() }\nfn g() { unsafe { h() } }\n";
    let found = |path| findings(&[Source::new(path, text)]);
    assert_eq!(found("src/locker.rs").len(), 2);
    assert_eq!(found("src/cli/run.rs")[0].what, "unsafe");
    assert_eq!(found("src/supervise/a.rs")[0].what, "clap");
}
