//! What the store reports of itself, as findings: settings become options, and text from outside is
//! escaped.

use super::DoctorOptions;
use super::findings::{Findings, option};
use super::shown::{ShownDirectory, ShownEndpoint, ShownRights};
use super::times::Distance;
use crate::cli::operate::block_on;
use crate::cli::settings::Settings;
use crate::cli::store::Store;
use crate::describe;
use crate::locker::examination::{Examination, Finding, Fragment, Sentence, Severity};
use crate::locker::kind::StoreKind;

/// Has the store examined.
pub(super) fn look(
    report: &mut Findings,
    settings: &Settings,
    store: &Store,
    options: &DoctorOptions,
) -> anyhow::Result<()> {
    let examined = store.kind.examine(&store.config, &options.key, options.ttl);
    match block_on(examined)? {
        Ok(examination) => tell(report, settings, store.kind, examination, options),
        Err(error) => report.misfit(settings, &error),
    }
    Ok(())
}

fn tell(
    report: &mut Findings,
    settings: &Settings,
    kind: &StoreKind,
    found: Examination,
    options: &DoctorOptions,
) {
    let (name, assumption) = (kind.name(), kind.capabilities.assumption);
    report.store = Some(name);
    report.assumption = Some(assumption);
    report.ok("store", format!("{name}, assumed: {assumption}"));
    for finding in &found.findings {
        one(report, settings, finding);
    }
    let distance = Distance {
        slowest: found.slowest(),
        round_trips: found.round_trips,
    };
    report.endpoints = found
        .endpoints
        .into_iter()
        .map(ShownEndpoint::from)
        .collect();
    report.directory = found.directory.map(ShownDirectory::from);
    report.auth = found.has_users;
    report.user = found.user;
    report.rights = found.rights.map(ShownRights::from);
    if kind.capabilities.expires {
        let ttl = found.granted.unwrap_or(options.ttl);
        let times = (ttl, options.grace(ttl));
        report.times(settings, kind.name(), times, &distance);
    }
}

fn one(report: &mut Findings, settings: &Settings, finding: &Finding) {
    let mut text = said(settings, &finding.text);
    if let Some(cause) = &finding.cause {
        if !text.is_empty() {
            text += ": ";
        }
        text += &settings.located(cause);
    }
    let remedy = finding.remedy.as_ref();
    let remedy = remedy.map(|remedy| said(settings, remedy));
    match finding.severity {
        Severity::Fine => report.ok(finding.topic, text),
        Severity::Warning => report.warn(finding.topic, text, &remedy.unwrap_or_default()),
        Severity::Wrong(kind) => {
            let kind = finding.cause.as_ref().map_or(kind, |at| settings.kind(at));
            report.wrong(finding.topic, kind, text, remedy);
        }
    }
}

fn said(settings: &Settings, sentence: &Sentence) -> String {
    let fragments = sentence.fragments().iter();
    let said = fragments.map(|fragment| match fragment {
        Fragment::Text(text) => text.clone(),
        Fragment::Foreign(text) => describe::escape(text),
        Fragment::Setting(setting) => option(settings, *setting),
    });
    said.collect()
}
