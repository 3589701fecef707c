//! What the Tab key makes of a line, in the shells themselves.

use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::genlock::{Run, bare};
use crate::pty::Shell;

/// What is typed before Tab, and the words that the line has afterwards. `another` is a command
/// whose only argument is `--its-own`; `unusual.pem` is a file.
const LINES: &[(&str, &str)] = &[
    ("ru", "run"),
    ("hel", "help"),
    ("help ru", "help run"),
    ("run --kill-a", "run --kill-after"),
    ("run --wait 5 --no-ren", "run --wait 5 --no-renew"),
    ("run unu", "run unu"),
    ("status unu", "status unu"),
    ("status --cacert unu", "status --cacert unusual.pem"),
    ("status k --jso", "status k --json"),
    ("ls --sort wai", "ls --sort waiting"),
    ("run --cacert unu", "run --cacert unusual.pem"),
    ("run --password-file unu", "run --password-file unusual.pem"),
    ("run k anoth", "run k another"),
    ("run k -- anoth", "run k -- another"),
    ("run -n --wait=5 k anoth", "run -n --wait=5 k another"),
    (
        "run -w 5 --ttl 20 /locks/x anoth",
        "run -w 5 --ttl 20 /locks/x another",
    ),
    (
        "run --endpoints file:/x k anoth",
        "run --endpoints file:/x k another",
    ),
    ("run k --kill-a", "run k --kill-after"),
    ("run k another --its", "run k another --its-own"),
    ("run k -- another --its", "run k -- another --its-own"),
    ("run k -w 5 another --its", "run k -w 5 another --its-own"),
    // The command's options are its own.
    ("run k another --kill-a", "run k another --kill-a"),
    ("run k cat unu", "run k cat unusual.pem"),
    ("run k ./prog", "run k ./program"),
];

/// The same, with the names of locks that are held. They come within a tenth of a second or not at
/// all, which a loaded machine does not always make.
const LOCKS: &[(&str, &str)] = &[
    ("status /locks/hel", "status /locks/held"),
    ("run /locks/hel", "run /locks/held"),
    ("run -w 5 /locks/hel", "run -w 5 /locks/held"),
    ("ls /locks/h", "ls /locks/held"),
    ("status ", "status /locks/held"),
    ("run -n ", "run -n /locks/held"),
];

/// The same in bash, which splits words at `:` and `=`.
const SPLIT: &[(&str, &str)] = &[
    ("status /locks/co:", "status /locks/co:"),
    ("run host:", "run host:"),
    ("wait co:lon:", "wait co:lon:"),
    ("ls x=", "ls x="),
    ("run --endpoints=http:", "run --endpoints=http:"),
    ("check --at-least=", "check --at-least="),
    ("run --record-command=na", "run --record-command=name"),
    ("run --record-command na", "run --record-command name"),
    ("ls --sort=h", "ls --sort=held"),
    ("run --cacert=unu", "run --cacert=unusual.pem"),
    ("run --ttl unu", "run --ttl unu"),
    ("run --wait=unu", "run --wait=unu"),
    ("break --token unu", "break --token unu"),
];

struct Typist {
    shell: Shell,
    /// Holds `/locks/held`.
    _holder: Run,
    /// Where the shell works.
    _directory: TempDir,
}

impl Typist {
    /// A shell in a directory with a file and a program, which runs `setup` first.
    fn start(shell: impl FnOnce(&Path) -> Command, setup: &str) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path();
        std::fs::write(path.join("unusual.pem"), "").expect("a file");
        std::fs::write(path.join("program"), "").expect("a file");
        std::fs::create_dir(path.join("bin")).expect("a directory");
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(path.join("program"), mode).expect("its mode");
        std::fs::copy(path.join("program"), path.join("bin/another")).expect("a program");
        let genlock = path.join("bin/genlock");
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_genlock"), &genlock).expect("a link");
        let endpoints = format!("file:{}", path.join("locks").display());
        let mut holder = bare(&genlock);
        holder.args(["run", "--endpoints", &endpoints, "/locks/held"]);
        holder.args(["sh", "-c", "echo ready $$; exec sleep 600"]);
        let holder = Run::start(holder);
        holder.ready();
        let mut command = shell(path);
        command.current_dir(path);
        command.env("HOME", path).env("TERM", "xterm");
        command.env("GENLOCK_ENDPOINTS", endpoints);
        let mut shell = Shell::other(&command);
        shell.command("export PATH=$HOME/bin:$PATH");
        for line in setup.lines() {
            shell.command(line);
        }
        Self {
            shell,
            _holder: holder,
            _directory: directory,
        }
    }

    /// The line's words behind `genlock`, after Tab.
    #[track_caller]
    fn completed(&mut self, line: &str) -> String {
        self.shell.send(&format!("genlock {line}\t\n"));
        self.shell.until("BEGIN ");
        let words = self.shell.until(" END");
        self.shell.prompt();
        words.trim_end_matches(" END").to_owned()
    }

    #[track_caller]
    fn completes(&mut self, lines: &[(&str, &str)]) {
        for (typed, words) in lines {
            assert_eq!(self.completed(typed), *words, "{typed}");
        }
    }

    #[track_caller]
    fn completes_locks(&mut self) {
        for (typed, words) in LOCKS {
            let mut completed = String::new();
            for _ in 0..20 {
                completed = self.completed(typed);
                if completed == *words {
                    break;
                }
                // Late, and then left alone.
                assert_eq!(completed, *typed);
            }
            assert_eq!(completed, *words);
        }
    }
}

impl Drop for Typist {
    fn drop(&mut self) {
        // fish does not always end when it is hung up.
        if !std::thread::panicking() {
            self.shell.send("\x03exit\n");
        }
    }
}

/// The committed file for a shell.
fn file(name: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    root.join("completions").join(name).display().to_string()
}

/// Stands for genlock, and shows its arguments.
const SHOW: &str = r#"genlock() { echo "BEGIN"" $*"" END"; }"#;

fn bash(extra: &str) -> Typist {
    let setup = format!(
        "bind 'set bell-style none'; bind 'set enable-bracketed-paste off'\n{SHOW}\n\
         complete -W --its-own another\n{extra}\nsource {}",
        file("genlock.bash")
    );
    let bash = |_: &Path| {
        let mut bash = bare("bash");
        bash.args(["--norc", "--noprofile", "-i"])
            .env("HISTFILE", "");
        bash.env("INPUTRC", "/dev/null");
        bash
    };
    Typist::start(bash, &setup)
}

#[test]
fn bash_with_bash_completion() {
    let mut bash = bash("source /usr/share/bash-completion/bash_completion");
    bash.completes(LINES);
    bash.completes(SPLIT);
}

#[test]
fn bash_alone() {
    let mut bash = bash("");
    // Without bash-completion the commands are found, but not what they take.
    for (typed, words) in LINES.iter().filter(|(typed, _)| !typed.contains("another")) {
        assert_eq!(bash.completed(typed), *words, "{typed}");
    }
    bash.completes(SPLIT);
    bash.completes_locks();
}

#[test]
fn zsh() {
    let setup = format!(
        "{SHOW}\nautoload -Uz compinit; compinit -u -D; LISTMAX=0\nsetopt no_beep no_auto_list\n\
         source {}\ncompdef \"compadd -- --its-own\" another",
        file("_genlock")
    );
    let zsh = |_: &Path| {
        let mut zsh = bare("zsh");
        zsh.args(["-f", "-i", "-o", "no_prompt_sp", "-o", "no_prompt_cr"]);
        zsh
    };
    let mut zsh = Typist::start(zsh, &setup);
    // Options between KEY and the command are not completed.
    for (typed, words) in LINES.iter().filter(|(typed, _)| *typed != "run k --kill-a") {
        assert_eq!(zsh.completed(typed), *words, "{typed}");
    }
    zsh.completes_locks();
}

#[test]
fn fish() {
    let setup = format!(
        "function genlock; echo \"BEGIN $argv END\"; end\n\
         complete -c another -l its-own\nsource {}",
        file("genlock.fish")
    );
    let fish = |_: &Path| {
        let mut fish = bare("fish");
        let prompt = "function fish_prompt; echo -n $PS1; end; set -g fish_greeting; \
                      set -g fish_autosuggestion_enabled 0";
        fish.args(["--no-config", "--private", "-i", "-C", prompt]);
        fish
    };
    let mut fish = Typist::start(fish, &setup);
    fish.completes(LINES);
    fish.completes_locks();
}
