//! The user that we log in as.

use super::Config;
use super::credential::CredentialFile;
use crate::error::{Error, ErrorKind, Result, Setting};
use crate::secrets;

pub(crate) struct User {
    name: String,
    password: Password,
}

enum Password {
    Given(String),
    /// It is read for each login: it may be changed at any time.
    InFile(CredentialFile),
}

impl User {
    /// The configured one. Reads the file: what is wrong with it is known at once.
    pub(crate) fn new(config: &Config) -> Result<Option<Self>> {
        let invalid = |message| {
            let error = Error::new(ErrorKind::InvalidConfig, message);
            Err(error.about([Setting::User, Setting::Password]))
        };
        let Some(name) = config.user.clone() else {
            return Ok(None);
        };
        let password = match (&config.password, &config.password_file) {
            (Some(password), None) => Password::Given(password.clone()),
            (None, Some(path)) => {
                let file = CredentialFile::new(Setting::Password, path, config.dial_timeout);
                file.first_line()?;
                Password::InFile(file)
            }
            (None, None) => return invalid("a user needs a password"),
            (Some(_), Some(_)) => return invalid("there is a password, and a file with another"),
        };
        Ok(Some(Self { name, password }))
    }

    /// The name and the password, as they are now.
    pub(crate) fn credentials(&self) -> Result<(String, String)> {
        let password = match &self.password {
            Password::Given(password) => password.clone(),
            Password::InFile(file) => file.first_line()?,
        };
        Ok((self.name.clone(), password))
    }

    /// Whether another password may be there the next time.
    pub(crate) fn may_change(&self) -> bool {
        matches!(self.password, Password::InFile(_))
    }

    /// The name, as it may be shown. With a colon it may be meant for a name and a password.
    pub(crate) fn shown(&self) -> String {
        let shown = secrets::user(&self.name);
        let why = if shown == self.name {
            ""
        } else {
            ": the colon is the name's, since the password is given apart"
        };
        format!("\"{shown}\"{why}")
    }
}
