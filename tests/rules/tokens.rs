//! The words and marks of Rust's text.

use crate::blank::{blank, is_of_word};

/// A word, `::`, or another mark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) text: String,
    pub(crate) line: usize,
}

impl Token {
    pub(crate) fn is_word(&self) -> bool {
        self.text.starts_with(is_of_word)
    }
}

/// All of a text that are code.
pub(crate) fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    for (index, line) in blank(text).lines().enumerate() {
        let mut rest = line.trim_start();
        while let Some(letter) = rest.chars().next() {
            let length = match rest.find(|letter| !is_of_word(letter)) {
                Some(0) if rest.starts_with("::") => 2,
                Some(0) => letter.len_utf8(),
                Some(word) => word,
                None => rest.len(),
            };
            let (text, after) = rest.split_at(length);
            tokens.push(Token {
                text: text.to_owned(),
                line: index + 1,
            });
            rest = after.trim_start();
        }
    }
    tokens
}
