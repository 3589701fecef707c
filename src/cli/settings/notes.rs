//! The reason and the labels of a holder's record. Unlike other settings, labels are added up over all places:
//! each name by itself has its value from the first place that gives it one.

use super::keys::{LABEL, NO_CI_LABEL, REASON};
use super::{Origin, Settings, ShownSetting};
use crate::cli::environment::{self, variable};
use crate::cli::labels::{self, LabelArgs, Notes, ROOM};
use crate::cli::quoting;
use crate::cli::times::Usage;
use crate::{Error, ErrorKind};

impl Settings {
    /// Reads the labels of the variable, which come before those of files.
    pub(super) fn read_label_variable(&mut self) {
        let list = variable(environment::LABEL).unwrap_or_default();
        for text in list.split(',').filter(|text| !text.is_empty()) {
            let origin = Origin::Variable(environment::LABEL.to_owned());
            self.labels.push((text.to_owned(), origin));
        }
    }

    /// Each label for `doctor` to show.
    pub(super) fn shown_labels(&self) -> impl Iterator<Item = ShownSetting<'_>> {
        self.labels.iter().map(|(text, origin)| ShownSetting {
            key: LABEL,
            value: Some(text.clone()),
            origin,
            fault: labels::parse(text).err(),
        })
    }

    /// What the record says, where this was typed.
    ///
    /// # Errors
    /// A label of the variable's is none, or all of it together is too long.
    pub(in crate::cli) fn notes(&self, typed: LabelArgs) -> anyhow::Result<Notes> {
        let mut notes = Notes::default();
        let reason = self.below(REASON).map(str::to_owned);
        notes.reason = reason.or(typed.reason).unwrap_or_default();
        // Of two with the same name on the command line the last counts.
        let mut is_typed = !typed.label.is_empty() || *self.origin(REASON) == Origin::Flag;
        for label in typed.label.into_iter().rev() {
            notes.offer(label);
        }
        for (text, origin) in &self.labels {
            let place = origin.place(LABEL);
            let label = labels::parse(text);
            let shown = quoting::line([text]);
            notes.offer(label.map_err(|why| Usage::new(format!("{place} {shown}: {why}")))?);
            is_typed |= matches!(origin, Origin::Variable(_));
        }
        is_typed |= matches!(self.origin(REASON), Origin::Variable(_));
        if notes.length() > ROOM {
            return Err(self.too_long(notes.length(), is_typed));
        }
        if !self.flag(NO_CI_LABEL).unwrap_or(typed.no_ci_label) {
            notes.offer_ci(variable);
        }
        Ok(notes)
    }

    /// The error for that, with the places of all that is not on the command line. If it is all in files,
    /// the configuration is wrong, and not the usage.
    fn too_long(&self, length: usize, is_typed: bool) -> anyhow::Error {
        let reason = (REASON, self.origin(REASON));
        let labels = self.labels.iter().map(|(_, origin)| (LABEL, origin));
        let places = [reason].into_iter().chain(labels);
        let places = places.filter(|(_, origin)| origin.is_elsewhere());
        let mut places: Vec<_> = places.map(|(key, origin)| origin.place(key)).collect();
        places.dedup();
        let places = match places.join(", ") {
            none if none.is_empty() => none,
            some => format!(" ({some})"),
        };
        let line = format!(
            "the reason and the labels have {length} bytes together: at most {ROOM}{places}"
        );
        if is_typed {
            return Usage::new(line).into();
        }
        Error::new(ErrorKind::InvalidConfig, line).into()
    }
}
