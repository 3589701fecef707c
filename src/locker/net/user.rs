//! The user that we log in as.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::credential::CredentialFile;
use crate::error::{Error, ErrorKind, Result, Setting};
use crate::locker::BoxFuture;
use crate::secrets;

/// Who logs in to a store. `Debug` shows no password.
#[derive(Clone)]
pub struct Credentials(Source);

#[derive(Clone)]
enum Source {
    Given { user: String, password: String },
    InFile { user: String, path: PathBuf },
    Asked(Ask),
}

/// Gives a name and a password.
type Ask = Arc<dyn Fn() -> BoxFuture<'static, Result<(String, String), String>> + Send + Sync>;

impl Credentials {
    /// This user, by this password.
    pub fn password(user: impl Into<String>, password: impl Into<String>) -> Self {
        Self(Source::Given {
            user: user.into(),
            password: password.into(),
        })
    }

    /// This user, by the password in the first line of a file, which is read for each login. One that
    /// others can read is refused; of a file of root's, or another user's, its group may.
    pub fn password_file(user: impl Into<String>, file: impl Into<PathBuf>) -> Self {
        Self(Source::InFile {
            user: user.into(),
            path: file.into(),
        })
    }

    /// The user and password that `ask` gives, which is called for each login. If it fails its error is
    /// why the login failed, and it is called again. Its future is dropped when the connection is given
    /// up, as after [`dial_timeout`](crate::Config::dial_timeout) without a sign of life.
    ///
    /// ```
    /// # async fn from_the_vault() -> std::io::Result<String> { Ok(String::new()) }
    /// let credentials = genlock::Credentials::ask(|| async {
    ///     Ok::<_, std::io::Error>(("backup".to_owned(), from_the_vault().await?))
    /// });
    /// ```
    pub fn ask<F, Fut, E>(ask: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(String, String), E>> + Send + 'static,
        E: fmt::Display,
    {
        let ask = move || -> BoxFuture<'static, Result<(String, String), String>> {
            let asked = ask();
            Box::pin(async move { asked.await.map_err(|error| error.to_string()) })
        };
        Self(Source::Asked(Arc::new(ask)))
    }

    /// The name, where it is known before a login.
    pub(crate) fn user(&self) -> Option<&str> {
        match &self.0 {
            Source::Given { user, .. } | Source::InFile { user, .. } => Some(user),
            Source::Asked(_) => None,
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = match &self.0 {
            Source::InFile { path, .. } => Some(path),
            Source::Given { .. } | Source::Asked(_) => None,
        };
        f.debug_struct("Credentials")
            .field("user", &self.user().map(secrets::user))
            .field("file", &file)
            .finish_non_exhaustive()
    }
}

/// Who logs in, and where the password comes from.
pub(crate) enum User {
    Given {
        name: String,
        password: String,
    },
    /// The file is read for each login: it may be changed at any time.
    InFile {
        name: String,
        file: CredentialFile,
    },
    Asked(Ask),
}

impl User {
    /// Reads the file: what is wrong with it is known at once. A pipe has to be written `within` this
    /// time.
    pub(crate) fn new(credentials: &Credentials, within: Duration) -> Result<Self> {
        Ok(match credentials.0.clone() {
            Source::Given { user, password } => Self::Given {
                name: user,
                password,
            },
            Source::InFile { user, path } => {
                let file = CredentialFile::new(Setting::Password, &path, within);
                file.first_line()?;
                Self::InFile { name: user, file }
            }
            Source::Asked(ask) => Self::Asked(ask),
        })
    }

    /// The name and the password, as they are now. The caller bounds it.
    pub(crate) async fn credentials(&self) -> Result<(String, String)> {
        match self {
            Self::Given { name, password } => Ok((name.clone(), password.clone())),
            Self::InFile { name, file } => Ok((name.clone(), file.first_line()?)),
            Self::Asked(ask) => ask().await.map_err(|why| not_known(&why)),
        }
    }

    /// Whether another password may be there the next time.
    #[cfg(feature = "members")]
    pub(crate) fn may_change(&self) -> bool {
        !matches!(self, Self::Given { .. })
    }

    /// The name, as it may be shown, if it is known before a login. With a colon it may be meant for a
    /// name and a password.
    pub(crate) fn shown(&self) -> Option<String> {
        let name = match self {
            Self::Given { name, .. } | Self::InFile { name, .. } => name,
            Self::Asked(_) => return None,
        };
        let shown = secrets::user(name);
        let why = if shown == *name {
            ""
        } else {
            ": the colon is the name's, since the password is given apart"
        };
        Some(format!("\"{shown}\"{why}"))
    }
}

/// `ask` failed. The text is its own: one line of it is shown.
fn not_known(why: &str) -> Error {
    let line = why.lines().next().unwrap_or_default();
    let message = format!("no credentials: {}", line.escape_debug());
    Error::new(ErrorKind::Unavailable, message).about([Setting::User, Setting::Password])
}
