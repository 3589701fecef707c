//! A step of a task: a program that is run in the root of the repository.

use std::ffi::OsStr;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The result of a step, or why it failed.
pub(crate) type Outcome<T = ()> = Result<T, String>;

/// A path below the root of the repository.
pub(crate) fn below_root(path: &str) -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).join(path)
}

/// The text of a file.
pub(crate) fn read(path: &Path) -> Outcome<String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

/// A program and its arguments.
pub(crate) struct Step(Command);

impl Step {
    /// The cargo that has started us, with these arguments.
    pub(crate) fn cargo(args: &[&str]) -> Self {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        Self::program(cargo).and(args)
    }

    /// A script of the repository.
    pub(crate) fn script(path: &str) -> Self {
        Self::program(below_root(path))
    }

    /// Any program.
    pub(crate) fn program(program: impl AsRef<OsStr>) -> Self {
        let mut command = Command::new(program);
        command.current_dir(below_root(""));
        Self(command)
    }

    /// Runs it in another folder than the root of the repository.
    pub(crate) fn within(mut self, folder: &Path) -> Self {
        self.0.current_dir(folder);
        self
    }

    /// Adds arguments.
    pub(crate) fn and<S: AsRef<OsStr>>(mut self, args: &[S]) -> Self {
        self.0.args(args);
        self
    }

    /// Sets an environment variable.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.0.env(name, value);
        self
    }

    /// Prints the command line, and runs it.
    pub(crate) fn run(self) -> Outcome {
        println!("\n== {self}");
        self.quietly()
    }

    /// Runs it.
    pub(crate) fn quietly(mut self) -> Outcome {
        match self.0.status() {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(format!("{self}: {status}")),
            Err(error) => Err(format!("{self}: {error}")),
        }
    }

    /// Runs it, and gives what it writes to stdout.
    pub(crate) fn output(mut self) -> Outcome<String> {
        match self.0.stderr(Stdio::inherit()).output() {
            Ok(output) if output.status.success() => {
                Ok(String::from_utf8_lossy(&output.stdout).into_owned())
            }
            Ok(output) => Err(format!("{self}: {}", output.status)),
            Err(error) => Err(format!("{self}: {error}")),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in self.0.get_envs() {
            let value = value.unwrap_or_default();
            // Between encoded flags is a character that is not shown.
            let value = value.to_string_lossy().replace('\u{1f}', " ");
            write!(f, "{}='{value}' ", name.display())?;
        }
        let program = Path::new(self.0.get_program());
        let name = match program.strip_prefix(below_root("")) {
            Ok(script) => script.as_os_str(),
            Err(_) => program.file_name().unwrap_or_default(),
        };
        write!(f, "{}", name.display())?;
        self.0
            .get_args()
            .try_for_each(|arg| write!(f, " {}", arg.display()))
    }
}
