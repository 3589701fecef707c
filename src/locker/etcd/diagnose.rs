//! Finds out why locks do not work in an etcd: which members answer, which user we are there, and what
//! that user may do. Leaves nothing in etcd.

use std::sync::Arc;
use std::time::Duration;

use etcd_client::{GetOptions, LeaseGrantOptions, PutOptions, StatusResponse, Txn, TxnOp};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::diagnosis::{Condition, Diagnosis, MemberDiagnosis, Role, Service, Status};
use super::dial::{Client, EtcdDialler, MemberClient, PROTOCOL};
use super::fault::{self, Fault};
use super::{CAPABILITIES, lease};
use crate::clock::Instant;
use crate::error::{Error, ErrorKind, Result, Subject};
use crate::locker::Config;
use crate::locker::net::dialler::{Connection, Dialler};
use crate::locker::net::endpoint::Endpoint;
use crate::locker::net::liveness::Liveness;

/// How many reads are timed with each member.
const ASKS: usize = 5;

/// Asks every endpoint of `config`, and one of them what we may do under `prefix`.
///
/// The configured timeouts bound each step. Cancel-safe, except that a lease may be left, which ends at
/// its TTL.
///
/// # Errors
/// [`ErrorKind::InvalidConfig`], with the setting or file at fault. Whether and how etcd answers is in the
/// [`Diagnosis`], and never an error.
pub(super) async fn diagnose(config: &Config, prefix: &str, ttl: Duration) -> Result<Diagnosis> {
    let endpoints = config.servers(&PROTOCOL)?;
    let nobody = Config {
        credentials: None,
        ..config.clone()
    };
    let patient = Arc::new(Patient {
        user: EtcdDialler::new(config, None)?,
        nobody: EtcdDialler::new(&nobody, None)?,
        dial_timeout: config.dial_timeout,
        command_timeout: config.command_timeout,
        prefix: prefix.to_owned(),
    });
    let mut asked = JoinSet::new();
    for (number, endpoint) in endpoints.into_iter().enumerate() {
        let patient = patient.clone();
        asked.spawn(async move { (number, patient.member(&endpoint).await, endpoint) });
    }
    // Every task gives its result: none is aborted, unless the runtime ends.
    let mut members = asked.join_all().await;
    members.sort_by_key(|(number, ..)| *number);
    let mut service = None;
    for (_, member, endpoint) in &members {
        let answers = |condition: &Condition| condition.reads.is_ok();
        if member.condition.as_ref().is_ok_and(answers) {
            service = Some(patient.service(endpoint, ttl).await.map_err(Error::from));
            break;
        }
    }
    Ok(Diagnosis {
        certificate: patient.nobody.reach().own_certificate(),
        members: members.into_iter().map(|(_, member, _)| member).collect(),
        service,
    })
}

/// With and without our login, and how long to wait for answers.
struct Patient {
    user: EtcdDialler,
    nobody: EtcdDialler,
    dial_timeout: Duration,
    command_timeout: Duration,
    prefix: String,
}

impl Patient {
    async fn member(&self, endpoint: &Endpoint) -> MemberDiagnosis {
        let shown = timeout(self.dial_timeout, self.nobody.reach().certificate(endpoint)).await;
        MemberDiagnosis {
            endpoint: endpoint.to_string(),
            in_clear: endpoint.is_in_clear(),
            certificate: shown.ok().flatten(),
            condition: self.condition(endpoint).await.map_err(Error::from),
        }
    }

    /// Asks without a login first, so that a password that is refused does not hide the rest. Newer etcds tell
    /// only root about themselves: then again with our login.
    async fn condition(&self, endpoint: &Endpoint) -> Result<Condition, Fault> {
        let condition = self.condition_for(&self.nobody, endpoint).await;
        if !matches!(condition, Ok(Condition { status: None, .. })) || !self.user.reach().has_user()
        {
            return condition;
        }
        match self.condition_for(&self.user, endpoint).await {
            // The findings about the user tell of a login that is refused.
            Err(fault) if is_denied(&fault) => condition,
            known => known,
        }
    }

    async fn condition_for(
        &self,
        dialler: &EtcdDialler,
        endpoint: &Endpoint,
    ) -> Result<Condition, Fault> {
        let connection = self.dial(dialler, endpoint).await?;
        let status = |client: Client| async move { client.maintenance_client().status().await };
        let status = match self.ask(&connection, dialler, status).await {
            Ok(status) => Some(Status {
                cluster: status.header().map_or(0, |header| header.cluster_id()),
                version: status.version().to_owned(),
                role: role(&status),
                complaints: status
                    .errors()
                    .iter()
                    .map(|words| fault::complaint(words))
                    .collect(),
            }),
            Err(fault) if is_denied(&fault) => None,
            Err(fault) => return Err(fault),
        };
        let mut reads = Vec::new();
        let reads = loop {
            if reads.len() == ASKS {
                break Ok(reads);
            }
            match self.read(&connection, dialler).await {
                // etcd checks rights after the majority has confirmed the read: a refusal takes as long.
                Ok(took) => reads.push(took),
                Err(fault) => break Err(fault.into()),
            }
        };
        Ok(Condition { status, reads })
    }

    async fn dial(
        &self,
        dialler: &EtcdDialler,
        endpoint: &Endpoint,
    ) -> Result<Connection<MemberClient>, Fault> {
        let dialled = timeout(
            self.dial_timeout,
            dialler.dial(endpoint, &Liveness::default()),
        )
        .await;
        dialled.unwrap_or_else(|_| Err(Fault::silent(self.dial_timeout)))
    }

    /// Makes one request, bounded by the shorter of both timeouts.
    async fn ask<T, F, Fut>(
        &self,
        connection: &Connection<MemberClient>,
        dialler: &EtcdDialler,
        op: F,
    ) -> Result<T, Fault>
    where
        F: FnOnce(Client) -> Fut,
        Fut: Future<Output = Result<T, etcd_client::Error>>,
    {
        let within = self.dial_timeout.min(self.command_timeout);
        let answer = timeout(within, connection.clone().run(dialler, op)).await;
        answer.unwrap_or_else(|_| Err(Fault::silent(within)))
    }

    /// Times a read, whether etcd allows it or not.
    async fn read(
        &self,
        connection: &Connection<MemberClient>,
        dialler: &EtcdDialler,
    ) -> Result<Duration, Fault> {
        let sent = Instant::now();
        match self.ask(connection, dialler, get(&self.prefix)).await {
            Err(fault) if !is_denied(&fault) => Err(fault),
            _ => Ok(Instant::now().since(sent)),
        }
    }

    async fn service(&self, endpoint: &Endpoint, ttl: Duration) -> Result<Service, Fault> {
        let nobody = self.dial(&self.nobody, endpoint).await?;
        // Also if we have no user: to a login with an empty name etcd says, before anything else,
        // whether authentication is switched off.
        let credentials = self.user.reach().credentials().await;
        let credentials = credentials.map_err(Fault::passing)?;
        let has_user = credentials.is_some();
        let (name, password) = credentials.unwrap_or_default();
        let authenticate =
            |client: Client| async move { client.auth_client().authenticate(name, password).await };
        let answer = self.ask(&nobody, &self.nobody, authenticate).await;
        let (auth, login) = match answer {
            Ok(_) => (Ok(true), Ok(())),
            Err(fault) if fault.is_about(&Subject::Users) => (Ok(false), Ok(())),
            Err(fault) if fault.is_about(&Subject::Login) => (Ok(true), Err(fault)),
            Err(fault) => (Err(fault.clone().into()), Err(fault)),
        };
        let login = has_user.then(|| login.map_err(Error::from));
        let connection = match &login {
            Some(Err(_)) => nobody,
            _ => self.dial(&self.user, endpoint).await?,
        };
        let read = self.ask(&connection, &self.user, get(&self.prefix)).await;
        let write = self.ask(&connection, &self.user, put(&self.prefix)).await;
        Ok(Service {
            auth,
            login,
            recognised: !matches!(read, Err(Fault::StaleLogin(_))),
            read: read.map_err(Error::from),
            write: write.map_err(Error::from),
            lease: match CAPABILITIES.check_ttl(ttl) {
                Ok(()) => self.lease(&connection, ttl).await.map_err(Error::from),
                Err(error) => Err(error),
            },
        })
    }

    /// Takes a lease, and revokes it. Gives the granted TTL.
    async fn lease(
        &self,
        connection: &Connection<MemberClient>,
        ttl: Duration,
    ) -> Result<Duration, Fault> {
        let id = lease::fresh_id().map_err(Fault::Refused)?;
        let seconds = ttl.as_secs() as i64;
        let grant = |client: Client| async move {
            let options = LeaseGrantOptions::new().with_id(id);
            client.lease_client().grant(seconds, Some(options)).await
        };
        let granted = self.ask(connection, &self.user, grant).await;
        // Also after an error: the lease may have been granted, and the answer lost.
        let revoke = |client: Client| async move { client.lease_client().revoke(id).await };
        let revoked = self.ask(connection, &self.user, revoke).await;
        let granted = granted?.ttl().max(0) as u64;
        revoked?;
        Ok(Duration::from_secs(granted))
    }
}

/// Whether the fault is only that the user may not do this.
fn is_denied(fault: &Fault) -> bool {
    match fault {
        Fault::Refused(error) => error.kind() == ErrorKind::Denied,
        Fault::StaleLogin(_) => true,
        _ => false,
    }
}

fn role(status: &StatusResponse) -> Role {
    let own = status.header().map_or(0, |header| header.member_id());
    match status.leader() {
        _ if status.is_learner() => Role::Learner,
        0 => Role::Leaderless,
        leader if leader == own => Role::Leader,
        _ => Role::Follower,
    }
}

/// Reads all keys under the prefix, as a lock does, but only their number.
fn get(prefix: &str) -> impl FnOnce(Client) -> Asking + use<> {
    let key = prefix.to_owned();
    move |client| {
        Box::pin(async move {
            let all = GetOptions::new().with_prefix().with_count_only();
            client.kv_client().get(key, Some(all)).await.map(drop)
        })
    }
}

/// Writes under the prefix in the branch of a transaction that is never taken: etcd checks the rights for
/// both branches (CheckTxnAuth, server/auth), and writes nothing.
fn put(prefix: &str) -> impl FnOnce(Client) -> Asking + use<> {
    let key = format!("{prefix}0");
    move |client| {
        Box::pin(async move {
            let put = TxnOp::put(key, "", Some(PutOptions::new()));
            // A transaction without a condition succeeds: the branch `or_else` is not taken.
            let txn = Txn::new().or_else([put]);
            client.kv_client().txn(txn).await.map(drop)
        })
    }
}

type Asking = crate::locker::BoxFuture<'static, Result<(), etcd_client::Error>>;
