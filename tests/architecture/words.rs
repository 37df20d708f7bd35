//! Rust source as words: no comments, no text in quotes, no `#[cfg(test)]` items.

/// A name, `::` or one other character, and its line.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Word {
    pub(crate) text: String,
    pub(crate) line: usize,
}

impl Word {
    pub(crate) fn is_name(&self) -> bool {
        self.text.starts_with(|c: char| c.is_alphabetic() || c == '_')
    }
}

/// The words of a source file, without what only tests see.
pub(crate) fn words(source: &str) -> Vec<Word> {
    without_tests(all_words(source))
}

fn all_words(source: &str) -> Vec<Word> {
    let chars: Vec<char> = source.chars().collect();
    let (mut words, mut at, mut line) = (Vec::new(), 0, 1);
    while at < chars.len() {
        let start = at;
        let rest = &chars[at..];
        let c = chars[at];
        if rest.starts_with(&['/', '/']) {
            at += rest.iter().position(|c| *c == '\n').unwrap_or(rest.len());
        } else if rest.starts_with(&['/', '*']) {
            at += block_comment(rest);
        } else if let Some(length) = quoted(rest) {
            at += length;
        } else if c.is_alphanumeric() || c == '_' {
            at += rest.iter().position(|c| !c.is_alphanumeric() && *c != '_').unwrap_or(rest.len());
            words.push(Word { text: chars[start..at].iter().collect(), line });
        } else if rest.starts_with(&[':', ':']) {
            at += 2;
            words.push(Word { text: "::".into(), line });
        } else {
            at += 1;
            if !c.is_whitespace() {
                words.push(Word { text: c.into(), line });
            }
        }
        line += chars[start..at].iter().filter(|c| **c == '\n').count();
    }
    words
}

fn block_comment(rest: &[char]) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        match rest[at..] {
            ['/', '*', ..] => (depth, at) = (depth + 1, at + 2),
            ['*', '/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

/// The length of the literal in quotes that begins here: `"…"`, `b"…"`, `r#"…"#`, `'x'`, but not `'lifetime`.
fn quoted(rest: &[char]) -> Option<usize> {
    let prefix = rest.iter().take_while(|c| matches!(c, 'b' | 'c' | 'r')).count();
    let raw = prefix > 0 && rest[prefix - 1] == 'r';
    let hashes = if raw { rest[prefix..].iter().take_while(|c| **c == '#').count() } else { 0 };
    let open = prefix + hashes;
    let quote = *rest.get(open)?;
    match quote {
        '"' if raw => {
            let end = |at: usize| rest[at] == '"' && rest[at + 1..].iter().take(hashes).all(|c| *c == '#');
            Some((open + 1..rest.len()).find(|at| end(*at)).map_or(rest.len(), |at| at + 1 + hashes))
        }
        '"' => Some(escaped(rest, open)),
        '\'' if hashes == 0 => {
            let is_char = rest.get(open + 1) == Some(&'\\') || rest.get(open + 2) == Some(&'\'');
            is_char.then(|| escaped(rest, open))
        }
        _ => None,
    }
}

fn escaped(rest: &[char], open: usize) -> usize {
    let mut at = open + 1;
    while at < rest.len() && rest[at] != rest[open] {
        at += if rest[at] == '\\' { 2 } else { 1 };
    }
    (at + 1).min(rest.len())
}

fn without_tests(words: Vec<Word>) -> Vec<Word> {
    let marker = ["#", "[", "cfg", "(", "test", ")", "]"];
    let (mut kept, mut at) = (Vec::new(), 0);
    while at < words.len() {
        let texts = words[at..].iter().map(|word| word.text.as_str());
        if texts.take(marker.len()).eq(marker) {
            at = end_of_item(&words, at + marker.len());
        } else {
            kept.push(words[at].clone());
            at += 1;
        }
    }
    kept
}

/// Returns where the item that begins at `at` ends: after its `;`, or after its closing brace.
fn end_of_item(words: &[Word], mut at: usize) -> usize {
    let mut depth = 0;
    while at < words.len() {
        match words[at].text.as_str() {
            "{" | "(" | "[" => depth += 1,
            ")" | "]" => depth -= 1,
            "}" => depth -= 1,
            _ => {}
        }
        at += 1;
        let ends = words[at - 1].text == ";" || words[at - 1].text == "}";
        if depth == 0 && ends {
            // `use x::{a, b};` has its semicolon after the brace.
            let semicolon = words.get(at).is_some_and(|next| next.text == ";");
            return if semicolon { at + 1 } else { at };
        }
    }
    at
}
