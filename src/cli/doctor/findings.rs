//! What the doctor found, for people and for programs.

use serde::Serialize;

use super::DoctorOptions;
use super::shown::{ShownDirectory, ShownEndpoint, ShownRights, Times};
use crate::cli::operate;
use crate::cli::paint::Paint;
use crate::cli::settings::{Origin, Settings};
use crate::describe;
use crate::error::Setting;
use crate::exit::{self, Exit};
use crate::{Error, ErrorKind};

/// All that was found. Its fields are an interface.
#[derive(Default, Serialize)]
pub(super) struct Findings {
    ok: bool,
    status: u8,
    pub(super) store: Option<&'static str>,
    pub(super) assumption: Option<&'static str>,
    settings: Vec<SettingRow>,
    findings: Vec<FindingRow>,
    pub(super) endpoints: Vec<ShownEndpoint>,
    pub(super) auth: Option<bool>,
    pub(super) user: Option<String>,
    pub(super) rights: Option<ShownRights>,
    pub(super) times: Option<Times>,
    pub(super) directory: Option<ShownDirectory>,
}

#[derive(Serialize)]
struct SettingRow {
    key: &'static str,
    value: Option<String>,
    origin: String,
    kind: &'static str,
}

#[derive(Serialize)]
struct FindingRow {
    state: &'static str,
    topic: &'static str,
    text: String,
    mend: Option<String>,
    status: Option<u8>,
}

impl Findings {
    /// Every setting, and the configuration files. `default` gives an option's value where nobody has set
    /// it.
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
            self.settings.push(SettingRow {
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

    /// `mend` is what helps, or `None` if the text says it already.
    pub(super) fn wrong(
        &mut self,
        topic: &'static str,
        kind: impl Into<FailureStatus>,
        text: impl Into<String>,
        mend: Option<String>,
    ) {
        let status = kind.into().0;
        self.add("wrong", topic, text.into(), mend, Some(status));
    }

    /// The finding for an error of the configuration.
    pub(super) fn misfit(&mut self, settings: &Settings, error: &Error) {
        let kind = settings.kind(error);
        self.wrong("config", kind, settings.located(error), None);
    }

    fn add(
        &mut self,
        state: &'static str,
        topic: &'static str,
        text: String,
        mend: Option<String>,
        status: Option<u8>,
    ) {
        self.findings.push(FindingRow {
            state,
            topic,
            text,
            mend,
            status,
        });
    }

    /// The exit status: that of the first finding that is wrong, `None` if none is.
    pub(super) fn status(&self) -> Option<u8> {
        self.findings.iter().find_map(|finding| finding.status)
    }

    /// Prints everything as JSON, or as lines for people, with what is wrong first.
    pub(super) fn print(&mut self, options: &DoctorOptions) -> anyhow::Result<()> {
        self.ok = self.status().is_none();
        self.status = self.status().unwrap_or(exit::SUCCESS);
        if options.json {
            operate::print_json(self)
        } else {
            operate::print(&self.text(Paint::of_stdout(), options.verbose))
        }
    }

    fn text(&self, paint: Paint, all: bool) -> String {
        let mut text = format!("{}\n", self.verdict(paint));
        for state in ["wrong", "warn", "ok"] {
            for finding in self
                .findings
                .iter()
                .filter(|finding| finding.state == state)
            {
                let mend = finding.mend.iter().map(|mend| format!("; {mend}"));
                let mend = mend.collect::<String>();
                let line = format!("{:<9}  {}{mend}", finding.topic, finding.text);
                let line = describe::printable(&line);
                let shown = format!("{state:<6}");
                let shown = match state {
                    "wrong" => paint.red(&shown),
                    "warn" => paint.yellow(&shown),
                    _ => shown,
                };
                text.push_str(&format!("{shown} {line}\n"));
            }
        }
        let is_shown = |setting: &&SettingRow| all || setting.kind != "default";
        let settings = self.settings.iter().filter(is_shown);
        let widest = settings.clone().map(|setting| setting.key.len()).max();
        let widest = widest.unwrap_or_default();
        for setting in settings {
            let value = match (&setting.value, setting.kind) {
                (Some(value), _) => value,
                (None, "default") => "-",
                (None, _) => "(not shown)",
            };
            let line = format!("{:<widest$}  {value}  ({})", setting.key, setting.origin);
            text.push_str(&format!("set    {}\n", describe::printable(&line)));
        }
        text
    }

    /// The first line: whether locks work, or how many findings are wrong.
    fn verdict(&self, paint: Paint) -> String {
        let count = |state| self.findings.iter().filter(|f| f.state == state).count();
        match (count("wrong"), count("warn")) {
            (0, warnings) => {
                let place = match &self.directory {
                    Some(directory) => format!("in {}", directory.path),
                    None => {
                        let endpoints = self.endpoints.iter().filter(|at| at.reached);
                        let endpoints = endpoints.map(|at| &*at.endpoint).collect::<Vec<_>>();
                        format!(
                            "in {} at {}",
                            self.store.unwrap_or_default(),
                            endpoints.join(", ")
                        )
                    }
                };
                let place = describe::printable(&place);
                match warnings {
                    0 => format!("{} {place}", paint.bold("locks work")),
                    1 => format!("{} {place}; look at 1 warning", paint.yellow("locks work")),
                    _ => format!(
                        "{} {place}; look at {warnings} warnings",
                        paint.yellow("locks work")
                    ),
                }
            }
            (1, _) => format!("{}: one thing is wrong", paint.red("locks do not work")),
            (wrong, _) => format!(
                "{}: {wrong} things are wrong",
                paint.red("locks do not work")
            ),
        }
    }
}

/// The exit status that a finding asks for.
pub(super) struct FailureStatus(u8);

impl From<ErrorKind> for FailureStatus {
    fn from(kind: ErrorKind) -> Self {
        match Exit::of_error(kind) {
            Exit::Status(status) => Self(status),
            _ => Self(exit::INTERNAL),
        }
    }
}

impl From<&Error> for FailureStatus {
    fn from(error: &Error) -> Self {
        error.kind().into()
    }
}

/// The option, and where it is set.
pub(super) fn option(settings: &Settings, setting: Setting) -> String {
    let option = settings.key(setting);
    match settings.origin(option) {
        Origin::Flag | Origin::Default => format!("--{option}"),
        elsewhere => format!("--{option} ({elsewhere})"),
    }
}
