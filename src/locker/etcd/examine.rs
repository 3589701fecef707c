//! The findings about an etcd: judges what `diagnose` has found out.

mod releases;
mod remedies;
mod rights;

use std::time::Duration;

use super::diagnose::diagnose;
use super::diagnosis::{Condition, Diagnosis, MemberDiagnosis, Role, Status};
use super::dial::PROTOCOL;
use crate::error::{ErrorKind, Result, Setting};
use crate::locker::examination::{Examination, ExaminedEndpoint, Finding, Sentence};
use crate::locker::net::examined;
use crate::locker::{BoxFuture, Config};
use remedies::{MAJORITY, of_complaint, of_error};

/// A renewal is a ping and then a read.
const ROUND_TRIPS: u32 = 2;

/// Asks every member, and one of them what we may do with the lock of `key`, or below it if it ends
/// in `/`.
pub(super) fn examine<'a>(
    config: &'a Config,
    key: &'a str,
    ttl: Duration,
) -> BoxFuture<'a, Result<Examination>> {
    Box::pin(async move {
        let prefix = match key.ends_with('/') {
            true => key.to_owned(),
            false => format!("{key}/"),
        };
        let diagnosis = diagnose(config, &prefix, ttl).await?;
        Ok(Judge::new(config, &prefix, ttl).judge(&diagnosis))
    })
}

/// Makes findings of a diagnosis.
struct Judge<'a> {
    report: Examination,
    config: &'a Config,
    /// The prefix of the keys that stand for holders and waiters.
    prefix: &'a str,
    ttl: Duration,
    /// Whether at least one member serves locks: trouble with another is then only a warning.
    served: bool,
}

impl<'a> Judge<'a> {
    fn new(config: &'a Config, prefix: &'a str, ttl: Duration) -> Self {
        Self {
            report: Examination {
                round_trips: ROUND_TRIPS,
                ..Examination::default()
            },
            config,
            prefix,
            ttl,
            served: false,
        }
    }

    fn judge(mut self, diagnosis: &Diagnosis) -> Examination {
        self.served = diagnosis.members.iter().any(serves);
        for member in &diagnosis.members {
            self.member(member);
        }
        self.clusters(&diagnosis.members);
        let own = diagnosis.certificate.as_ref();
        examined::tls(&mut self.report, self.config, own, self.served);
        match &diagnosis.service {
            Some(Ok(service)) => {
                self.auth(service, own);
                self.rights(service);
                self.report.granted = service.lease.as_ref().ok().copied();
            }
            Some(Err(error)) => {
                let finding = Finding::failed("rights", "it is not known what we may do", error);
                self.report.tell(finding.with_remedy("ask again"));
            }
            // The finding of each endpoint says why.
            None => {}
        }
        self.report
    }

    /// Reports trouble with one member, without which the others may do.
    fn trouble(&mut self, finding: Finding) {
        self.report.tell(match self.served {
            true => finding.where_others_serve(),
            false => finding,
        });
    }

    fn member(&mut self, member: &MemberDiagnosis) {
        let name = &member.endpoint;
        let condition = member.condition.as_ref().ok();
        let status = condition.and_then(|condition| condition.status.as_ref());
        let reads = condition.and_then(|condition| condition.reads.as_ref().ok());
        self.report.endpoints.push(ExaminedEndpoint {
            endpoint: name.clone(),
            is_reached: condition.is_some(),
            version: status.map(|status| status.version.clone()),
            role: status.map(|status| role(status.role).0),
            answers: reads.cloned().unwrap_or_default(),
            certificate: member.certificate.clone(),
        });
        match &member.condition {
            Ok(condition) => self.condition(name, condition),
            Err(error) => {
                let mut finding = Finding::failed("endpoint", &**name, error);
                finding.remedy = of_error(error, member.certificate.as_ref());
                self.trouble(finding);
            }
        }
        if member.in_clear && self.config.credentials.is_some() {
            self.report.tell(examined::in_clear(name, &PROTOCOL));
        }
    }

    fn condition(&mut self, name: &str, condition: &Condition) {
        let status = condition.status.as_ref();
        let text = match status {
            Some(Status { version, role, .. }) => {
                format!("{name}: etcd {version}, {}", self::role(*role).1)
            }
            None => format!("{name}: etcd, which tells this user no more"),
        };
        let wrong = |text: &str| Finding::wrong("endpoint", ErrorKind::Unavailable, text);
        match (&condition.reads, status.map(|status| status.role)) {
            (_, Some(Role::Learner)) => {
                let remedy = Sentence::from("take it out of ").setting(Setting::Endpoints);
                self.trouble(wrong(&text).with_remedy(remedy.text(", or promote it")));
            }
            (Ok(reads), Some(Role::Leader | Role::Follower) | None) => {
                let text = format!("{text}; {}", spread(reads));
                self.report.tell(Finding::fine("endpoint", text));
            }
            (Ok(_), _) => self.trouble(wrong(&text).with_remedy(MAJORITY)),
            (Err(error), _) => {
                let finding = Finding::failed("endpoint", format!("{text}; a read fails"), error);
                self.trouble(finding.with_remedy(MAJORITY));
            }
        }
        if let Some(warning) = status.and_then(|status| releases::of_release(name, status)) {
            self.report.tell(warning);
        }
        for complaint in status.iter().flat_map(|status| &status.complaints) {
            let (text, remedy) = of_complaint(complaint);
            let text = Sentence::from(format!("{name}: ")).and(text);
            // A warning does not mean that locks fail: that is examined by itself.
            let finding = Finding::wrong("endpoint", ErrorKind::Unavailable, text);
            self.trouble(finding.with_remedy(remedy));
        }
    }

    /// Reports endpoints of different clusters: their locks do not exclude each other.
    fn clusters(&mut self, members: &[MemberDiagnosis]) {
        let of = |member: &MemberDiagnosis| {
            let status = member.condition.as_ref().ok()?.status.as_ref()?;
            Some(status.cluster)
        };
        let mut found = members.iter().filter(|member| of(member).is_some());
        let Some(first) = found.next() else {
            return;
        };
        for other in found.filter(|&other| of(other) != of(first)) {
            let (one, two) = (&first.endpoint, &other.endpoint);
            let text = format!("{one} and {two} are of two clusters: a lock can be held in each");
            let remedy = Sentence::from("keep those of one in ").setting(Setting::Endpoints);
            let finding = Finding::wrong("endpoint", ErrorKind::InvalidConfig, text);
            self.report.tell(finding.with_remedy(remedy));
        }
    }
}

/// Whether the member serves locks, as far as it tells.
fn serves(member: &MemberDiagnosis) -> bool {
    let of = |condition: &Condition| {
        let role = condition.status.as_ref().map(|status| status.role);
        condition.reads.is_ok() && !matches!(role, Some(Role::Learner | Role::Leaderless))
    };
    member.condition.as_ref().is_ok_and(of)
}

/// The role for JSON, and in words for people.
fn role(role: Role) -> (&'static str, &'static str) {
    match role {
        Role::Leader => ("leader", "the leader"),
        Role::Follower => ("follower", "a follower"),
        Role::Learner => ("learner", "a learner, which serves no locks"),
        Role::Leaderless => ("none", "which knows of no leader"),
    }
}

/// How long reads take: the median, the fastest and the slowest.
fn spread(reads: &[Duration]) -> String {
    let mut reads = reads.to_vec();
    reads.sort_unstable();
    match (reads.get(reads.len() / 2), reads.first(), reads.last()) {
        (Some(middle), Some(first), Some(last)) => format!(
            "a read takes {} ({} to {})",
            precise(*middle),
            precise(*first),
            precise(*last)
        ),
        _ => "no read was tried".to_owned(),
    }
}

/// In milliseconds, with two decimals.
fn precise(time: Duration) -> String {
    format!("{:.2}ms", time.as_secs_f64() * 1000.0)
}

#[cfg(test)]
mod tests {
    use super::super::diagnosis::Service;
    use super::*;
    use crate::error::Error;
    use crate::locker::examination::Severity;

    fn member(condition: Result<Condition>) -> MemberDiagnosis {
        MemberDiagnosis {
            endpoint: "http://etcd:2379".to_owned(),
            in_clear: false,
            certificate: None,
            condition,
        }
    }

    fn judged(members: Vec<MemberDiagnosis>) -> Vec<Finding> {
        let ttl = Duration::from_secs(10);
        let config = Config::default();
        let diagnosis = Diagnosis {
            members,
            certificate: None,
            service: Some(Ok(Service {
                auth: Ok(false),
                login: None,
                recognised: true,
                read: Ok(()),
                write: Ok(()),
                lease: Ok(ttl),
            })),
        };
        let judge = Judge::new(&config, "/locks/", ttl);
        judge.judge(&diagnosis).findings
    }

    fn wrong(members: Vec<MemberDiagnosis>) -> bool {
        let findings = judged(members);
        let mut severities = findings.iter().map(|finding| finding.severity);
        severities.any(|severity| matches!(severity, Severity::Wrong(_)))
    }

    /// As etcd from 3.5 on tells only root.
    #[test]
    fn a_member_that_says_nothing_of_itself_serves_locks() {
        let reads = Ok(vec![Duration::from_millis(1)]);
        let tacit = member(Ok(Condition {
            status: None,
            reads,
        }));
        let away = || {
            member(Err(Error::new(
                ErrorKind::Unavailable,
                "connection refused",
            )))
        };
        assert!(!wrong(vec![tacit, away()]));
        assert!(wrong(vec![away()]));
    }

    #[test]
    fn a_release_that_can_lose_what_was_written_is_named() {
        let warned = |version: &str| {
            let status = Some(Status {
                cluster: 1,
                version: version.to_owned(),
                role: Role::Leader,
                complaints: Vec::new(),
            });
            let reads = Ok(vec![Duration::from_millis(1)]);
            let findings = judged(vec![member(Ok(Condition { status, reads }))]);
            let of = |finding: &Finding| finding.severity == Severity::Warning;
            findings.iter().any(of)
        };
        assert!(warned("3.5.0") && warned("3.5.1") && warned("3.5.2"));
        assert!(!warned("3.4.23") && !warned("3.5.3") && !warned("3.5.21") && !warned("3.6.0"));
    }
}
