//! What a server of ZooKeeper's kind may answer, and what others may have for names, at random.

use std::sync::Arc;
use std::time::Duration;

use super::calls::{NodeStat, ZkFailure};
use super::ensemble::Ensemble;
use super::found::{FoundNode, holders};
use super::jute::JuteReader;
use super::turn::Said;
use super::{names, node, path, session, value};
use crate::locker::fault::Fault;
use crate::locker::{Config, Options, Record};

/// The first byte says what the rest is.
pub(crate) fn answers(data: &[u8]) {
    let Some((&what, bytes)) = data.split_first() else {
        return;
    };
    let ensemble = Ensemble::new(&Config::new(["zk://h"]), &Options::default());
    let ensemble = Arc::new(ensemble.expect("servers"));
    match what {
        b'n' => name(&String::from_utf8_lossy(bytes)),
        b'p' => session::fuzz::packets(&ensemble, bytes),
        _ => understand(&ensemble, bytes),
    }
}

/// Everything that the body of an answer may be.
fn understand(ensemble: &Ensemble, body: &[u8]) {
    let _ = NodeStat::read(&mut JuteReader::new(body));
    let _ = (value::created(body), value::acl(body), value::set(body));
    let _ = (value::ttl(body), Said::of("x-lock-0000000001", body).mode);
    let failed = value::first_failed(body);
    assert_eq!(failed.is_none(), value::done(body).is_ok());
    if let Some((_, error)) = failed {
        let _ = crate::Error::from(Fault::from(ZkFailure::of(error))).to_string();
    }
    if let Ok(paths) = value::created_all(body) {
        assert!(paths.len() <= body.len());
    }
    for name in value::children(body).into_iter().flatten() {
        let _ = (names::number(&name), names::is_reader(&name));
        let _ = node::parts(&format!("/k/{name}"));
    }
    if let Ok(Some(found)) = FoundNode::read(ensemble, "/k/x-lock-0000000001", body) {
        assert!(found.data.len() <= body.len());
        assert_eq!(holders(&[found]), 1);
    }
    if let Some(record) = Record::from_json(body) {
        let ttl = Duration::from_millis(2500);
        let written = value::written(&record, ttl);
        assert_eq!(value::ttl(&written), Some(ttl));
        assert!(Record::from_json(&written).is_some_and(|read| read.is_of(&record)));
    }
}

/// A key has a path that ZooKeeper takes, and no other has the same.
fn name(key: &str) {
    let own = node::of_key(key);
    assert_eq!(node::key(&own).as_deref(), Some(key));
    // PathUtils.validatePath.
    for part in own.split('/').skip(1) {
        assert!(!matches!(part, "" | "." | ".."), "{own:?}");
        assert_eq!(names::number(part), None, "{own:?}");
    }
    assert!(
        own.starts_with('/') && !own.contains(char::is_control),
        "{own:?}"
    );
    assert_eq!(path::unescaped(&path::escaped(key)).as_deref(), Some(key));
    if let Some(other) = node::key(key) {
        assert_eq!(node::of_key(&other), key);
    }
    let _ = (names::number(key), names::is_reader(key));
}
