//! What a holder's record says for people beside who it is: why it is asked for, and labels. All of it has
//! to fit into a record, whichever store keeps that.

use std::collections::BTreeMap;

use clap::Args;
use clap::builder::FalseyValueParser;

use super::ci;

/// How many bytes a reason and the names and values of all labels may have together.
pub(super) const ROOM: usize = 1024;

/// The longest name of a label: as of Kubernetes' labels and of names in DNS.
const LONGEST_NAME: usize = 63;

/// The label with a link to the CI job.
const CI: &str = "ci";

/// Why, and more that others are to know.
#[derive(Args)]
pub(super) struct LabelArgs {
    /// Why, for all who look who holds the lock
    #[arg(
        hide_short_help = true,
        long,
        value_name = "TEXT",
        env = "GENLOCK_REASON"
    )]
    pub(super) reason: Option<String>,

    /// A label in the holder's record; several, if given again
    ///
    /// The name K is of letters, digits and . _ / - and begins with a letter or digit; the value V is
    /// any text. $GENLOCK_LABEL has several with commas between. Together with the reason 1 KiB at
    /// most. Whoever can read the store can read them.
    // $GENLOCK_LABEL is read with the configuration, to whose labels these are added.
    #[arg(hide_short_help = true, long, value_name = "K=V", value_parser = parse)]
    pub(super) label: Vec<Label>,

    /// No label ci by itself, which is a link to the CI job that genlock runs in
    ///
    /// Of GitHub Actions, GitLab, Jenkins, Buildkite or Woodpecker, by their variables. A label ci that
    /// is given counts in any case.
    #[arg(
        hide_short_help = true,
        long,
        env = "GENLOCK_NO_CI_LABEL",
        value_parser = FalseyValueParser::new()
    )]
    pub(super) no_ci_label: bool,
}

/// A label that is well formed.
#[derive(Clone)]
pub(super) struct Label {
    name: String,
    value: String,
}

/// Reads `K=V`.
pub(super) fn parse(text: &str) -> Result<Label, String> {
    let (name, value) = text
        .split_once('=')
        .ok_or("write it K=V, as in team=storage")?;
    check_name(name)?;
    Ok(Label {
        name: name.to_owned(),
        value: value.to_owned(),
    })
}

fn check_name(name: &str) -> Result<(), String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "._/-".contains(c);
    if !name.starts_with(|c: char| c.is_ascii_alphanumeric()) || !name.chars().all(is_part) {
        return Err(
            "a label's name is of letters, digits and . _ / - and begins with a letter or digit"
                .to_owned(),
        );
    }
    if name.len() > LONGEST_NAME {
        return Err(format!(
            "a label's name has {LONGEST_NAME} characters at most"
        ));
    }
    Ok(())
}

/// What is in the record.
#[derive(Default)]
pub(super) struct Notes {
    pub(super) reason: String,
    pub(super) labels: BTreeMap<String, String>,
}

impl Notes {
    /// Adds the label, unless there is one of its name.
    pub(super) fn offer(&mut self, label: Label) {
        self.labels.entry(label.name).or_insert(label.value);
    }

    /// Adds the link to the CI job, if we run in one. Nobody has asked for it: where a label has its name, or
    /// there is no room, it stays out.
    pub(super) fn offer_ci(&mut self, variable: impl Fn(&str) -> Option<String>) {
        let link = ci::link(variable);
        let link = link.filter(|link| self.length() + CI.len() + link.len() <= ROOM);
        if let Some(value) = link {
            let name = CI.to_owned();
            self.offer(Label { name, value });
        }
    }

    /// How much room it takes, in bytes.
    pub(super) fn length(&self) -> usize {
        let labels = self.labels.iter();
        let labels = labels.map(|(name, value)| name.len() + value.len());
        self.reason.len() + labels.sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::describe;

    #[test]
    fn a_label_is_a_name_and_any_text() {
        for (text, name, value) in [
            ("a=", "a", ""),
            (
                "team=the = sign, and\n\x1b",
                "team",
                "the = sign, and\n\x1b",
            ),
            ("9.example.org/X_y-z=ü", "9.example.org/X_y-z", "ü"),
        ] {
            let label = parse(text).unwrap_or_else(|why| panic!("{text:?}: {why}"));
            assert_eq!((&*label.name, &*label.value), (name, value));
        }
        let long = format!("{}=x", "n".repeat(LONGEST_NAME));
        assert!(parse(&long).is_ok());
        for text in ["", "a", "=x", "-a=x", "a b=x", "ü=x", &format!("n{long}")] {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_link_stays_out_where_a_label_has_its_name_or_there_is_no_room() {
        let gitlab = |name: &str| match name {
            "GITLAB_CI" => Some("true".to_owned()),
            "CI_JOB_URL" => Some("https://gitlab.example/g/p/-/jobs/17".to_owned()),
            _ => None,
        };
        let link = "https://gitlab.example/g/p/-/jobs/17";
        let mut notes = Notes::default();
        notes.offer_ci(gitlab);
        assert_eq!(notes.labels[CI], link);
        let mut notes = Notes::default();
        notes.offer(parse("ci=mine").unwrap_or_else(|why| panic!("{why}")));
        notes.offer_ci(gitlab);
        assert_eq!(notes.labels[CI], "mine");
        for (free, is_there) in [(CI.len() + link.len(), true), (link.len() + 1, false)] {
            let mut notes = Notes {
                reason: "r".repeat(ROOM - free),
                ..Notes::default()
            };
            notes.offer_ci(gitlab);
            assert_eq!(notes.labels.contains_key(CI), is_there);
            assert!(notes.length() <= ROOM);
        }
    }

    #[test]
    fn the_longest_label_is_shown_whole() {
        let longest = format!("a={}", "v".repeat(ROOM - 1));
        assert_eq!(describe::note(&longest), longest);
    }
}
