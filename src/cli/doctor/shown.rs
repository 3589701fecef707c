//! The facts behind the findings, as JSON. The fields are an interface.

use std::time::{Duration, SystemTime};

use serde::Serialize;

use crate::locker::Certificate;
use crate::locker::examination::{ExaminedDirectory, ExaminedEndpoint, Rights};

#[derive(Serialize)]
pub(super) struct ShownEndpoint {
    pub(super) endpoint: String,
    pub(super) reached: bool,
    version: Option<String>,
    role: Option<&'static str>,
    read_seconds: Vec<f64>,
    certificate: Option<ShownCertificate>,
}

impl From<ExaminedEndpoint> for ShownEndpoint {
    fn from(found: ExaminedEndpoint) -> Self {
        let answers = found.answers.iter();
        Self {
            endpoint: found.endpoint,
            reached: found.is_reached,
            version: found.version,
            role: found.role,
            read_seconds: answers.map(Duration::as_secs_f64).collect(),
            certificate: found.certificate.map(ShownCertificate::from),
        }
    }
}

#[derive(Serialize)]
struct ShownCertificate {
    subject: String,
    names: Vec<String>,
    issuer: String,
    from: String,
    until: String,
}

impl From<Certificate> for ShownCertificate {
    fn from(certificate: Certificate) -> Self {
        Self {
            subject: certificate.subject,
            names: certificate.names,
            issuer: certificate.issuer,
            from: time(certificate.from),
            until: time(certificate.until),
        }
    }
}

/// RFC 3339, in whole seconds: certificates have no finer times.
fn time(time: SystemTime) -> String {
    humantime::format_rfc3339_seconds(time).to_string()
}

#[derive(Serialize)]
pub(super) struct ShownRights {
    prefix: String,
    read: Option<bool>,
    write: Option<bool>,
    lease: Option<bool>,
}

impl From<Rights> for ShownRights {
    fn from(found: Rights) -> Self {
        Self {
            prefix: found.prefix,
            read: found.read,
            write: found.write,
            lease: found.lease,
        }
    }
}

/// Seconds.
#[derive(Serialize)]
pub(super) struct Times {
    pub(super) ttl: f64,
    pub(super) renewed_every: f64,
    pub(super) told: f64,
    pub(super) killed: f64,
    pub(super) unnoticed: f64,
}

#[derive(Serialize)]
pub(super) struct ShownDirectory {
    pub(super) path: String,
    owner: Option<u32>,
    mode: Option<String>,
    filesystem: Option<&'static str>,
    local: Option<bool>,
}

impl From<ExaminedDirectory> for ShownDirectory {
    fn from(found: ExaminedDirectory) -> Self {
        Self {
            path: found.path,
            owner: found.owner,
            mode: found.mode.map(|mode| format!("{mode:04o}")),
            filesystem: found.filesystem,
            local: found.is_local,
        }
    }
}
