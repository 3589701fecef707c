//! What the findings about an etcd are made with.

use super::DoctorOptions;
use super::findings::{FailureStatus, Findings};
use crate::EtcdConfig;
use crate::cli::settings::{Origin, Settings};

/// Makes findings of a diagnosis.
pub(super) struct Judge<'a> {
    pub(super) report: &'a mut Findings,
    pub(super) settings: &'a Settings,
    pub(super) config: &'a EtcdConfig,
    pub(super) options: &'a DoctorOptions,
    /// Whether a member is there that serves locks: trouble with another is a warning then.
    pub(super) served: bool,
}

impl<'a> Judge<'a> {
    pub(super) fn new(
        report: &'a mut Findings,
        settings: &'a Settings,
        config: &'a EtcdConfig,
        options: &'a DoctorOptions,
    ) -> Self {
        Self {
            report,
            settings,
            config,
            options,
            served: false,
        }
    }

    /// The option, with where it is set.
    pub(super) fn option(&self, option: &str) -> String {
        match self.settings.origin(option) {
            Origin::Flag | Origin::Default => format!("--{option}"),
            elsewhere => format!("--{option} ({elsewhere})"),
        }
    }

    /// With one member. The others may do.
    pub(super) fn trouble(
        &mut self,
        kind: impl Into<FailureStatus>,
        text: String,
        mend: Option<String>,
    ) {
        if self.served {
            let mend = mend.unwrap_or("locks are kept by the other members".to_owned());
            self.report.warn("endpoint", text, &mend);
        } else {
            self.report.wrong("endpoint", kind, text, mend);
        }
    }
}
