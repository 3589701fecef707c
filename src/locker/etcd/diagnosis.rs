//! What is found out about an etcd in which locks may not work.

use std::time::Duration;

use crate::error::Result;
use crate::locker::net::Certificate;

/// What was found out.
#[derive(Debug)]
pub(super) struct Diagnosis {
    /// Each endpoint, in the order of the configuration.
    pub(super) members: Vec<MemberDiagnosis>,
    /// Our own certificate.
    pub(super) certificate: Option<Certificate>,
    /// What the first member that answers says of our rights, or why it did not say; `None` if no
    /// member answers.
    pub(super) service: Option<Result<Service>>,
}

/// What was found out about one endpoint.
#[derive(Debug)]
pub(super) struct MemberDiagnosis {
    /// The endpoint as it is configured, without a password.
    pub(super) endpoint: String,
    /// Whether a password would go there without TLS, over a network.
    pub(super) in_clear: bool,
    /// The certificate that it shows, trusted or not.
    pub(super) certificate: Option<Certificate>,
    /// What it says and how fast it answers, or why it does not.
    pub(super) condition: Result<Condition>,
}

/// What a member says, and how fast it answers.
#[derive(Debug)]
pub(super) struct Condition {
    /// What it says of itself; `None` if it tells only root, as etcd does from 3.5 on if users have to log
    /// in.
    pub(super) status: Option<Status>,
    /// How long reads took, each of which a majority had to confirm; or why there were none.
    pub(super) reads: Result<Vec<Duration>>,
}

/// What a member says of itself.
#[derive(Debug)]
pub(super) struct Status {
    /// The id of its cluster, which is the same for all its members.
    pub(super) cluster: u64,
    /// Its version of etcd.
    pub(super) version: String,
    /// Its part in the cluster.
    pub(super) role: Role,
    /// Its alarms, and other errors that it reports.
    pub(super) complaints: Vec<Complaint>,
}

/// An alarm or error in a member's status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Complaint {
    /// The alarm `NOSPACE`: its database is full.
    NoSpace,
    /// The alarm `CORRUPT`: its data differs from its peers'.
    Corrupt,
    /// Something else, in etcd's words, which are not escaped yet.
    Other(String),
}

/// A member's part in its cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// It leads.
    Leader,
    /// It follows a leader.
    Follower,
    /// It is a learner, which serves no locks.
    Learner,
    /// It knows of no leader.
    Leaderless,
}

/// Our user in etcd, and what it may do.
#[derive(Debug)]
pub(super) struct Service {
    /// Whether users have to log in; or why that is not known.
    pub(super) auth: Result<bool>,
    /// Whether we could log in, if we have a user.
    pub(super) login: Option<Result<()>>,
    /// Whether etcd takes our requests for those of a user, by login or certificate, if users have to log in.
    pub(super) recognised: bool,
    /// Whether we may read under the prefix.
    pub(super) read: Result<()>,
    /// Whether we may write under the prefix.
    pub(super) write: Result<()>,
    /// The TTL that etcd grants where ours is asked for.
    pub(super) lease: Result<Duration>,
}
