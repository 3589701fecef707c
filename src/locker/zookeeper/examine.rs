//! What is to be told of a ZooKeeper: each server is asked by itself, in a session that ends at once.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use super::calls::{ZkCall, ZkFailure};
use super::ensemble::{Ensemble, PROTOCOL};
use super::lease::{timeout_for, ttl_of};
use super::session::ZkSession;
use crate::clock::Instant;
use crate::error::{Error, Result};
use crate::locker::examination::{Examination, ExaminedEndpoint, Finding, Sentence};
use crate::locker::fault::Fault;
use crate::locker::net::examined;
use crate::locker::{BoxFuture, Config, Options};

/// A renewal is one write.
const ROUND_TRIPS: u32 = 1;

/// So often each server is asked something.
const QUESTIONS: usize = 5;

/// What a server says of itself fits into this.
const LONGEST: u64 = 16 << 10;

/// Asks every server.
pub(super) fn examine<'a>(
    config: &'a Config,
    _key: &'a str,
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
        let served = asked.iter().any(|(_, asked)| asked.is_ok());
        for (alone, asked) in asked {
            tell(&mut report, config, &alone, (asked, served)).await;
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
    granted: Duration,
    about: About,
}

/// What a server says of itself, to anybody who asks for it.
#[derive(Default)]
struct About {
    version: Option<String>,
    role: Option<&'static str>,
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
    let granted = ttl_of(session.opened().await?);
    session.close().await?;
    // The first was the session's, too.
    took.remove(0);
    Ok(Answers {
        has_chroot,
        took,
        granted,
        about: about(alone).await,
    })
}

/// What it says to the word `srvr`, which servers answer unless they are told not to.
async fn about(alone: &Ensemble) -> About {
    let asking = async {
        let dialled = alone.dial().await.ok()?;
        let mut stream = dialled.stream;
        stream.write_all(b"srvr").await.ok()?;
        stream.flush().await.ok()?;
        let mut text = Vec::new();
        stream.take(LONGEST).read_to_end(&mut text).await.ok()?;
        Some(String::from_utf8_lossy(&text).into_owned())
    };
    let text = timeout(alone.dial_timeout, asking).await;
    About::read(&text.ok().flatten().unwrap_or_default())
}

impl About {
    fn read(text: &str) -> Self {
        let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name));
        let version = field("Zookeeper version: ").map(|version| {
            let end = version.find(['-', ',']).unwrap_or(version.len());
            version[..end].to_owned()
        });
        let roles = ["standalone", "leader", "follower", "observer"];
        let said = field("Mode: ").map(str::trim);
        let role = roles.into_iter().find(|&role| said == Some(role));
        Self { version, role }
    }
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
            report.granted = Some(answers.granted);
            let version = answers.about.version.unwrap_or_default();
            let role = answers
                .about
                .role
                .unwrap_or("which does not say what it is");
            let text = Sentence::from(format!("{name}: ZooKeeper ")).foreign(version);
            report.tell(Finding::fine("endpoint", text.text(format!(", {role}"))));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_says_what_it_is() {
        let text = "Zookeeper version: 3.8.0-5a02a05eddb5, built on 2022-02-25\nMode: follower\n";
        let about = About::read(text);
        assert_eq!(about.version.as_deref(), Some("3.8.0"));
        assert_eq!(about.role, Some("follower"));
        let nothing = About::read("srvr is not executed because it is not in the whitelist.\n");
        assert!(nothing.version.is_none() && nothing.role.is_none());
    }
}
