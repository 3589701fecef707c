//! What is found out about an etcd that locks do not work in.

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
    /// What came of asking the first member that answers, or why it then did not; `None` if there
    /// is none.
    pub(super) service: Option<Result<Service>>,
}

/// What was found out about one endpoint.
#[derive(Debug)]
pub(super) struct MemberDiagnosis {
    /// As it was configured.
    pub(super) endpoint: String,
    /// Whether a password would go there without TLS, over a network.
    pub(super) in_clear: bool,
    /// The certificate that it shows, trusted or not.
    pub(super) certificate: Option<Certificate>,
    /// How it answers, or why it does not.
    pub(super) condition: Result<Condition>,
}

/// How a member answers.
#[derive(Debug)]
pub(super) struct Condition {
    /// What it says of itself; `None` if it says so only to root, as etcd does from 3.5 on where
    /// users have to log in.
    pub(super) status: Option<Status>,
    /// How long reads took that a majority had to confirm; or why there were none.
    pub(super) reads: Result<Vec<Duration>>,
}

/// What a member says of itself.
#[derive(Debug)]
pub(super) struct Status {
    /// The number of its cluster: members of one have the same.
    pub(super) cluster: u64,
    /// Its release.
    pub(super) version: String,
    /// Its part in the cluster.
    pub(super) role: Role,
    /// What it complains of, such as an alarm.
    pub(super) complaints: Vec<Complaint>,
}

/// What a member complains of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Complaint {
    /// The alarm `NOSPACE`: its database is full.
    NoSpace,
    /// The alarm `CORRUPT`: its data differs from its peers'.
    Corrupt,
    /// Something else, in its own words, which are to be escaped.
    Other(String),
}

/// A member's part in its cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// It leads.
    Leader,
    /// It follows a leader.
    Follower,
    /// It only learns, and serves no locks.
    Learner,
    /// It knows of no leader.
    Leaderless,
}

/// What etcd says of our user, and lets us do.
#[derive(Debug)]
pub(super) struct Service {
    /// Whether users have to log in; or why that is not known.
    pub(super) auth: Result<bool>,
    /// Whether we could log in, if we have a user.
    pub(super) login: Option<Result<()>>,
    /// Whether our requests count as those of a user, by login or certificate, if there are any.
    pub(super) recognised: bool,
    /// Whether we may read under the prefix.
    pub(super) read: Result<()>,
    /// Whether we may write under the prefix.
    pub(super) write: Result<()>,
    /// The TTL that is granted for the one asked for.
    pub(super) lease: Result<Duration>,
}
