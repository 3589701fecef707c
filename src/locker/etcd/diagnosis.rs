//! What is found out about an etcd that locks do not work in.

use std::time::Duration;

use crate::error::Result;
use crate::locker::net::certificate::Certificate;

/// What was found out.
#[derive(Debug)]
#[non_exhaustive]
pub struct Diagnosis {
    /// Each endpoint, in the order of the configuration.
    pub members: Vec<MemberDiagnosis>,
    /// Our own certificate.
    pub certificate: Option<Certificate>,
    /// What came of asking the first member that answers, or why it then did not; `None` if there
    /// is none.
    pub service: Option<Result<Service>>,
}

/// What was found out about one endpoint.
#[derive(Debug)]
#[non_exhaustive]
pub struct MemberDiagnosis {
    /// As it was configured.
    pub endpoint: String,
    /// Whether a password would go there without TLS, over a network.
    pub in_clear: bool,
    /// The certificate that it shows, trusted or not.
    pub certificate: Option<Certificate>,
    /// How it answers, or why it does not.
    pub condition: Result<Condition>,
}

/// How a member answers.
#[derive(Debug)]
#[non_exhaustive]
pub struct Condition {
    /// What it says of itself; `None` if it says so only to root, as etcd does from 3.5 on where
    /// users have to log in.
    pub status: Option<Status>,
    /// How long reads took that a majority had to confirm; or why there were none.
    pub reads: Result<Vec<Duration>>,
}

/// What a member says of itself.
#[derive(Debug)]
#[non_exhaustive]
pub struct Status {
    /// The number of its cluster: members of one have the same.
    pub cluster: u64,
    /// Its release.
    pub version: String,
    /// Its part in the cluster.
    pub role: Role,
    /// What it complains of, such as an alarm.
    pub complaints: Vec<Complaint>,
}

/// What a member complains of.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Complaint {
    /// The alarm `NOSPACE`: its database is full.
    NoSpace,
    /// The alarm `CORRUPT`: its data differs from its peers'.
    Corrupt,
    /// Something else, in its own words, which are to be escaped.
    Other(String),
}

/// A member's part in its cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Role {
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
#[non_exhaustive]
pub struct Service {
    /// The endpoint that was asked.
    pub endpoint: String,
    /// Whether users have to log in; or why that is not known.
    pub auth: Result<bool>,
    /// Whether we could log in, if we have a user.
    pub login: Option<Result<()>>,
    /// Whether our requests count as those of a user, by login or certificate, if there are any.
    pub recognised: bool,
    /// Whether we may read under the prefix.
    pub read: Result<()>,
    /// Whether we may write under the prefix.
    pub write: Result<()>,
    /// The TTL that is granted for the one asked for.
    pub lease: Result<Duration>,
}
