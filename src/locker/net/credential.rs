//! A file with a credential. Certificates and passwords are renewed while locks are held, so it is
//! read anew for each handshake and login.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use super::config::Pem;
use crate::error::{Error, ErrorKind, Result, Setting, Subject, plain};
use crate::input;

/// No chain of certificates is as large: a larger file was named by mistake.
const MOST: u64 = 16 * 1024 * 1024;

/// A file that the configuration names.
pub(crate) struct CredentialFile {
    setting: Setting,
    path: PathBuf,
    /// Bounds the first reading of a pipe.
    within: Duration,
    /// Set by the first reading: what was in it if it can be read only once, as a pipe of the
    /// shell's (`<(…)`) can.
    first: OnceLock<Option<Vec<u8>>>,
}

impl CredentialFile {
    /// Reads nothing yet. `setting` is what names the file; a pipe has to be written `within` this
    /// time.
    pub(crate) fn new(setting: Setting, path: &Path, within: Duration) -> Self {
        Self {
            setting,
            path: path.to_owned(),
            within,
            first: OnceLock::new(),
        }
    }

    /// What is in it now.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`], with the setting and the file.
    pub(crate) fn read(&self) -> Result<Vec<u8>> {
        let within = match self.first.get() {
            Some(Some(content)) => return Ok(content.clone()),
            // A pipe that has taken its place must not hold up renewals.
            Some(None) => Duration::ZERO,
            None => self.within,
        };
        let read = input::open(&self.path)
            .and_then(|file| Ok((input::read(&file, MOST, within)?, file.metadata()?)));
        let (content, stat) = read.map_err(|error| {
            let why = plain(&error.to_string());
            self.invalid(&why).with_source(error)
        })?;
        // The first time only: to refuse the file while a lock is held would end what that protects.
        if self.setting == Setting::Password && self.first.get().is_none() {
            self.check_readers(&stat)?;
        }
        if content.len() as u64 > MOST {
            return Err(self.invalid("larger than 16 MB"));
        }
        // Fails if another thread was first: what that one read stays.
        let kept = (!stat.is_file()).then(|| content.clone());
        let _ = self.first.set(kept);
        Ok(content)
    }

    /// Refuses a password that others can read. The group of a file may read it if the file is root's
    /// or another user's: that is how a service is given one.
    fn check_readers(&self, stat: &Metadata) -> Result<()> {
        let path = self.path.display();
        let ours = stat.uid() != 0 && stat.uid() == rustix::process::geteuid().as_raw();
        if !stat.is_file() || stat.mode() & 0o044 == 0 {
            return Ok(());
        }
        if stat.mode() & 0o004 != 0 {
            return Err(self.invalid(&format!("everyone can read it: chmod o-rwx {path}")));
        }
        if ours {
            return Err(self.invalid(&format!("its group can read it: chmod 600 {path}")));
        }
        Ok(())
    }

    /// Its first line, as that of a password.
    pub(crate) fn first_line(&self) -> Result<String> {
        let text = String::from_utf8(self.read()?);
        // Not its source: that has the password in it.
        let text = text.map_err(|_| self.invalid("it is not text in UTF-8"))?;
        Ok(text.lines().next().unwrap_or_default().to_owned())
    }

    /// Says why this file will not do.
    pub(crate) fn invalid(&self, why: &str) -> Error {
        self.at_fault(Error::new(ErrorKind::InvalidConfig, why))
    }

    /// Adds that it is this file, and the setting that names it.
    fn at_fault(&self, error: Error) -> Error {
        self.place(error.about([self.setting]))
    }

    fn place(&self, error: Error) -> Error {
        error.of(Subject::File(self.path.clone()))
    }
}

/// PEM that a setting names: in a file, or at hand.
pub(crate) enum PemSource {
    File(CredentialFile),
    Given(Setting, Vec<u8>),
}

impl PemSource {
    /// Reads nothing yet; see [`CredentialFile::new`].
    pub(crate) fn new(setting: Setting, pem: &Pem, within: Duration) -> Self {
        match pem {
            Pem::File(path) => Self::File(CredentialFile::new(setting, path, within)),
            Pem::Bytes(bytes) => Self::Given(setting, bytes.clone()),
        }
    }

    /// What it is now; see [`CredentialFile::read`].
    pub(crate) fn read(&self) -> Result<Vec<u8>> {
        match self {
            Self::File(file) => file.read(),
            Self::Given(_, bytes) => Ok(bytes.clone()),
        }
    }

    /// Where it is, for messages.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::File(file) => file.path.display().to_string(),
            Self::Given(..) => "what was given as PEM".to_owned(),
        }
    }

    /// Says why it will not do.
    pub(crate) fn invalid(&self, why: &str) -> Error {
        match self {
            Self::File(file) => file.invalid(why),
            Self::Given(..) => self.at_fault(Error::new(ErrorKind::InvalidConfig, why)),
        }
    }

    /// Adds where it is, and the setting that names it.
    pub(crate) fn at_fault(&self, error: Error) -> Error {
        match self {
            Self::File(file) => file.at_fault(error),
            Self::Given(setting, _) => self.place(error.about([*setting])),
        }
    }

    /// Adds where it is.
    pub(crate) fn place(&self, error: Error) -> Error {
        match self {
            Self::File(file) => file.place(error),
            Self::Given(..) => error.context(self.shown()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::io::Write;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_file_is_read_anew_and_a_pipe_kept() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("password");
        std::fs::write(&path, "old").expect("a file");
        std::fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("a mode");
        let file = CredentialFile::new(Setting::Password, &path, Duration::ZERO);
        assert_eq!(file.read().expect("a content"), b"old");
        std::fs::write(&path, "new").expect("a file");
        assert_eq!(file.read().expect("a content"), b"new");
        std::fs::remove_file(&path).expect("a file");
        let gone = file.read().expect_err("no file").to_string();
        assert!(
            gone.ends_with("password: no such file or directory (password)"),
            "{gone}"
        );

        let (reader, mut writer) = std::io::pipe().expect("a pipe");
        writer.write_all(b"once").expect("a pipe");
        drop(writer);
        use std::os::fd::AsRawFd;
        let path = format!("/proc/self/fd/{}", reader.as_raw_fd());
        let pipe = CredentialFile::new(Setting::Password, path.as_ref(), Duration::ZERO);
        for _ in 0..2 {
            assert_eq!(pipe.read().expect("a content"), b"once");
        }
    }
}
