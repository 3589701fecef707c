//! What is said of a store: its parts, so that who shows it can tell our words from a stranger's, and
//! call a setting as it is called there.

use crate::error::Setting;

/// A part of what is said.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fragment {
    /// Our words.
    Text(String),
    /// What somebody else wrote: to be escaped where it is shown.
    Foreign(String),
    /// A setting, to be called as it is called there.
    Setting(Setting),
}

/// What is said, on one line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sentence(Vec<Fragment>);

impl Sentence {
    /// Nothing so far.
    pub fn new() -> Self {
        Self::default()
    }

    /// Goes on with our words.
    #[must_use]
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.0.push(Fragment::Text(text.into()));
        self
    }

    /// Goes on with what somebody else wrote.
    #[must_use]
    pub fn foreign(mut self, text: impl Into<String>) -> Self {
        self.0.push(Fragment::Foreign(text.into()));
        self
    }

    /// Goes on with the name of a setting.
    #[must_use]
    pub fn setting(mut self, setting: Setting) -> Self {
        self.0.push(Fragment::Setting(setting));
        self
    }

    /// Goes on as the other does.
    #[must_use]
    pub fn and(mut self, other: impl Into<Self>) -> Self {
        self.0.extend(other.into().0);
        self
    }

    /// Its parts, in order.
    pub fn fragments(&self) -> &[Fragment] {
        &self.0
    }
}

impl From<&str> for Sentence {
    fn from(text: &str) -> Self {
        Self::new().text(text)
    }
}

impl From<String> for Sentence {
    fn from(text: String) -> Self {
        Self::new().text(text)
    }
}
