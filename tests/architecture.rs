//! Arrows between modules point down, as ARCHITECTURE.md draws them, and nothing goes in circles.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use modules::{Module, Tree, Use};

#[path = "architecture/modules.rs"]
mod modules;
#[path = "architecture/words.rs"]
mod words;

const CRATES: [&str; 4] = ["src", "bindings/c/src", "bindings/node/src", "bindings/python/src"];

fn tree(source: &str) -> Tree {
    Tree::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join(source))
}

/// Finds circles between modules with the same parent. What is in a folder counts as the module that the folder belongs
/// to. A parent and its children count as one, so they form no circle.
fn circles(uses: &BTreeSet<Use>) -> Vec<String> {
    let mut arrows: BTreeMap<Module, BTreeMap<Module, &Use>> = BTreeMap::new();
    for used in uses {
        let common = used.from.iter().zip(&used.to).take_while(|(a, b)| a == b).count();
        if let (Some(_), Some(_)) = (used.from.get(common), used.to.get(common)) {
            let (from, to) = (used.from[..=common].to_vec(), used.to[..=common].to_vec());
            arrows.entry(from).or_default().entry(to).or_insert(used);
        }
    }
    let mut found = BTreeMap::new();
    for (from, targets) in &arrows {
        for to in targets.keys() {
            if let Some(mut way) = shortest(&arrows, to, from) {
                way.insert(0, from.clone());
                way.pop();
                let members: BTreeSet<_> = way.iter().cloned().collect();
                let step = |n: usize| {
                    let used = arrows[&way[n]][&way[(n + 1) % way.len()]];
                    format!("\n    {} -> {}", used.proof, used.to.join("/"))
                };
                let names = way.iter().map(|module| module.join("/")).collect::<Vec<_>>().join(" -> ");
                let text = format!("{names}{}", (0..way.len()).map(step).collect::<String>());
                found.entry(members).or_insert(text);
            }
        }
    }
    found.into_values().collect()
}

fn shortest(
    arrows: &BTreeMap<Module, BTreeMap<Module, &Use>>,
    from: &Module,
    to: &Module,
) -> Option<Vec<Module>> {
    let mut ways = vec![vec![from.clone()]];
    let mut seen = BTreeSet::from([from.clone()]);
    while !ways.is_empty() {
        if let Some(way) = ways.iter().find(|way| way.last() == Some(to)) {
            return Some(way.clone());
        }
        let mut longer = Vec::new();
        for way in ways {
            for next in arrows.get(&way[way.len() - 1]).into_iter().flat_map(BTreeMap::keys) {
                if seen.insert(next.clone()) {
                    longer.push(way.iter().cloned().chain([next.clone()]).collect());
                }
            }
        }
        ways = longer;
    }
    None
}

#[test]
fn modules_do_not_go_in_circles() {
    let mut all = Vec::new();
    for source in CRATES {
        let found = circles(&tree(source).uses());
        println!("{source}: {} circles", found.len());
        all.extend(found.into_iter().map(|circle| format!("{source}: {circle}")));
    }
    assert!(all.is_empty(), "{}", all.join("\n"));
}

/// Reads the arrows of ARCHITECTURE.md: from each module of the crate's root to those that it names.
fn drawn() -> Vec<(String, Vec<String>)> {
    let text = include_str!("../ARCHITECTURE.md");
    let (_, after) = text.split_once("Arrows point down only").expect("ARCHITECTURE.md draws arrows");
    let picture = after.split("```").nth(1).unwrap_or_default();
    let arrows = picture.lines().filter_map(|line| line.split_once("->"));
    let names =
        |text: &str| text.split([',', ' ']).filter(|name| !name.is_empty()).map(str::to_owned).collect();
    arrows
        .flat_map(|(from, to)| {
            let to: Vec<_> = names(to);
            names(from).into_iter().map(move |from: String| (from, to.clone())).collect::<Vec<_>>()
        })
        .collect()
}

#[test]
fn arrows_point_down_as_they_are_drawn() {
    let drawn = drawn();
    assert!(drawn.len() > 8, "{drawn:?}");
    // What each module reaches. Below means on a later line, so one pass from the bottom up is enough.
    let mut reached: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::from([("error", BTreeSet::new())]);
    for (from, to) in drawn.iter().rev() {
        let mut all = BTreeSet::new();
        for name in to {
            let below = reached.get(name.as_str());
            assert!(below.is_some(), "ARCHITECTURE.md draws {from} -> {name}, which does not point down");
            all.extend(below.into_iter().flatten().copied().chain([name.as_str()]));
        }
        reached.insert(from, all);
    }
    let uses = tree("src").uses();
    let mut used = BTreeSet::new();
    for found in &uses {
        let (Some(from), Some(to)) = (found.from.first(), found.to.first()) else { continue };
        if from != to {
            let allowed = reached.get(from.as_str()).is_some_and(|below| below.contains(to.as_str()));
            assert!(allowed, "{}: ARCHITECTURE.md draws no arrow from {from} to {to}", found.proof);
            used.insert((from, to));
        }
    }
    println!(
        "{} arrows between modules of the root, from {} uses of one file by another",
        used.len(),
        uses.len()
    );
    for (from, to) in &drawn {
        for to in to {
            assert!(used.contains(&(from, to)), "ARCHITECTURE.md draws {from} -> {to}, which no file needs");
        }
    }
}

/// A tree of these files, `name: text`.
/// What a run or a test drops into the repository does not become part of it.
#[test]
fn what_is_at_the_top_is_in_the_picture() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let listed = Command::new("git").arg("ls-files").current_dir(root).output();
    let Some(listed) = listed.ok().filter(|listed| listed.status.success()) else {
        return println!("passed over: this is not a repository, or there is no git");
    };
    let listed = String::from_utf8(listed.stdout).unwrap();
    let picture = std::fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap();
    let tops: BTreeSet<&str> = listed.lines().filter_map(|path| path.split('/').next()).collect();
    assert!(tops.contains("src") && tops.contains("ARCHITECTURE.md"), "{tops:?}");
    for top in tops.into_iter().filter(|top| !top.starts_with('.')) {
        let is_drawn = root.join(top).is_dir() && picture.contains(&format!("\n{top}/"));
        let is_text = [".md", ".toml"].iter().any(|end| top.ends_with(end));
        let is_legal = top.starts_with("LICENSE-") || top == "THIRD-PARTY-NOTICES";
        assert!(is_drawn || is_text || is_legal || top == "Cargo.lock", "{top} is not in ARCHITECTURE.md");
    }
}

fn sample(files: &[(&str, &str)]) -> BTreeSet<Use> {
    let mut tree = Tree::default();
    files.iter().for_each(|(name, text)| tree.add(name, text));
    tree.uses()
}

fn arrows(uses: &BTreeSet<Use>) -> Vec<String> {
    let arrows: BTreeSet<_> =
        uses.iter().map(|used| format!("{}>{}", used.from.join("/"), used.to.join("/"))).collect();
    arrows.into_iter().collect()
}

#[test]
fn uses_are_found_in_every_spelling() {
    let b = ("b", "pub struct B; pub fn f() {} macro_rules! m { () => {} } pub(crate) use m;");
    for text in [
        "use crate::b::B;",
        "use super::b;",
        "use super::{c, b::{self, f as g}};",
        "fn x() { crate::b::f() }",
        "fn x() { use crate::B; }",
        "mod inner { use super::super::b::B; }",
        "use crate::b::m;",
        "fn x<'a>(_: &'a str) -> char { super::b::f(); '\\'' }",
    ] {
        let files = [("lib", "mod a; mod b; mod c; pub use b::B;"), ("a", text), b, ("c", "pub struct C;")];
        assert!(arrows(&sample(&files)).contains(&"a>b".to_owned()), "{text}");
    }
    for text in [
        "// use crate::b::B;",
        "/* /* */ use crate::b::B; */",
        "const X: &str = \"use crate::b::B;\";",
        "const X: &str = r#\"\"use crate::b::B;\"#;",
        "#[cfg(test)] mod tests { use crate::b::B; }",
        "#[cfg(test)] use crate::b::{B};",
        "use std::b::B;",
        "struct B; fn x(b: B) { b::<B>() }",
    ] {
        let files = [("lib", "mod a; mod b;"), ("a", text), b];
        assert!(!arrows(&sample(&files)).contains(&"a>b".to_owned()), "{text}");
    }
}

#[test]
fn circles_are_found_between_siblings_and_not_with_a_parent() {
    let found = |files: &[(&str, &str)]| circles(&sample(files)).len();
    let back_and_forth = [("m", "mod a; mod b;"), ("m/a", "use super::b::B;"), ("m/b", "use super::a::A;")];
    assert_eq!(found(&back_and_forth), 1);
    // Three files in a row, through a folder of one of them.
    let three = [
        ("a", "use crate::b::X;"),
        ("b/x", "use crate::c::Y;"),
        ("b", ""),
        ("c", "use crate::a::Z;"),
        ("lib", ""),
    ];
    assert_eq!(found(&three), 1);
    let parent = [("m", "mod a; pub struct M; use a::A;"), ("m/a", "use super::M; pub struct A;")];
    assert_eq!(found(&parent), 0);
    let down = [("m", "mod a; mod b;"), ("m/a", "use super::b::B;"), ("m/b", "pub struct B;")];
    assert_eq!(found(&down), 0);
}
