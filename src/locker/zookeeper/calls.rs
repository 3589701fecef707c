//! What ZooKeeper is asked, and what it answers (its zookeeper.jute and ZooDefs.java).

use super::jute::{JuteReader, JuteWriter};
use crate::error::{Error, ErrorKind, Subject};
use crate::locker::fault::Fault;

/// One question, without its number.
#[derive(Clone, Debug)]
pub(super) struct ZkCall {
    pub(super) code: i32,
    pub(super) body: Vec<u8>,
    /// What is to be told of, from the answer on.
    pub(super) watches: Option<Watched>,
}

/// What is to be told of once.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Watched {
    /// The data of a node change, or it is deleted.
    Data(String),
    /// Its children change, or it is deleted.
    Children(String),
    /// The end of the connection over which everything below a node is told of.
    All,
}

/// What is known of a node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct NodeStat {
    /// The transaction that created it.
    pub(super) czxid: i64,
    /// The transaction that wrote its data last.
    pub(super) mzxid: i64,
    /// When its data were written last, by the leader's wall clock, in milliseconds.
    pub(super) mtime: i64,
    pub(super) version: i32,
    /// The session that it ends with, or 0.
    pub(super) owner: i64,
}

/// Why something was not done.
#[derive(Clone, Debug)]
pub(super) enum ZkFailure {
    NoNode,
    NodeExists,
    BadVersion,
    /// The parent ends with a session: nothing can be below it.
    NoChildren,
    Other(Fault),
}

/// How a node comes to be (CreateMode.java).
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum NodeKind {
    Persistent = 0,
    /// Ends with its session.
    Ephemeral = 1,
    /// Ends with its session; its name gets the next number of its parent behind it.
    EphemeralSequential = 3,
    /// Goes when it has no children any more.
    Container = 4,
}

/// Who may do what with the nodes that we make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    Everybody,
    /// Whoever logs in as we do.
    Creator,
}

const CREATE_CONTAINER: i32 = 19;
/// Answers with the path only; the next one with what is known of the node, too.
pub(super) const CREATE_ONLY: i32 = 1;
const CREATE: i32 = 15;
const DELETE: i32 = 2;
const EXISTS: i32 = 3;
const GET_DATA: i32 = 4;
pub(super) const SET_DATA: i32 = 5;
const GET_ACL: i32 = 6;
const GET_CHILDREN: i32 = 8;
const CHECK: i32 = 13;
const MULTI: i32 = 14;
const ADD_WATCH: i32 = 106;
pub(super) const PING: i32 = 11;
pub(super) const AUTH: i32 = 100;
pub(super) const CLOSE: i32 = -11;

/// Read, write, create, delete, administrate.
const ALL: i32 = 31;
/// A watch of a node and all below it, which stays (AddWatchMode.java).
const PERSISTENT_RECURSIVE: i32 = 1;

impl ZkCall {
    fn new(code: i32, body: JuteWriter) -> Self {
        let body = body.done();
        Self {
            code,
            body,
            watches: None,
        }
    }

    pub(super) fn create(path: &str, data: &[u8], kind: NodeKind, access: Access) -> Self {
        let body = created(path, data, kind, access);
        let code = match kind {
            NodeKind::Container => CREATE_CONTAINER,
            NodeKind::Persistent | NodeKind::Ephemeral | NodeKind::EphemeralSequential => CREATE,
        };
        Self::new(code, body)
    }

    /// Makes such nodes for all of these paths, which end with the session and have the next number of
    /// their parents, or none.
    pub(super) fn create_all(paths: &[String], data: &[u8], access: Access) -> Self {
        let kind = NodeKind::EphemeralSequential;
        let each = paths.iter().map(|path| {
            // Of the other kind 3.8.0 answers with a wrong stat (ZOOKEEPER-4026).
            (CREATE_ONLY, created(path, data, kind, access))
        });
        Self::multi(each)
    }

    pub(super) fn delete(path: &str, version: i32) -> Self {
        Self::new(DELETE, JuteWriter::default().string(path).int(version))
    }

    pub(super) fn exists(path: &str) -> Self {
        Self::new(EXISTS, JuteWriter::default().string(path).bool(false))
    }

    pub(super) fn get_acl(path: &str) -> Self {
        Self::new(GET_ACL, JuteWriter::default().string(path))
    }

    pub(super) fn get_data(path: &str) -> Self {
        Self::new(GET_DATA, JuteWriter::default().string(path).bool(false))
    }

    /// With news of the next change.
    pub(super) fn watch_data(path: &str) -> Self {
        let mut call = Self::new(GET_DATA, JuteWriter::default().string(path).bool(true));
        call.watches = Some(Watched::Data(path.to_owned()));
        call
    }

    pub(super) fn set_data(path: &str, data: &[u8], version: i32) -> Self {
        let body = JuteWriter::default().string(path).buffer(data);
        Self::new(SET_DATA, body.int(version))
    }

    pub(super) fn get_children(path: &str) -> Self {
        Self::new(GET_CHILDREN, JuteWriter::default().string(path).bool(false))
    }

    /// With news of the next change. A node that ends with a session has no children: the only news of it
    /// is that it is gone.
    pub(super) fn watch_children(path: &str) -> Self {
        let mut call = Self::new(GET_CHILDREN, JuteWriter::default().string(path).bool(true));
        call.watches = Some(Watched::Children(path.to_owned()));
        call
    }

    /// News of everything at or below `path` from now on, until the connection breaks.
    pub(super) fn watch_all(path: &str) -> Self {
        let body = JuteWriter::default().string(path);
        let mut call = Self::new(ADD_WATCH, body.int(PERSISTENT_RECURSIVE));
        call.watches = Some(Watched::All);
        call
    }

    /// Writes to `written`, what is in it already, if `checked` has this version: done by a majority,
    /// or not at all.
    pub(super) fn set_if(
        (checked, version): (&str, i32),
        (written, data, of): (&str, &[u8], i32),
    ) -> Self {
        let check = JuteWriter::default().string(checked).int(version);
        let set = JuteWriter::default().string(written).buffer(data).int(of);
        Self::multi([(CHECK, check), (SET_DATA, set)])
    }

    /// Deletes the node if it has this version, and all of these are there; or does nothing.
    pub(super) fn delete_while(there: &[&str], path: &str, version: i32) -> Self {
        let at = |path, version| JuteWriter::default().string(path).int(version);
        let checks = there.iter().map(|other| (CHECK, at(other, -1)));
        Self::multi(checks.chain([(DELETE, at(path, version))]))
    }

    /// Makes a node, writes to it, deletes it, and then asks for it. So nothing is done in the end, and
    /// the number of the part that fails tells what we may do.
    pub(super) fn tried(path: &str, access: Access) -> Self {
        let at = |path| JuteWriter::default().string(path);
        Self::multi([
            (
                CREATE_ONLY,
                created(path, b"", NodeKind::Persistent, access),
            ),
            (SET_DATA, at(path).buffer(b"").int(-1)),
            (DELETE, at(path).int(-1)),
            (CHECK, at(path).int(-1)),
        ])
    }

    /// All of these, or none.
    fn multi(parts: impl IntoIterator<Item = (i32, JuteWriter)>) -> Self {
        let head = |code, done| JuteWriter::default().int(code).bool(done).int(-1).done();
        let all = parts
            .into_iter()
            .fold(JuteWriter::default(), |all, (code, part)| {
                all.raw(&head(code, false)).raw(&part.done())
            });
        Self::new(MULTI, all.raw(&head(-1, true)))
    }

    pub(super) fn close() -> Self {
        Self::new(CLOSE, JuteWriter::default())
    }
}

/// What makes a node.
fn created(path: &str, data: &[u8], kind: NodeKind, access: Access) -> JuteWriter {
    let (scheme, who) = match access {
        Access::Everybody => ("world", "anyone"),
        Access::Creator => ("auth", ""),
    };
    let body = JuteWriter::default().string(path).buffer(data).int(1);
    body.int(ALL).string(scheme).string(who).int(kind as i32)
}

impl NodeStat {
    /// Reads one, from where it begins.
    pub(super) fn read(reader: &mut JuteReader<'_>) -> Option<Self> {
        let czxid = reader.long()?;
        let (mzxid, _ctime) = (reader.long()?, reader.long()?);
        let (mtime, version) = (reader.long()?, reader.int()?);
        let (_cversion, _aversion) = (reader.int()?, reader.int()?);
        let owner = reader.long()?;
        let (_length, _children, _pzxid) = (reader.int()?, reader.int()?, reader.long()?);
        Some(Self {
            czxid,
            mzxid,
            mtime,
            version,
            owner,
        })
    }
}

impl ZkFailure {
    /// What an answer's number means (KeeperException.java).
    pub(super) fn of(code: i32) -> Self {
        let other = match code {
            -101 => return Self::NoNode,
            -103 => return Self::BadVersion,
            -108 => return Self::NoChildren,
            -110 => return Self::NodeExists,
            -112 => Fault::LeaseNotFound,
            -102 => {
                let error = Error::new(ErrorKind::Denied, "ZooKeeper denies the permission");
                Fault::Refused(error.concerning(Subject::Permission))
            }
            AUTH_FAILED => {
                let error = Error::new(ErrorKind::Denied, "ZooKeeper refused the login");
                Fault::Refused(error.concerning(Subject::Login))
            }
            -4 | -118 => Fault::broken("the connection broke"),
            -127 => Fault::broken("ZooKeeper has too much to do"),
            UNIMPLEMENTED => Fault::Refused(Error::new(
                ErrorKind::Unavailable,
                "this ZooKeeper does not know what it was asked: it has to be 3.6 or newer",
            )),
            code => Fault::Refused(Error::new(
                ErrorKind::Unavailable,
                format!("ZooKeeper refused, with its error {code}"),
            )),
        };
        Self::Other(other)
    }

    /// An answer that cannot be read.
    pub(super) fn strange() -> Self {
        Self::Other(Fault::broken("it sent what makes no sense"))
    }
}

/// Its error of a call that it does not know.
const UNIMPLEMENTED: i32 = -6;

/// Its error of a login.
pub(super) const AUTH_FAILED: i32 = -115;

impl From<ZkFailure> for Fault {
    fn from(failure: ZkFailure) -> Self {
        match failure {
            ZkFailure::Other(fault) => fault,
            ZkFailure::NoNode => Self::broken("a node is gone that was there"),
            ZkFailure::NodeExists => Self::broken("a node is there that was not"),
            ZkFailure::BadVersion => Self::broken("somebody else wrote to a node"),
            ZkFailure::NoChildren => Self::Refused(Error::new(
                ErrorKind::Unavailable,
                "a node above it ends with another tool's session: nothing can be below that",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_is_too_old_is_said_to_be() {
        let error = Error::from(Fault::from(ZkFailure::of(UNIMPLEMENTED)));
        assert!(error.to_string().contains("3.6 or newer"), "{error}");
    }
}
