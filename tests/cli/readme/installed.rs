//! Installing genlock as README and docs/install.md say, and what is found then: by man(1), by the shells.

use std::path::Path;
use std::process::Command;

use super::{Newcomer, block};
use crate::genlock::{bare, output};
use crate::process::has;

/// A checkout in which genlock is built already.
pub(super) fn built(newcomer: &Newcomer) {
    newcomer.checkout(&["man", "completions"]);
    std::fs::create_dir_all(newcomer.path("target/release")).expect("a directory");
    let built = newcomer.path("target/release/genlock");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_genlock"), built).expect("a link");
}

/// What is found afterwards, each with what it prints.
fn finds(newcomer: &Newcomer, path: &str, man: &str) -> String {
    let shells = [
        (
            "bash",
            ". /usr/share/bash-completion/bash_completion; _completion_loader genlock; complete -p genlock",
        ),
        (
            "fish",
            "complete --do-complete 'genlock ru' | string match 'run*'",
        ),
    ];
    let mut script = format!(
        "export PATH={path}\nexport HOME={}\n\
         man -w genlock-run | grep -x {man}/man1/genlock-run.1\n\
         man -w 7 genlock | grep -x {man}/man7/genlock.7\n\
         genlock --version\n",
        newcomer.home().display()
    );
    for (shell, line) in shells {
        if has(shell) {
            script += &format!("{shell} -c '{}'\n", line.replace('\'', r"'\''"));
        }
    }
    script
}

#[test]
fn for_oneself() {
    if !has("man") {
        return;
    }
    let newcomer = Newcomer::new();
    built(&newcomer);
    let script = block("cargo install --locked --path .");
    let install = "cargo install --locked --path . --root ~/.local\n";
    assert!(script.starts_with(install), "{script}");
    let script = script.replace(
        install,
        "install -Dm755 target/release/genlock -t ~/.local/bin\n",
    );
    let home = newcomer.home().display();
    let path = format!("{home}/.local/bin:/usr/bin:/bin");
    let found = finds(&newcomer, &path, &format!("{home}/.local/share/man"));
    newcomer
        .typed(&format!("set -e\n{script}\n{found}"))
        .silent(0);
}

/// As root, in a mount namespace in which /usr/local is empty, and where fish looks.
pub(super) fn host(script: &str, directory: &Path) -> Option<Command> {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root can install for the whole host");
        return None;
    }
    let mut probe = bare("unshare");
    probe.args(["-m", "mount", "-t", "tmpfs", "tmpfs", "/usr/local"]);
    if output(probe).status.code() != Some(0) {
        eprintln!("skipped: no mount namespace to be had here");
        return None;
    }
    let mut command = bare("unshare");
    let mount = "set -e; mount -t tmpfs -o mode=755 tmpfs /usr/local
                 [ ! -d /etc/fish ] || mount -t tmpfs -o mode=755 tmpfs /etc/fish";
    command.args(["-m", "/bin/sh", "-c", &format!("{mount}\n{script}")]);
    command.current_dir(directory);
    Some(command)
}

/// The lines that install for the host, for a checkout where it is built.
pub(super) fn lines() -> String {
    let script = block("cargo build --locked --release");
    let build = "cargo build --locked --release\n";
    script.strip_prefix(build).expect("the build").to_owned()
}

/// A script's lines as the user `nobody`.
fn as_nobody(script: &str) -> String {
    format!(
        "setpriv --reuid=65534 --regid=65534 --clear-groups env -i /bin/sh -e <<'END'\n{script}\nEND\n"
    )
}

#[test]
fn for_the_host() {
    if !has("man") || !has("sudo") {
        return;
    }
    let newcomer = Newcomer::new();
    built(&newcomer);
    let path = "/usr/local/bin:/usr/bin:/bin";
    let found = as_nobody(&finds(&newcomer, path, "/usr/local/share/man"));
    let zsh = "zsh -c 'autoload -U compinit; compinit -D -u; print $_comps[genlock]' | grep -x _genlock\n";
    let zsh = if has("zsh") { zsh } else { "" };
    let script = format!("{}\n{found}\n{zsh}", lines());
    if let Some(command) = host(&script, newcomer.home()) {
        output(command).silent(0);
    }
}
