//! What is to be told of a ZooKeeper: each server is asked by itself, in sessions that end at once.

mod rights;
mod sessions;
mod words;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use super::calls::{ZkCall, ZkFailure};
use super::ensemble::{Ensemble, PROTOCOL};
use super::lease::{timeout_for, ttl_of};
use super::session::ZkSession;
use crate::clock::Instant;
use crate::error::{Error, ErrorKind, Result};
use crate::locker::examination::{Examination, ExaminedEndpoint, Finding, Sentence};
use crate::locker::fault::Fault;
use crate::locker::net::examined;
use crate::locker::{BoxFuture, Config, Options};
use sessions::SessionLimits;
use words::About;

/// A renewal is one write.
const ROUND_TRIPS: u32 = 1;

/// So often each server is asked something.
const QUESTIONS: usize = 5;

/// Asks every server.
pub(super) fn examine<'a>(
    config: &'a Config,
    key: &'a str,
    ttl: Duration,
) -> BoxFuture<'a, Result<Examination>> {
    Box::pin(async move {
        let each = Ensemble::each(config, &Options::default())?;
        let mut report = Examination {
            round_trips: ROUND_TRIPS,
            ..Examination::default()
        };
        let mut asked = Vec::new();
        for alone in each {
            let alone = Arc::new(alone);
            asked.push((alone.clone(), ask(&alone, ttl).await));
        }
        let own = asked.first();
        let own = own.and_then(|(alone, _)| alone.reach.own_certificate());
        let limits = asked.iter().filter_map(|(_, asked)| asked.as_ref().ok());
        let limits: Vec<_> = limits.map(|answers| answers.limits).collect();
        let serving = asked.iter().find(|(_, asked)| asked.is_ok());
        let place = match serving {
            Some((alone, _)) => Some(rights::ask(alone, key).await),
            None => None,
        };
        let served = serving.is_some();
        for (alone, asked) in asked {
            tell(&mut report, config, &alone, (asked, served)).await;
        }
        sessions::compare(&mut report, &limits);
        if let Some(place) = place {
            rights::tell(&mut report, key, place);
        }
        examined::tls(&mut report, config, own.as_ref(), served);
        Ok(report)
    })
}

/// What one server answered.
struct Answers {
    /// Whether the chroot is there.
    has_chroot: bool,
    took: Vec<Duration>,
    /// The timeout of a session for the TTL.
    granted: Duration,
    limits: SessionLimits,
    about: About,
}

async fn ask(alone: &Arc<Ensemble>, ttl: Duration) -> Result<Answers, Fault> {
    let session = ZkSession::new(alone, timeout_for(ttl), None);
    let chroot = alone.path("");
    let mut took = Vec::new();
    let mut has_chroot = true;
    for _ in 0..QUESTIONS {
        let sent = Instant::now();
        match session.call(ZkCall::get_data(&chroot)).await {
            Ok(_) => {}
            Err(ZkFailure::NoNode) => has_chroot = false,
            Err(failure) => return Err(failure.into()),
        }
        took.push(Instant::now().since(sent));
    }
    let granted = session.opened().await?;
    session.close().await?;
    // The first was the session's, too.
    took.remove(0);
    Ok(Answers {
        has_chroot,
        took,
        granted,
        limits: sessions::ask(alone).await?,
        about: words::ask(alone).await,
    })
}

/// What it is, and whether that will do.
fn of_server(name: &str, about: &About) -> Finding {
    let version = about.version.clone().unwrap_or_default();
    let role = about.role.unwrap_or("which does not say what it is");
    let text = Sentence::from(format!("{name}: ZooKeeper ")).foreign(version);
    let text = text.text(format!(", {role}"));
    if about.is_too_old() {
        let wrong = Finding::wrong("endpoint", ErrorKind::Unavailable, text);
        return wrong.with_remedy("it has to be 3.6 or newer");
    }
    Finding::fine("endpoint", text)
}

async fn tell(
    report: &mut Examination,
    config: &Config,
    alone: &Ensemble,
    (asked, served): (Result<Answers, Fault>, bool),
) {
    let name = alone.first().to_string();
    let certificate = alone.reach.certificate(alone.first());
    let certificate = timeout(alone.dial_timeout, certificate).await;
    let mut endpoint = ExaminedEndpoint {
        endpoint: name.clone(),
        certificate: certificate.ok().flatten(),
        ..ExaminedEndpoint::default()
    };
    match asked {
        Ok(answers) => {
            endpoint.is_reached = true;
            endpoint.version.clone_from(&answers.about.version);
            endpoint.role = answers.about.role;
            endpoint.answers = answers.took;
            report.granted = Some(ttl_of(answers.granted));
            report.tell(of_server(&name, &answers.about));
            let (limits, granted) = (answers.limits, answers.granted);
            sessions::tell(report, &name, limits, granted, &answers.about);
            if !answers.has_chroot {
                let text = format!("{}: it is not there yet", alone.chroot);
                let remedy =
                    Sentence::from("the first lock makes it; others meet below the same one only");
                report.tell(Finding::warning("chroot", text, remedy));
            }
        }
        Err(fault) => {
            let error = Error::from(fault);
            let mut finding = Finding::failed("endpoint", &*name, &error);
            finding.remedy = examined::of_trust(&error, endpoint.certificate.as_ref());
            report.tell(match served {
                true => finding.where_others_serve(),
                false => finding,
            });
        }
    }
    report.endpoints.push(endpoint);
    if alone.first().is_in_clear() && config.credentials.is_some() {
        report.tell(examined::in_clear(&name, &PROTOCOL));
    }
}
