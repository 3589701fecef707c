//! What a text may speak of: the library of settings, never of the tool's options and variables.
//! The tool decides by kinds and subjects, never by what an error says.

use std::path::Path;

use crate::Finding;
use crate::source::below;

/// Options of the stores' own programs, which the library may name.
const OF_STORES: [&str; 3] = ["--prefix=", "--quota-backend-bytes", "--trusted-ca-file"];

/// What only the tool says.
fn of_the_tool(line: &str) -> Option<&'static str> {
    let mut line = line.to_owned();
    for option in OF_STORES {
        line = line.replace(option, "");
    }
    let option = line.match_indices("--").any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + 2..].chars().next();
        before.is_none_or(|c| !c.is_alphanumeric() && c != '-')
            && after.is_some_and(|c| c.is_ascii_lowercase())
    });
    if option {
        Some("an option")
    } else if line.contains("$GENLOCK") {
        Some("a variable")
    } else if line.contains("`genlock ") {
        Some("a line of the tool's")
    } else {
        None
    }
}

/// What decides by the text of an error.
fn by_text(line: &str) -> Option<&'static str> {
    let texts = ["error.to_string()", "error.reason()"];
    let looks = [".contains(", ".starts_with(", ".ends_with("];
    let found = texts.iter().any(|text| {
        let behind = line.split(text).skip(1);
        behind
            .into_iter()
            .any(|rest| looks.iter().any(|look| rest.starts_with(look)))
    });
    found.then_some("an error's text")
}

/// Looks at each line that is neither a comment nor in the tests at the end of a file.
fn look(path: &str, text: &str, rule: fn(&str) -> Option<&'static str>) -> Vec<Finding> {
    let code = text.lines().take_while(|line| *line != "#[cfg(test)]");
    let lines = code
        .enumerate()
        .map(|(index, line)| (index + 1, line.trim_start()));
    let lines = lines.filter(|(_, line)| !line.starts_with("//"));
    lines
        .filter_map(|(number, line)| {
            let what = rule(line)?;
            Some(Finding {
                path: path.to_owned(),
                line: number,
                what: what.to_owned(),
                advice: "say it by a kind and a subject of the error".to_owned(),
            })
        })
        .collect()
}

/// A store that is named: the list of stores has what is to be said of it. etcdctl is a program.
fn a_store(line: &str) -> Option<&'static str> {
    let is_word = |(at, name): (usize, &str)| {
        let is_part = |c: char| c.is_alphanumeric() || c == '_';
        let (before, after) = (&line[..at], &line[at + name.len()..]);
        !before.ends_with(is_part) && !after.starts_with(is_part)
    };
    let names = ["etcd", "redis", "zookeeper"].iter();
    let is_named = names
        .clone()
        .any(|name| line.match_indices(name).any(is_word));
    (is_named || line.contains("\"file:")).then_some("a store")
}

/// Of all below a folder, or in a file.
fn findings(within: &[&str], rule: fn(&str) -> Option<&'static str>) -> Vec<Finding> {
    let sources = below("src");
    let sources = sources
        .iter()
        .filter(|source| within.iter().any(|start| source.path.starts_with(start)));
    let found = sources.flat_map(|source| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(root.join(&source.path)).expect("a file's text");
        look(&source.path, &text, rule)
    });
    found.collect()
}

#[test]
fn the_library_speaks_of_no_option_and_no_variable() {
    crate::judge(&findings(&["src/locker", "src/error"], of_the_tool));
}

#[test]
fn the_tool_decides_by_no_text_of_an_error() {
    crate::judge(&findings(&["src/cli"], by_text));
}

#[test]
fn the_tool_names_no_store() {
    let mut found = findings(&["src/cli", "src/progress"], a_store);
    // What etcdctl's variables mean.
    found.retain(|one| one.path != "src/cli/settings/etcdctl.rs");
    crate::judge(&found);
}

#[test]
fn what_speaks_of_the_tool_or_decides_by_text_is_found() {
    let text = "let a = \"use --cert\";\n// --key\nlet b = \"$GENLOCK_CERT\";\nx - --y;\nz--z\n\
                #[cfg(test)]\nlet c = \"--cert\";";
    let found = look("src/locker/a.rs", text, of_the_tool);
    let found: Vec<_> = found.iter().map(|finding| finding.line).collect();
    assert_eq!(found, [1, 3, 4]);
    let found = look(
        "src/cli/a.rs",
        "if error.to_string().contains(\"x\") {",
        by_text,
    );
    assert_eq!(found.len(), 1);
    let text = "a(\"in etcd\");\nb(\"etcdctl\");\nc(\"file:\");\nfn d(file: &File)";
    let found = look("src/cli/a.rs", text, a_store);
    let found: Vec<_> = found.iter().map(|finding| finding.line).collect();
    assert_eq!(found, [1, 3]);
}
