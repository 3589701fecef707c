//! What a file defines: functions, types and modules, and which of its code is for tests only.

use crate::tokens::Token;

/// A function with a body.
pub(crate) struct Function {
    pub(crate) name: String,
    pub(crate) first: usize,
    pub(crate) last: usize,
}

/// A type, by the name that it is defined with.
pub(crate) struct Type {
    pub(crate) name: String,
    pub(crate) line: usize,
    pub(crate) is_for_tests: bool,
}

/// What is found in a file.
#[derive(Default)]
pub(crate) struct Items {
    pub(crate) functions: Vec<Function>,
    pub(crate) types: Vec<Type>,
    /// The modules within the file that each of its tokens is in.
    pub(crate) modules: Vec<Vec<String>>,
    /// Whether each of its tokens is compiled for tests only.
    pub(crate) for_tests: Vec<bool>,
    /// The modules in files of their own that are.
    pub(crate) test_modules: Vec<String>,
}

/// What a pair of braces is.
#[derive(Clone)]
enum Braces {
    Module,
    Function {
        name: String,
        line: usize,
    },
    /// Its types are not its own: `impl` and `trait`.
    Implementation,
    Other,
}

struct Scope {
    braces: Braces,
    is_for_tests: bool,
    /// How deep we are in what is not braces, outside of it.
    depth: usize,
    /// What stands before, where it goes on behind these braces.
    head: Vec<Token>,
}

/// Reads a file.
pub(crate) fn items(tokens: &[Token]) -> Items {
    let mut reader = Reader::default();
    for (at, token) in tokens.iter().enumerate() {
        reader.token(tokens, at, token);
    }
    reader.items
}

#[derive(Default)]
struct Reader {
    items: Items,
    scopes: Vec<Scope>,
    modules: Vec<String>,
    /// What stands before, back to the end of the item or statement before.
    head: Vec<Token>,
    /// How deep we are in parentheses and brackets.
    depth: usize,
}

impl Reader {
    fn token(&mut self, tokens: &[Token], at: usize, token: &Token) {
        let is_for_tests = self.is_for_tests();
        self.items.modules.push(self.modules.clone());
        self.items.for_tests.push(is_for_tests);
        match token.text.as_str() {
            "{" => return self.open(is_for_tests),
            "}" => return self.close(token.line),
            "(" | "[" => self.depth += 1,
            ")" | "]" => self.depth = self.depth.saturating_sub(1),
            ";" if self.depth == 0 => {
                if let (true, Some(name)) = (is_for_tests, after(&self.head, "mod")) {
                    self.items.test_modules.push(name);
                }
                self.head.clear();
                return;
            }
            "struct" | "enum" | "trait" | "type" => self.define(tokens, at, is_for_tests),
            _ => {}
        }
        self.head.push(token.clone());
    }

    fn is_for_tests(&self) -> bool {
        let around = self.scopes.last().is_some_and(|scope| scope.is_for_tests);
        around || is_marked(&self.head)
    }

    fn define(&mut self, tokens: &[Token], at: usize, is_for_tests: bool) {
        let is_own = !matches!(
            self.scopes.last(),
            Some(Scope {
                braces: Braces::Implementation,
                ..
            })
        );
        // Not a word behind `r#`, nor a macro's variable.
        let is_item = at == 0 || tokens[at - 1].text != "#";
        if let Some(name) = tokens.get(at + 1)
            && name.is_word()
            && is_own
            && is_item
            && self.depth == 0
        {
            self.items.types.push(Type {
                name: name.text.clone(),
                line: name.line,
                is_for_tests,
            });
        }
    }

    fn open(&mut self, is_for_tests: bool) {
        let head = std::mem::take(&mut self.head);
        // A parameter that is taken apart: the function's own braces are yet to come.
        let is_parameter = self.depth > 0 && after(&head, "fn").is_some();
        let is_implementation = || head.iter().any(|t| t.text == "impl" || t.text == "trait");
        let braces = if is_parameter {
            Braces::Other
        } else if let Some(name) = after(&head, "fn") {
            let line = head.iter().find(|t| t.text == "fn").map_or(0, |t| t.line);
            Braces::Function { name, line }
        } else if let Some(name) = after(&head, "mod") {
            self.modules.push(name);
            Braces::Module
        } else if is_implementation() {
            Braces::Implementation
        } else {
            Braces::Other
        };
        self.scopes.push(Scope {
            braces,
            is_for_tests,
            depth: std::mem::take(&mut self.depth),
            head: if is_parameter { head } else { Vec::new() },
        });
    }

    fn close(&mut self, line: usize) {
        self.head.clear();
        let Some(scope) = self.scopes.pop() else {
            return;
        };
        self.depth = scope.depth;
        self.head = scope.head;
        match scope.braces {
            Braces::Module => {
                self.modules.pop();
            }
            Braces::Function { name, line: first } => self.items.functions.push(Function {
                name,
                first,
                last: line,
            }),
            Braces::Implementation | Braces::Other => {}
        }
    }
}

/// The word that stands after this one.
fn after(head: &[Token], word: &str) -> Option<String> {
    let at = head.iter().position(|token| token.text == word)?;
    let name = head.get(at + 1)?;
    name.is_word().then(|| name.text.clone())
}

/// Whether an attribute says `cfg(test)`.
fn is_marked(head: &[Token]) -> bool {
    let says = |words: &[&str]| {
        head.windows(words.len()).any(|part| {
            part.iter()
                .zip(words)
                .all(|(token, word)| token.text == *word)
        })
    };
    says(&["cfg", "(", "test", ")"]) || says(&["cfg", "(", "all", "(", "test"])
}
