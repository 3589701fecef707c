//! The man pages of genlock and of each verb, from the options and the text of help.

use std::path::Path;

use clap::{Arg, ArgAction, Command};

use super::File;
use super::concepts;
use super::roff::{bold, escape, examples, italic, prose, section};

/// The date in the pages' headers: when their text was last changed (man-pages(7)).
const DATE: &str = "2026-11-25";

/// Sections of help that are left out of genlock(1) and the verbs' pages, since genlock(7) has them.
const CONCEPTS: [&str; 3] = ["Promise", "Times", "Stores"];

/// The sections that come last, in the order of man-pages(7).
const LAST: [&str; 3] = ["Files", "Notes", "Examples"];

pub(super) fn files(command: &Command) -> Vec<File> {
    let verbs = command.get_subcommands().filter(|v| v.get_name() != "help");
    let verbs: Vec<_> = verbs.collect();
    let names: Vec<_> = verbs
        .iter()
        .map(|v| format!("genlock-{}", v.get_name()))
        .collect();
    let version = command.get_version().unwrap_or_default();
    let page = |name: &str, number: u8, text: String| {
        let title = format!(
            ".\\\" Made by examples/generate; change the options, help or docs/ instead.\n\
             .TH {} {number} {DATE} \"genlock {}\" genlock\n.nh\n.ad l\n",
            escape(&name.to_uppercase()),
            escape(version)
        );
        let pages = names.iter().map(|name| (name.as_str(), 1));
        let others = [("genlock", 1)].into_iter().chain(pages);
        let others = others.chain([("genlock", 7), ("flock", 1)]);
        let see: Vec<_> = others
            .filter(|other| *other != (name, number))
            .map(|(name, number)| format!("{}({number})", bold(name)))
            .collect();
        let see = format!(".SH SEE ALSO\n{}\n", see.join(",\n"));
        let path = Path::new("man").join(format!("{name}.{number}"));
        (path, filled(&(title + &text + &see)))
    };
    let mut files = vec![page("genlock", 1, text("genlock", command))];
    for (verb, name) in verbs.iter().zip(&names) {
        files.push(page(name, 1, text(name, verb)));
    }
    let run = command.find_subcommand("run").expect("a verb");
    files.push(page("genlock", 7, concepts::text(&sections(run))));
    files
}

/// The page's source with lines of at most 80 columns where man(1) fills them anyway, and without `.PP` at
/// the start of a section: mandoc -Tlint complains of both.
fn filled(page: &str) -> String {
    let mut filled = String::new();
    let mut before = "";
    let mut verbatim = false;
    for line in page.lines() {
        verbatim = matches!(line, ".EX" | ".nf") || (verbatim && !matches!(line, ".EE" | ".fi"));
        let begins = before.starts_with(".SH ") || before.starts_with(".SS ");
        let is_text = !line.starts_with('.') && !verbatim;
        if line == ".PP" && begins {
            continue;
        }
        if is_text && before != ".TP" && before != ".SH NAME" {
            let mut width = 0;
            for word in line.split(' ') {
                let fits = width + 1 + word.len() <= 80;
                if width > 0 {
                    filled.push(if fits { ' ' } else { '\n' });
                    width = if fits { width + 1 } else { 0 };
                }
                // Only at the start of a line a dot begins a request.
                let guard = if width == 0 && word.starts_with('.') {
                    "\\&"
                } else {
                    ""
                };
                filled.push_str(&format!("{guard}{word}"));
                width += guard.len() + word.len();
            }
        } else {
            filled.push_str(line);
        }
        filled.push('\n');
        before = line;
    }
    filled
}

/// The sections above and below the options in `--help`, each with its heading.
fn sections(command: &Command) -> Vec<(String, String)> {
    let above = command.get_before_long_help().or(command.get_before_help());
    let below = command.get_after_long_help();
    let both = above.into_iter().chain(below).map(ToString::to_string);
    let both = both.collect::<Vec<_>>().join("\n\n");
    let sections = both
        .split("\n\n")
        .filter_map(|section| section.split_once(":\n"));
    let owned = |(heading, lines): (&str, &str)| (heading.to_owned(), lines.to_owned());
    sections.map(owned).collect()
}

fn text(name: &str, command: &Command) -> String {
    let about = command
        .get_about()
        .map(ToString::to_string)
        .unwrap_or_default();
    let mut text = format!(".SH NAME\n{} \\- {}\n", escape(name), escape(&about));
    text += &format!(".SH SYNOPSIS\n{}\n", synopsis(command));
    text += ".SH DESCRIPTION\n";
    let long = command.get_long_about().map(ToString::to_string);
    for (at, paragraph) in long.unwrap_or(about).split("\n\n").enumerate() {
        let begin = if at > 0 { ".PP\n" } else { "" };
        text += &format!("{begin}{}\n", prose(&ended(paragraph)));
    }
    for positional in command.get_positionals() {
        text += &format!(".TP\n{}\n{}\n", placeholder(positional), help(positional));
    }
    if command.get_subcommands().next().is_some() {
        let more =
            "What is promised, and what becomes of it when something fails, is in genlock(7).";
        text += &format!("{}\n", prose(more));
    }
    text += &options(command);
    text += &verbs(command);
    let sections = sections(command);
    let is_early = |heading: &str| {
        let of_both = heading == "Exit status" || heading.starts_with("Environment");
        !of_both && !CONCEPTS.contains(&heading) && !LAST.contains(&heading)
    };
    for (heading, lines) in sections.iter().filter(|(heading, _)| is_early(heading)) {
        text += &format!(".SH {}\n{}", heading.to_uppercase(), section(lines));
    }
    text += ".SH EXIT STATUS\n";
    match sections
        .iter()
        .find(|(heading, _)| heading == "Exit status")
    {
        Some((_, lines)) => text += &section(lines),
        None => text += &format!("As of {}(7); 0 on success.\n", bold("genlock")),
    }
    text += &environment(command, &sections);
    for heading in LAST {
        if let Some((_, lines)) = sections.iter().find(|(found, _)| found == heading) {
            let shown = if heading == "Examples" {
                examples(lines)
            } else {
                section(lines)
            };
            text += &format!(".SH {}\n{shown}", heading.to_uppercase());
        }
    }
    text
}

/// The list of verbs, with their pages; empty for a verb itself.
fn verbs(command: &Command) -> String {
    let mut text = String::new();
    for verb in command.get_subcommands().filter(|v| v.get_name() != "help") {
        let name = format!("genlock-{}", verb.get_name());
        let about = verb
            .get_about()
            .map(ToString::to_string)
            .unwrap_or_default();
        text += &format!(".TP\n{}(1)\n{}\n", bold(&name), prose(&ended(&about)));
    }
    if text.is_empty() {
        return text;
    }
    format!(".SH VERBS\n{text}")
}

/// The sentence with a full stop at its end.
fn ended(text: &str) -> String {
    let text = text.trim_end();
    let dot = if text.ends_with(['.', ':', '?']) {
        ""
    } else {
        "."
    };
    format!("{text}{dot}")
}

fn synopsis(command: &Command) -> String {
    let mut words = vec![bold(command.get_bin_name().unwrap_or("genlock"))];
    if command.get_subcommands().next().is_some() {
        words.push(format!("{} [{}]...", italic("VERB"), italic("ARGUMENT")));
        return words.join(" ");
    }
    words.push(format!("[{}]...", italic("OPTION")));
    for positional in command.get_positionals() {
        let shown = placeholder(positional);
        words.push(match positional.is_required_set() {
            true => shown,
            false => format!("[{shown}]"),
        });
    }
    words.join(" ")
}

/// `COMMAND...`, in italics.
fn placeholder(arg: &Arg) -> String {
    let names = arg.get_value_names().unwrap_or_default();
    let names: Vec<_> = names.iter().map(|name| italic(name)).collect();
    let many = arg
        .get_num_args()
        .is_some_and(|count| count.max_values() > 1);
    format!("{}{}", names.join(" "), if many { "..." } else { "" })
}

fn help(arg: &Arg) -> String {
    let help = arg
        .get_long_help()
        .or(arg.get_help())
        .map(ToString::to_string);
    let help = help.unwrap_or_default();
    let sentences: Vec<_> = help.split("\n\n").map(ended).collect();
    prose(&sentences.join(" "))
}

/// The options. Those under a heading of their own are in a subsection.
fn options(command: &Command) -> String {
    let mut text = ".SH OPTIONS\n".to_owned();
    let shown: Vec<_> = command
        .get_arguments()
        .filter(|arg| !arg.is_positional() && !arg.is_hide_set())
        .collect();
    let mut headings: Vec<Option<&str>> = Vec::new();
    for option in &shown {
        if !headings.contains(&option.get_help_heading()) {
            headings.push(option.get_help_heading());
        }
    }
    headings.sort_by_key(Option::is_some);
    for heading in headings {
        if let Some(heading) = heading {
            text += &format!(".SS {heading}\n");
        }
        for option in shown.iter().filter(|o| o.get_help_heading() == heading) {
            text += &format!(".TP\n{}\n{}\n", names(option), help(option));
            let values = option.get_possible_values();
            if option.get_action().takes_values() && !values.is_empty() {
                let values: Vec<_> = values.iter().map(|value| bold(value.get_name())).collect();
                text += &format!("One of {}.\n", values.join(", "));
            }
            let default = option.get_default_values().first();
            if let Some(default) = default.filter(|_| option.get_action().takes_values()) {
                text += &format!("[default: {}]\n", escape(&default.to_string_lossy()));
            }
            if let Some(variable) = option.get_env() {
                text += &format!("[env: {}]\n", escape(&variable.to_string_lossy()));
            }
        }
    }
    text
}

fn names(option: &Arg) -> String {
    let short = option.get_short().map(|short| format!("-{short}"));
    let long = option.get_long().map(|long| format!("--{long}"));
    let names: Vec<_> = short.iter().chain(&long).map(|name| bold(name)).collect();
    let value = match option.get_action() {
        ArgAction::Set | ArgAction::Append => format!(" {}", placeholder(option)),
        _ => String::new(),
    };
    names.join(", ") + &value
}

/// The section of help about the environment, and the variables of the options.
fn environment(command: &Command, sections: &[(String, String)]) -> String {
    let mut text = ".SH ENVIRONMENT\n".to_owned();
    let mut told = false;
    for (heading, lines) in sections {
        if let Some(of) = heading.strip_prefix("Environment ") {
            let mut letters = of.chars();
            let first = letters.next().map(|c| c.to_ascii_uppercase());
            let of: String = first.into_iter().chain(letters).collect();
            text += &format!(".SS {}\n{}", escape(&of), section(lines));
            told = true;
        }
    }
    let mut variables = command
        .get_arguments()
        .filter_map(|arg| Some((arg.get_env()?.to_str()?, arg.get_long()?)))
        .peekable();
    if variables.peek().is_none() && !told {
        return text + &format!("See {}(7).\n", bold("genlock"));
    }
    if told {
        return text;
    }
    text += &format!(
        "The variables of options count where the option is not given; those of etcdctl where\n\
         neither is. See {}(7) for the others.\n",
        bold("genlock")
    );
    for (variable, option) in variables {
        text += &format!(
            ".TP\n{}\n{}\n",
            bold(variable),
            bold(&format!("--{option}"))
        );
    }
    text
}
