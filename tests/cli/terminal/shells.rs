//! Under other shells than bash.

use crate::genlock::{Store, poll};
use crate::process::{has, is_dead, is_stopped};
use crate::pty::{INTERRUPT, PROMPT, SUSPEND, Shell};

use super::SLEEPS;

/// Ctrl-C and the status, then Ctrl-Z, fg and Ctrl-C.
fn drive(program: &[&str], status: &str) {
    if !has(program[0]) {
        return;
    }
    let store = Store::files();
    let mut shell = Shell::of(&store, program);
    shell.until(PROMPT);
    for stops in [false, true] {
        shell.send(&format!("{SLEEPS}\n"));
        let command = shell.ready();
        shell.until_foreground(command);
        if stops {
            shell.send(SUSPEND);
            poll("the command's stop", || is_stopped(command));
            shell.until_foreground(shell.pid());
            assert!(!store.is_free());
            shell.send("fg\n");
            shell.until_foreground(command);
            poll("the command to go on", || !is_stopped(command));
        }
        shell.send(INTERRUPT);
        poll("the command's end", || is_dead(command));
        shell.until_foreground(shell.pid());
        assert!(store.is_free());
        // What fish has for it after fg is 0, with or without genlock.
        let expected = if stops { "" } else { "130" };
        shell.send(&format!("echo is:{status}\n"));
        shell.until(&format!("is:{expected}"));
    }
}

#[test]
fn dash() {
    drive(&["dash", "-i"], "$?");
}

#[test]
fn zsh() {
    drive(&["zsh", "-f", "-i", "+o", "zle"], "$?");
}

#[test]
fn fish() {
    let prompt = format!("function fish_prompt; echo -n '{PROMPT}'; end");
    drive(&["fish", "--no-config", "-i", "-C", &prompt], "$status");
}
