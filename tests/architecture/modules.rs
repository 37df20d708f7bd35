//! Finds which module uses which: resolves the paths in a source tree to the files that define what they name.
//!
//! It sees what a file names by a path or a `use`, through any number of re-exports. A method called on a value names
//! no file, so it does not see that, nor what only tests use.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use crate::words::{Word, words};

/// A module: its names from the crate's root down. The root itself has none.
pub(crate) type Module = Vec<String>;

/// One file uses something of another.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Use {
    pub(crate) from: Module,
    pub(crate) to: Module,
    /// `src/set/index.rs:12 DIGEST`
    pub(crate) proof: String,
}

/// What a module brings into scope.
#[derive(Default)]
struct Scope {
    items: BTreeSet<String>,
    imports: BTreeMap<String, Vec<String>>,
}

#[derive(Default)]
pub(crate) struct Tree {
    scopes: BTreeMap<Module, Scope>,
    /// For each path: the module that contains it, its parts, and its line.
    paths: Vec<(Module, Vec<String>, usize)>,
    files: BTreeMap<Module, String>,
}

impl Tree {
    pub(crate) fn read(source: &Path) -> Self {
        let mut tree = Self::default();
        tree.read_folder(source, source);
        tree
    }

    fn read_folder(&mut self, source: &Path, folder: &Path) {
        for item in fs::read_dir(folder).unwrap() {
            let path = item.unwrap().path();
            if path.is_dir() {
                self.read_folder(source, &path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(source).unwrap().with_extension("");
                let module: Module = name.iter().map(|part| part.to_str().unwrap().to_owned()).collect();
                self.add(&module.join("/"), &fs::read_to_string(&path).unwrap());
            }
        }
    }

    /// Adds a file: its name without `.rs`, as `set/index`, and its text.
    pub(crate) fn add(&mut self, name: &str, text: &str) {
        let module = if name == "lib" { Vec::new() } else { name.split('/').map(str::to_owned).collect() };
        self.files.insert(module.clone(), format!("{name}.rs"));
        self.add_words(module, &words(text));
    }

    fn add_words(&mut self, file: Module, words: &[Word]) {
        let (mut module, mut at) = (file, 0);
        // The depth in braces of each module, the innermost last.
        let (mut depth, mut bases) = (0, vec![0]);
        self.scopes.entry(module.clone()).or_default();
        while at < words.len() {
            let word = words[at].text.as_str();
            match word {
                "{" => depth += 1,
                "}" => {
                    depth -= 1;
                    if bases.len() > 1 && depth < bases[bases.len() - 1] {
                        bases.pop();
                        module.pop();
                    }
                }
                "use" => {
                    at = self.add_use(&module, words, at + 1);
                    continue;
                }
                _ => {}
            }
            // `macro_rules! name`
            let next = words.get(at + if word == "macro_rules" { 2 } else { 1 });
            let at_top = depth == bases[bases.len() - 1];
            if at_top && DEFINES.contains(&word) && next.is_some_and(Word::is_name) {
                let name = next.unwrap().text.clone();
                self.scopes.get_mut(&module).unwrap().items.insert(name.clone());
                if word == "mod" && words.get(at + 2).is_some_and(|word| word.text == "{") {
                    module.push(name);
                    self.scopes.entry(module.clone()).or_default();
                    depth += 1;
                    bases.push(depth);
                    at += 3;
                    continue;
                }
            }
            at = if words[at].is_name() { self.add_path(&module, words, at) } else { at + 1 };
        }
    }

    /// Reads `a::b::c` and returns what follows it.
    fn add_path(&mut self, module: &Module, words: &[Word], start: usize) -> usize {
        let mut parts = vec![words[start].text.clone()];
        let mut at = start + 1;
        while words.get(at).is_some_and(|word| word.text == "::")
            && words.get(at + 1).is_some_and(Word::is_name)
        {
            parts.push(words[at + 1].text.clone());
            at += 2;
        }
        if parts.len() > 1 {
            self.paths.push((module.clone(), parts, words[start].line));
        }
        at
    }

    /// Reads what follows `use`, up to its semicolon, and returns what follows that.
    fn add_use(&mut self, module: &Module, words: &[Word], mut at: usize) -> usize {
        let mut outer: Vec<Vec<String>> = vec![Vec::new()];
        let mut path = Vec::new();
        while at < words.len() {
            let word = &words[at];
            match word.text.as_str() {
                "{" => outer.push(path.clone()),
                "}" => {
                    self.import(module, &mut path, None, word.line);
                    outer.pop();
                }
                "," => {
                    self.import(module, &mut path, None, word.line);
                    path.clone_from(outer.last().unwrap());
                }
                "as" => {
                    at += 1;
                    self.import(module, &mut path, Some(&words[at].text), word.line);
                }
                ";" => {
                    self.import(module, &mut path, None, word.line);
                    return at + 1;
                }
                "::" => {}
                name => path.push(name.to_owned()),
            }
            at += 1;
        }
        at
    }

    fn import(&mut self, module: &Module, path: &mut Vec<String>, name: Option<&str>, line: usize) {
        let mut path = std::mem::take(path);
        if path.last().is_some_and(|last| last == "self") && path.len() > 1 {
            path.pop();
        }
        let Some(last) = path.last().cloned() else { return };
        self.paths.push((module.clone(), path.clone(), line));
        let name = name.unwrap_or(&last).to_owned();
        self.scopes.get_mut(module).unwrap().imports.entry(name).or_insert(path);
    }

    /// Every use of one file by another.
    pub(crate) fn uses(&self) -> BTreeSet<Use> {
        let mut uses = BTreeSet::new();
        for (module, path, line) in &self.paths {
            let Some(target) = self.resolve(module, path, 0) else { continue };
            let (from, to) = (self.file_of(module), self.file_of(&target));
            if from != to {
                let proof = format!("{}:{line} {}", self.files[&from], path.join("::"));
                uses.insert(Use { from, to, proof });
            }
        }
        uses
    }

    /// Returns the module that defines what this path names, if it is one of this crate.
    fn resolve(&self, module: &Module, path: &[String], hops: usize) -> Option<Module> {
        assert!(hops < 32, "{path:?} in {module:?} leads nowhere");
        let mut at = module.clone();
        for (number, part) in path.iter().enumerate() {
            match part.as_str() {
                "crate" => at.clear(),
                "self" => {}
                "super" => drop(at.pop()),
                name => {
                    let scope = &self.scopes[&at];
                    let child: Module = at.iter().cloned().chain([name.to_owned()]).collect();
                    if self.scopes.contains_key(&child) {
                        at = child;
                    } else if scope.items.contains(name) {
                        return Some(at);
                    } else if let Some(import) =
                        scope.imports.get(name).filter(|import| import.as_slice() != path)
                    {
                        let target = self.resolve(&at, import, hops + 1)?;
                        let is_module = self.scopes.contains_key(&target) && target.last() == import.last();
                        if !is_module {
                            return Some(target);
                        }
                        at = target;
                    } else {
                        // At the start of a path this is another crate; further on, something that a macro or a glob
                        // makes.
                        return (number > 0).then_some(at);
                    }
                }
            }
        }
        Some(at)
    }

    fn file_of(&self, module: &Module) -> Module {
        let mut file = module.clone();
        while !self.files.contains_key(&file) {
            file.pop();
        }
        file
    }
}

const DEFINES: [&str; 10] =
    ["const", "enum", "fn", "macro_rules", "mod", "static", "struct", "trait", "type", "union"];
