//! The line of an error, in parts, so that its subjects can be told from its text.

use super::subject::{Setting, Subject};

/// A part of the line.
#[derive(Clone, Debug)]
enum Phrase {
    Text(String),
    /// `subject: `, before what is said of it.
    Ahead(Subject),
    /// ` (setting, setting)`, after what is said of them.
    Behind(Vec<Subject>),
    /// A subject that the line does not show as one.
    Tacit(Subject),
}

/// The line.
#[derive(Clone, Debug, Default)]
pub(super) struct Words(Vec<Phrase>);

impl Words {
    pub(super) fn new(text: String) -> Self {
        Self(vec![Phrase::Text(text)])
    }

    pub(super) fn append(&mut self, text: String) {
        self.0.push(Phrase::Text(text));
    }

    pub(super) fn prepend(&mut self, text: String) {
        self.0.insert(0, Phrase::Text(text));
    }

    pub(super) fn ahead(&mut self, subject: Subject) {
        self.0.insert(0, Phrase::Ahead(subject));
    }

    pub(super) fn behind(&mut self, settings: impl IntoIterator<Item = Setting>) {
        let settings: Vec<_> = settings.into_iter().map(Subject::Setting).collect();
        if !settings.is_empty() {
            self.0.push(Phrase::Behind(settings));
        }
    }

    pub(super) fn tacit(&mut self, subject: Subject) {
        self.0.push(Phrase::Tacit(subject));
    }

    pub(super) fn join(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    pub(super) fn subjects(&self) -> impl Iterator<Item = &Subject> {
        self.0.iter().flat_map(|phrase| match phrase {
            Phrase::Text(_) => &[],
            Phrase::Ahead(subject) | Phrase::Tacit(subject) => std::slice::from_ref(subject),
            Phrase::Behind(settings) => &settings[..],
        })
    }

    /// The text alone.
    pub(super) fn reason(&self) -> String {
        let texts = self.0.iter().filter_map(|phrase| match phrase {
            Phrase::Text(text) => Some(&**text),
            _ => None,
        });
        texts.collect()
    }

    /// The whole line; `name` gives the names of the settings for the parentheses.
    pub(super) fn line(&self, name: impl Fn(&[Setting]) -> String) -> String {
        let mut line = String::new();
        for phrase in &self.0 {
            match phrase {
                Phrase::Text(text) => line += text,
                Phrase::Ahead(subject) => line += &format!("{subject}: "),
                Phrase::Behind(subjects) => {
                    let settings = subjects.iter().filter_map(|subject| match subject {
                        Subject::Setting(setting) => Some(*setting),
                        _ => None,
                    });
                    line += &format!(" ({})", name(&settings.collect::<Vec<_>>()));
                }
                Phrase::Tacit(_) => {}
            }
        }
        line
    }
}
