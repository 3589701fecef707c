//! What the doctor found, for people and for programs.

use std::time::SystemTime;

use serde::Serialize;

use crate::cli::operate;
use crate::cli::settings::{Origin, Settings};
use crate::describe;
use crate::exit::{self, Exit};
use crate::locker::etcd::certificate::Certificate;
use crate::{Error, ErrorKind};

/// All that was found. Its fields are an interface.
#[derive(Default, Serialize)]
pub(super) struct Report {
    ok: bool,
    status: u8,
    pub(super) store: Option<&'static str>,
    settings: Vec<Setting>,
    findings: Vec<Finding>,
    pub(super) endpoints: Vec<Endpoint>,
    pub(super) auth: Option<bool>,
    pub(super) user: Option<String>,
    pub(super) rights: Option<Rights>,
    pub(super) times: Option<Times>,
    pub(super) directory: Option<Directory>,
}

#[derive(Serialize)]
struct Setting {
    key: &'static str,
    value: Option<String>,
    origin: String,
    kind: &'static str,
}

#[derive(Serialize)]
struct Finding {
    state: &'static str,
    topic: &'static str,
    text: String,
    mend: Option<String>,
    status: Option<u8>,
}

#[derive(Serialize)]
pub(super) struct Endpoint {
    pub(super) endpoint: String,
    pub(super) reached: bool,
    pub(super) version: Option<String>,
    pub(super) role: Option<&'static str>,
    pub(super) read_seconds: Vec<f64>,
    pub(super) certificate: Option<Shown>,
}

#[derive(Serialize)]
pub(super) struct Shown {
    subject: String,
    names: Vec<String>,
    issuer: String,
    from: String,
    until: String,
}

impl From<&Certificate> for Shown {
    fn from(certificate: &Certificate) -> Self {
        Self {
            subject: certificate.subject.clone(),
            names: certificate.names.clone(),
            issuer: certificate.issuer.clone(),
            from: time(certificate.from),
            until: time(certificate.until),
        }
    }
}

#[derive(Default, Serialize)]
pub(super) struct Rights {
    pub(super) prefix: String,
    pub(super) read: Option<bool>,
    pub(super) write: Option<bool>,
    pub(super) lease: Option<bool>,
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
pub(super) struct Directory {
    pub(super) path: String,
    pub(super) owner: Option<u32>,
    pub(super) mode: Option<String>,
    pub(super) filesystem: Option<&'static str>,
    pub(super) local: Option<bool>,
}

impl Report {
    /// Every setting, and the files that were looked at. `default` gives what an option is that
    /// nobody has set.
    pub(super) fn settings(
        &mut self,
        settings: &Settings,
        default: impl Fn(&str) -> Option<String>,
    ) {
        for setting in settings.all(&crate::cli::command()) {
            if let Some(fault) = setting.fault {
                let text = format!("{}: {fault}", setting.key);
                let mend = format!("correct {}", setting.origin);
                self.wrong("config", ErrorKind::InvalidConfig, text, Some(mend));
            }
            self.settings.push(Setting {
                key: setting.key,
                value: match setting.origin {
                    Origin::Default => setting.value.or_else(|| default(setting.key)),
                    _ => setting.value,
                },
                origin: setting.origin.to_string(),
                kind: match setting.origin {
                    Origin::Flag => "option",
                    Origin::Variable(_) => "variable",
                    Origin::File(..) => "file",
                    Origin::Default => "default",
                },
            });
        }
        for (path, present) in settings.files() {
            let state = if *present { "read" } else { "not there" };
            self.ok("config", format!("{}: {state}", path.display()));
        }
    }

    pub(super) fn ok(&mut self, topic: &'static str, text: impl Into<String>) {
        self.add("ok", topic, text.into(), None, None);
    }

    pub(super) fn warn(&mut self, topic: &'static str, text: impl Into<String>, mend: &str) {
        self.add("warn", topic, text.into(), Some(mend.to_owned()), None);
    }

    /// `mend` is what helps, where the text does not say it already.
    pub(super) fn wrong(
        &mut self,
        topic: &'static str,
        kind: impl Into<Kind>,
        text: impl Into<String>,
        mend: Option<String>,
    ) {
        let status = kind.into().0;
        self.add("wrong", topic, text.into(), mend, Some(status));
    }

    /// The configuration cannot work.
    pub(super) fn misfit(&mut self, settings: &Settings, error: &Error) {
        self.wrong("config", error, settings.located(error), None);
    }

    fn add(
        &mut self,
        state: &'static str,
        topic: &'static str,
        text: String,
        mend: Option<String>,
        status: Option<u8>,
    ) {
        self.findings.push(Finding {
            state,
            topic,
            text,
            mend,
            status,
        });
    }

    /// Of the first that is wrong.
    pub(super) fn status(&self) -> Option<u8> {
        self.findings.iter().find_map(|finding| finding.status)
    }

    /// Prints it all.
    pub(super) fn print(&mut self, json: bool) -> anyhow::Result<()> {
        self.ok = self.status().is_none();
        self.status = self.status().unwrap_or(exit::SUCCESS);
        if json {
            operate::print_json(self)
        } else {
            operate::print(&self.lines())
        }
    }

    fn lines(&self) -> String {
        let mut lines = String::new();
        let mut line = |text: String| {
            lines.push_str(&describe::printable(&text));
            lines.push('\n');
        };
        let widest = self.settings.iter().map(|setting| setting.key.len()).max();
        let widest = widest.unwrap_or_default();
        for setting in &self.settings {
            let value = match (&setting.value, setting.kind) {
                (Some(value), _) => value,
                (None, "default") => "-",
                (None, _) => "(not shown)",
            };
            line(format!(
                "set    {:<widest$}  {value}  ({})",
                setting.key, setting.origin
            ));
        }
        for finding in &self.findings {
            let mend = finding.mend.iter().map(|mend| format!("; {mend}"));
            line(format!(
                "{:<6} {:<9}  {}{}",
                finding.state,
                finding.topic,
                finding.text,
                mend.collect::<String>()
            ));
        }
        lines
    }
}

/// The status that a kind of error stands for.
pub(super) struct Kind(u8);

impl From<ErrorKind> for Kind {
    fn from(kind: ErrorKind) -> Self {
        match Exit::of_error(kind) {
            Exit::Status(status) => Self(status),
            _ => Self(exit::INTERNAL),
        }
    }
}

impl From<&Error> for Kind {
    fn from(error: &Error) -> Self {
        error.kind().into()
    }
}

/// To the second, as certificates have it.
pub(super) fn time(time: SystemTime) -> String {
    humantime::format_rfc3339_seconds(time).to_string()
}
