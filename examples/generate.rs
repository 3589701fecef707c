//! Writes `completions/` and `man/` from the options: `cargo run --example generate`. A test holds
//! the committed files equal to them.

use std::io;
use std::path::{Path, PathBuf};

use clap_complete::{Shell, generate};
use clap_mangen::Man;

/// Every generated file: its path below the repository, and its text.
pub(crate) fn files() -> io::Result<Vec<(PathBuf, Vec<u8>)>> {
    let mut files = Vec::new();
    for (shell, name) in [
        (Shell::Bash, "genlock.bash"),
        (Shell::Zsh, "_genlock"),
        (Shell::Fish, "genlock.fish"),
    ] {
        let mut text = Vec::new();
        generate(shell, &mut genlock::cli::command(), "genlock", &mut text);
        files.push((Path::new("completions").join(name), text));
    }
    let mut command = genlock::cli::command();
    command.build();
    files.push(page(&command, "genlock")?);
    for verb in command.get_subcommands() {
        if verb.get_name() != "help" {
            files.push(page(verb, &format!("genlock-{}", verb.get_name()))?);
        }
    }
    Ok(files)
}

/// One page: clap's sections, then a section for each of those below the options in `--help`.
fn page(command: &clap::Command, name: &str) -> io::Result<(PathBuf, Vec<u8>)> {
    let title = name.to_owned();
    let man = Man::new(command.clone().display_name(title)).manual("genlock");
    let mut text = Vec::new();
    man.render_title(&mut text)?;
    man.render_name_section(&mut text)?;
    man.render_synopsis_section(&mut text)?;
    man.render_description_section(&mut text)?;
    man.render_options_section(&mut text)?;
    if command.get_subcommands().next().is_some() {
        man.render_subcommands_section(&mut text)?;
    }
    let below = command.get_after_long_help().map(ToString::to_string);
    for section in below.unwrap_or_default().split("\n\n") {
        let (heading, lines) = section.split_once(":\n").unwrap_or(("Notes", section));
        text.extend(format!(".SH {}\n.nf\n", heading.to_uppercase()).bytes());
        for line in lines.lines() {
            let line = line.strip_prefix("  ").unwrap_or(line);
            let line = line.replace('\\', "\\e").replace('-', "\\-");
            // A line that begins with a dot or a quote is a request (groff(7)).
            let guard = if line.starts_with(['.', '\'']) {
                "\\&"
            } else {
                ""
            };
            text.extend(format!("{guard}{line}\n").bytes());
        }
        text.extend(b".fi\n");
    }
    Ok((Path::new("man").join(format!("{name}.1")), text))
}

#[allow(dead_code)] // The test that includes this file only wants `files`.
fn main() -> io::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (path, text) in files()? {
        let path = root.join(path);
        if let Some(directory) = path.parent() {
            std::fs::create_dir_all(directory)?;
        }
        std::fs::write(path, text)?;
    }
    Ok(())
}
