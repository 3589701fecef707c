//! A file for each shell, as clap makes it. In those of bash, zsh and fish the command that a verb runs is
//! completed by its own completion, and a lock's name from the store.

use std::path::Path;

use clap::{Arg, Command, ValueHint};
use clap_complete::{Generator, Shell, generate};
use clap_complete_nushell::Nushell;

use super::File;

/// Functions that find the command on the line, and call its own completion.
const BASH: &str = include_str!("command.bash");
const FISH: &str = include_str!("command.fish");

/// Completes a lock's name from the store, if that answers within a tenth of a second.
const ZSH_KEY: &str = "
(( $+functions[_genlock_key] )) ||
_genlock_key() {
    local -a keys
    keys=(${(f)\"$(timeout 0.1 genlock ls --keys -- $PREFIX 2>/dev/null)\"})
    compadd -a keys
}
";

/// The same for fish, with a function of command.fish.
const KEYS: &str = " -a \"(__fish_genlock_keys)\"";

/// For a verb without a command: how many arguments come before it, more than anybody types.
const NEVER: isize = 99;
/// For a verb without a lock's name: which argument it is.
const NO_LOCK: isize = -1;

pub(super) fn files(command: &Command) -> Vec<File> {
    let mut bash = text(Shell::Bash);
    let mut fish = mend_fish_help(&text(Shell::Fish));
    for verb in command.get_subcommands().filter(|v| v.get_name() != "help") {
        let name = verb.get_name();
        let positionals: Vec<_> = verb.get_positionals().collect();
        let own = positionals
            .iter()
            .position(|arg| arg.is_trailing_var_arg_set());
        match own {
            Some(before) => {
                bash = teach_bash(&bash, verb, before.cast_signed());
                let valued = valued(verb).join(" ");
                fish = teach_fish(&fish, name, before, &valued);
            }
            None => {
                let locks = positionals.iter().any(|arg| names_a_lock(arg));
                bash = teach_bash(&bash, verb, if locks { NEVER } else { NO_LOCK });
                let keys = if locks { KEYS } else { "" };
                fish += &format!("complete -c genlock -n \"{}\" -f{keys}\n", fish_using(name));
            }
        }
    }
    let files = [
        ("genlock.bash", format!("{bash}\n{BASH}")),
        ("_genlock", teach_zsh(&text(Shell::Zsh), command)),
        ("genlock.fish", format!("{fish}\n{FISH}")),
        ("genlock.elv", text(Shell::Elvish)),
        ("_genlock.ps1", text(Shell::PowerShell)),
        ("genlock.nu", text(Nushell)),
    ];
    let named = |(name, text)| (Path::new("completions").join(name), text);
    files.map(named).into()
}

fn text(generator: impl Generator) -> String {
    let mut text = Vec::new();
    let mut command = genlock::cli::command();
    generate(generator, &mut command, "genlock", &mut text);
    String::from_utf8(text).expect("text")
}

/// Whether the argument is a lock's name, or a prefix of names.
fn names_a_lock(arg: &Arg) -> bool {
    let names = arg.get_value_names().unwrap_or_default();
    names.iter().any(|name| name == "KEY" || name == "PREFIX")
}

/// The options of a verb that take a value.
fn valued(verb: &Command) -> Vec<String> {
    let options = verb.get_opts();
    let options = options.filter(|option| option.get_action().takes_values());
    options.flat_map(written).collect()
}

/// The options whose values are known, with those, and the options that name a file.
fn offered(verb: &Command) -> Vec<String> {
    let options = verb.get_opts().filter_map(|option| {
        let values = option.get_possible_values();
        let values: Vec<_> = values.iter().map(|value| value.get_name()).collect();
        let is_file = option.get_value_hint() == ValueHint::FilePath;
        (is_file || !values.is_empty()).then(|| (option, values.join(",")))
    });
    let each = options.flat_map(|(option, values)| {
        let names = written(option);
        names.map(move |name| format!("{name}={values}"))
    });
    each.collect()
}

/// How an option may be written: `-w`, `--wait`.
fn written(option: &Arg) -> impl Iterator<Item = String> + use<> {
    let short = option.get_short().map(|short| format!("-{short}"));
    let long = option.get_long().map(|long| format!("--{long}"));
    short.into_iter().chain(long)
}

/// Replaces `part`, which has to be in `text`: it is not if a new version of clap writes something else.
fn replace(text: &str, part: &str, by: &str) -> String {
    assert!(text.contains(part), "{part}");
    text.replace(part, by)
}

fn teach_bash(text: &str, verb: &Command, before: isize) -> String {
    let (valued, offered) = (valued(verb).join(" "), offered(verb).join(" "));
    let verb = verb.get_name().replace('-', "__");
    let begin = format!("\n        genlock__subcmd__{verb})\n            opts=");
    let hand_over = format!("_genlock_command {before} \"{valued}\" \"{offered}\" && return 0");
    let taught = begin.replace("opts=", &format!("{hand_over}\n            opts="));
    replace(text, &begin, &taught)
}

fn fish_using(verb: &str) -> String {
    format!("__fish_genlock_using_subcommand {verb}")
}

fn teach_fish(text: &str, verb: &str, before: usize, valued: &str) -> String {
    let using = fish_using(verb);
    let within = format!("__fish_genlock_command {before} {valued}");
    // Once the command has begun neither our options nor files are proposed.
    let ours = format!("-n \"{using}; and not {within} >/dev/null\"");
    let text = replace(text, &format!("-n \"{using}\""), &ours);
    format!(
        "{text}\
         complete -c genlock {ours} -f{KEYS}\n\
         complete -c genlock -n \"{using}; and {within} >/dev/null\" -f \
         -a \"(__fish_genlock_complete_command ({within}))\"\n"
    )
}

/// Mends clap's condition for what comes after `help`: it looks for any verb on the line, of which `help` is
/// one itself, and is never true.
fn mend_fish_help(text: &str) -> String {
    let using = fish_using("help");
    let condition = format!("{using}; and not __fish_seen_subcommand_from ");
    let mended = format!("{using}; and test (count (commandline -opc)) -eq 2");
    let mut parts = text.split(&condition);
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (_, rest) = part.split_once('"').expect("a condition in quotes");
        text += &format!("{mended}\"{rest}");
    }
    text
}

fn teach_zsh(text: &str, command: &Command) -> String {
    let mut text = text.to_owned();
    for arg in command.get_subcommands().flat_map(Command::get_positionals) {
        let id = arg.get_id();
        if arg.is_trailing_var_arg_set() {
            // With two colons zsh would pass all arguments, KEY as well, to the command's completion
            // (zshcompsys(1), _arguments).
            text = replace(&text, &format!("'*::{id} -- "), &format!("'*:::{id} -- "));
        } else if names_a_lock(arg) {
            let start = format!("{id} -- ");
            let lines = text.lines().map(|line| {
                let is_it = line.trim_start_matches(['\'', ':']).starts_with(&start);
                match line.strip_suffix("_default' \\").filter(|_| is_it) {
                    Some(line) => format!("{line}_genlock_key' \\\n"),
                    None => format!("{line}\n"),
                }
            });
            text = lines.collect();
        }
    }
    let (head, tail) = text.rsplit_once("\nif [").expect("the end of zsh's");
    format!("{head}{ZSH_KEY}\nif [{tail}")
}
