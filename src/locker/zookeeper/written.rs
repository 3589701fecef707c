//! What is in our own nodes: each write says of which version it is, so that none is written over that
//! somebody else has written to.

use std::time::Duration;

use super::calls::{ZkCall, ZkFailure};
use super::enter::ZkPlace;
use crate::locker::Record;
use crate::locker::fault::Fault;

/// What is in our own nodes.
#[derive(Debug)]
pub(super) struct Written {
    nodes: Vec<OwnNode>,
    pub(super) ttl: Duration,
}

#[derive(Debug)]
struct OwnNode {
    /// With the chroot.
    path: String,
    /// The version that the node will have after the writes that are under way; `None` if one failed, so
    /// that it has to be read again.
    version: Option<i32>,
    data: Vec<u8>,
}

impl Written {
    /// Nothing, as yet.
    pub(super) fn new(ttl: Duration) -> Self {
        Self {
            nodes: Vec::new(),
            ttl,
        }
    }

    /// The nodes of these places were made with this in them.
    pub(super) fn made<'a>(
        &mut self,
        places: impl Iterator<Item = &'a ZkPlace>,
        data: &[u8],
        ttl: Duration,
    ) {
        let nodes = places.map(|place| OwnNode {
            path: place.standing.path.clone(),
            version: Some(0),
            data: data.to_vec(),
        });
        self.nodes = nodes.collect();
        self.ttl = ttl;
    }

    /// The paths of those that have to be read again.
    pub(super) fn unknown(&self) -> Vec<String> {
        let unknown = self.nodes.iter().filter(|node| node.version.is_none());
        unknown.map(|node| node.path.clone()).collect()
    }

    fn at(&mut self, path: &str) -> Option<&mut OwnNode> {
        self.nodes.iter_mut().find(|node| node.path == path)
    }

    /// This was read there.
    pub(super) fn read(&mut self, path: &str, data: Vec<u8>, version: i32) {
        if let Some(node) = self.at(path) {
            node.version = Some(version);
            node.data = data;
        }
    }

    /// It is not known whether the last write to it was done.
    pub(super) fn doubt(&mut self, path: &str) {
        if let Some(node) = self.at(path) {
            node.version = None;
        }
    }

    /// Sets what is written next, unless somebody else has written to one of the nodes meanwhile: an
    /// operator's mark, which takes the lock away, is still to be read.
    pub(super) fn replace(&mut self, data: &[u8], own: &Record) -> Result<(), Fault> {
        let is_own = |node: &OwnNode| {
            let found = Record::from_json(&node.data);
            found.is_some_and(|found| found.is_of(own))
        };
        if !self.nodes.iter().all(is_own) {
            return Err(ZkFailure::BadVersion.into());
        }
        for node in &mut self.nodes {
            node.data = data.to_vec();
        }
        Ok(())
    }

    /// The next write to each.
    ///
    /// # Errors
    /// If there is none, or one has to be read first.
    pub(super) fn next(&mut self) -> Result<Vec<(String, ZkCall)>, Fault> {
        if self.nodes.is_empty() {
            return Err(Fault::broken("it has no place in the queue"));
        }
        let versions: Option<Vec<_>> = self.nodes.iter().map(|node| node.version).collect();
        let Some(versions) = versions else {
            return Err(ZkFailure::BadVersion.into());
        };
        let each = self.nodes.iter_mut().zip(versions);
        let calls = each.map(|(node, version)| {
            node.version = Some(version + 1);
            let call = ZkCall::set_data(&node.path, &node.data, version);
            (node.path.clone(), call)
        });
        Ok(calls.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::locker::TakenAway;
    use crate::locker::zookeeper::value;

    fn node(path: &str, data: &[u8]) -> OwnNode {
        OwnNode {
            path: path.to_owned(),
            version: Some(3),
            data: data.to_vec(),
        }
    }

    #[test]
    fn an_operators_mark_is_not_written_over() {
        let own = Record::of_this_process();
        let ttl = Duration::from_secs(5);
        let ours = value::written(&own, ttl);
        let by = TakenAway::by_this_process();
        let marked = Record::marked(&ours, &by).expect("a mark");
        let mut written = Written::new(ttl);
        written.nodes = vec![node("/a", &ours), node("/b", &ours)];
        assert!(written.replace(&ours, &own).is_ok());
        for others in [&marked[..], b"10.0.0.1"] {
            written.read("/b", others.to_vec(), 4);
            assert!(written.replace(&ours, &own).is_err());
            assert_eq!(written.nodes[1].data, others);
        }
    }

    #[test]
    fn nothing_is_written_to_a_node_that_is_in_doubt() {
        let mut written = Written::new(Duration::from_secs(5));
        assert!(written.next().is_err());
        written.nodes = vec![node("/a", b"1"), node("/b", b"2")];
        assert_eq!(written.next().expect("writes").len(), 2);
        written.doubt("/b");
        assert_eq!(written.unknown(), ["/b"]);
        assert!(written.next().is_err());
        written.read("/b", b"3".to_vec(), 9);
        assert_eq!(written.next().expect("writes").len(), 2);
        let versions: Vec<_> = written.nodes.iter().map(|node| node.version).collect();
        assert_eq!(versions, [Some(5), Some(10)]);
    }
}
