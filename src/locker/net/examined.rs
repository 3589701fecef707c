//! What is to be told of servers and their certificates, whatever the store.

use std::time::SystemTime;

use super::certificate::Certificate;
use super::protocol::Protocol;
use crate::error::{Error, ErrorKind, Setting, Subject};
use crate::locker::Config;
use crate::locker::examination::{Examination, Finding, Sentence};

/// What mends an endpoint that is not trusted; `None` where the error says which settings it is about.
pub(crate) fn of_trust(error: &Error, shown: Option<&Certificate>) -> Option<Sentence> {
    if error.is_about(&Subject::ServerName) {
        let names = shown.map(|shown| &*shown.names).unwrap_or_default();
        if names.is_empty() {
            return Some("it is for no name at all: make one with subjectAltName".into());
        }
        let remedy = Sentence::from("it is for ").and(listed(names));
        let remedy = remedy.text(": use that in ").setting(Setting::Endpoints);
        return Some(remedy.text(", or make one for both"));
    }
    error.is_about(&Subject::Signer).then(|| {
        let remedy = Sentence::from("name the certificate of the authority that signed it");
        let remedy = match shown {
            Some(shown) => remedy.text(", \"").foreign(&shown.issuer).text("\""),
            None => remedy,
        };
        remedy.text(", in ").setting(Setting::Cacert)
    })
}

/// A password that goes to this endpoint without TLS.
pub(crate) fn in_clear(endpoint: &str, protocol: &Protocol) -> Finding {
    let text = format!("{endpoint}: the password is sent without TLS");
    let remedy = format!("use {}://", protocol.secure_scheme);
    Finding::warning("endpoint", text, remedy)
}

/// Tells of the certificates that the servers show and of our own, and whether anyone is trusted. Whether
/// locks are `served` all the same decides how bad a certificate is that has expired.
pub(crate) fn tls(
    report: &mut Examination,
    config: &Config,
    own: Option<&Certificate>,
    served: bool,
) {
    let shown = report.endpoints.iter().filter_map(|one| {
        let shown = one.certificate.as_ref()?;
        Some(certificate(
            &format!("{} shows", one.endpoint),
            shown,
            served,
        ))
    });
    let own = own.map(|own| certificate("we show", own, served));
    let anyone = config.tls.trust_anyone.then(trusting_anyone);
    let found: Vec<_> = shown.chain(own).chain(anyone).collect();
    report.findings.extend(found);
}

/// TLS that trusts anyone.
fn trusting_anyone() -> Finding {
    let text = "it is not checked who the server is: anyone on the way can take its place";
    let remedy = Sentence::from("use ").setting(Setting::Cacert);
    let remedy = remedy
        .text(" in place of ")
        .setting(Setting::InsecureSkipTlsVerify);
    Finding::warning("tls", text, remedy)
}

/// A certificate, and whether it is still good: one that has expired may do harm to others only, if
/// locks are served.
fn certificate(who: &str, certificate: &Certificate, served: bool) -> Finding {
    let mut text = Sentence::from(format!("{who} the certificate \""))
        .foreign(&certificate.subject)
        .text("\"");
    if !certificate.names.is_empty() {
        text = text.text(" for ").and(listed(&certificate.names));
    }
    let until = humantime::format_rfc3339_seconds(certificate.until);
    let text = text
        .text(", signed by \"")
        .foreign(&certificate.issuer)
        .text(format!("\", until {until}"));
    let left = certificate.until.duration_since(SystemTime::now());
    let life = certificate.until.duration_since(certificate.from);
    match (left, life) {
        (Err(_), _) => {
            let remedy = "it has expired: renew it, or set the clock right";
            if served {
                Finding::warning("tls", text, remedy)
            } else {
                Finding::wrong("tls", ErrorKind::InvalidConfig, text).with_remedy(remedy)
            }
        }
        (Ok(left), Ok(life)) if left < life / 10 => {
            Finding::warning("tls", text, "renew it in time")
        }
        _ => Finding::fine("tls", text),
    }
}

/// With commas between.
fn listed(names: &[String]) -> Sentence {
    let mut list = Sentence::new();
    for (number, name) in names.iter().enumerate() {
        if number > 0 {
            list = list.text(", ");
        }
        list = list.foreign(name);
    }
    list
}
