//! The paths that a file's code names, from the root of the library or from a crate.

use std::collections::BTreeMap;

use crate::source::Source;
use crate::tokens::Token;

/// A path, and where it stands.
#[derive(Debug)]
pub(crate) struct Named {
    /// `["crate", "locker", "Held"]`, or `["clap", "Parser"]`; the first word of what is in scope.
    pub(crate) path: Vec<String>,
    /// What `as` calls it.
    pub(crate) alias: Option<String>,
    pub(crate) line: usize,
}

/// All of them but those of tests: in `use`, and those with `::` elsewhere.
pub(crate) fn named(source: &Source) -> Vec<Named> {
    let tokens = &source.tokens;
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let start = at;
        let mut paths = Vec::new();
        let token = &tokens[at];
        if token.text == "use" {
            at = tree(tokens, at + 1, &[], &mut paths);
        } else if token.is_word() && tokens.get(at + 1).is_some_and(|next| next.text == "::") {
            at = chain(tokens, at, &mut paths);
        } else {
            at += 1;
        }
        if !source.items.for_tests[start] {
            let around = [&source.module[..], &source.items.modules[start]].concat();
            found.extend(paths.into_iter().map(|(path, alias)| Named {
                path: from_the_root(path, &around),
                alias,
                line: token.line,
            }));
        }
    }
    found
}

/// A path as it stands in the code, and what `as` calls it.
type Path = (Vec<String>, Option<String>);

/// `a::b::c`, as it stands in code.
fn chain(tokens: &[Token], mut at: usize, paths: &mut Vec<Path>) -> usize {
    let mut path = vec![tokens[at].text.clone()];
    at += 1;
    while let [colons, word, ..] = &tokens[at..]
        && colons.text == "::"
        && word.is_word()
    {
        path.push(word.text.clone());
        at += 2;
    }
    paths.push((path, None));
    at
}

/// A tree of `use`, up to what ends it.
fn tree(tokens: &[Token], mut at: usize, before: &[String], paths: &mut Vec<Path>) -> usize {
    let mut path = before.to_vec();
    let (mut alias, mut is_group) = (None, false);
    while let Some(token) = tokens.get(at) {
        match token.text.as_str() {
            "{" => {
                is_group = true;
                at += 1;
                while tokens
                    .get(at)
                    .is_some_and(|token| !matches!(token.text.as_str(), "}" | ";"))
                {
                    at = tree(tokens, at, &path, paths);
                    if tokens.get(at).is_some_and(|token| token.text == ",") {
                        at += 1;
                    }
                }
            }
            "," | "}" | ";" => break,
            "as" => {
                at += 1;
                alias = tokens.get(at).map(|name| name.text.clone());
            }
            "self" if !path.is_empty() => {}
            _ if token.is_word() => path.push(token.text.clone()),
            _ => {}
        }
        at += 1;
    }
    if !is_group && !path.is_empty() {
        paths.push((path, alias));
    }
    at
}

/// `self` and `super`, said from the root.
fn from_the_root(path: Vec<String>, around: &[String]) -> Vec<String> {
    let mut base = around.to_vec();
    let ups = path.iter().take_while(|word| *word == "super").count();
    let skipped = match path[0].as_str() {
        "super" => {
            base.truncate(around.len().saturating_sub(ups));
            ups
        }
        "self" => 1,
        // The tool's entry names the library so.
        "genlock" => {
            base.clear();
            1
        }
        _ => return path,
    };
    let root = std::iter::once("crate".to_owned());
    let rest = path.into_iter().skip(skipped);
    root.chain(base).chain(rest).collect()
}

/// What stands at the root of the library by a name of its own there: the name, and the path of what
/// it is. The root's `use` says so, and `macro_export` of a macro, wherever that is.
pub(crate) fn of_the_root(sources: &[Source]) -> BTreeMap<String, Vec<String>> {
    let mut names = BTreeMap::new();
    let root = sources.iter().find(|source| source.module.is_empty());
    for Named { path, alias, .. } in root.map(named).unwrap_or_default() {
        if let Some(name) = alias.or(path.last().cloned()) {
            names.insert(name, path);
        }
    }
    for source in sources {
        for name in exported_macros(&source.tokens) {
            let inside = [&source.module[..], std::slice::from_ref(name)].concat();
            let root = std::iter::once("crate".to_owned());
            names.insert(name.clone(), root.chain(inside).collect());
        }
    }
    names
}

/// The names of the macros that any crate may use.
fn exported_macros(tokens: &[Token]) -> impl Iterator<Item = &String> {
    let head = ["macro_export", "]", "macro_rules", "!"];
    tokens.windows(head.len() + 1).filter_map(move |part| {
        let (before, name) = (&part[..head.len()], &part[head.len()]);
        let is_macro = before
            .iter()
            .zip(head)
            .all(|(token, text)| token.text == text);
        is_macro.then_some(&name.text)
    })
}

#[test]
fn paths_are_said_from_the_root() {
    let text = "use super::{lease::{self, Lease}, x as y};\nuse clap::*;\n\
                fn f() -> crate::Result<()> { super::super::g(self::h::<u8>()) }\n\
                mod inner { use super::Own; }\n\
                #[cfg(test)]\nmod tests { use crate::hidden::A; }";
    let source = Source::new("src/a/b.rs", text);
    let said: Vec<String> = named(&source)
        .iter()
        .map(|named| format!("{} {}", named.line, named.path.join("::")))
        .collect();
    let expected = [
        "1 crate::a::lease",
        "1 crate::a::lease::Lease",
        "1 crate::a::x",
        "2 clap",
        "3 crate::Result",
        "3 crate::g",
        "3 crate::a::b::h",
        "4 crate::a::b::Own",
    ];
    assert_eq!(said, expected);
}
