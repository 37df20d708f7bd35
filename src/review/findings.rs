//! Findings, and how to collect them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use super::rules::{self, Rule};
use crate::severity::Severity;

/// Something that does not follow the practices.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Finding {
    /// The rule that is broken: ID, severity, why it matters, what to do.
    #[serde(flatten)]
    pub rule: &'static Rule,
    /// What it is about: `root`, `configuration`, `share`, or a component and scale unit, `Switches/su1`.
    pub about: String,
    /// What was seen, in one line that is safe to print.
    pub seen: String,
}

/// A finding that the configuration silences.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Silenced {
    /// The finding.
    #[serde(flatten)]
    pub finding: Finding,
    /// Why it is silenced, in the operator's words.
    pub reason: String,
}

/// Collects findings.
#[derive(Default)]
pub(super) struct Findings {
    all: Vec<Finding>,
    of_rule: BTreeMap<&'static str, usize>,
    /// The worst severity of unlisted findings, by what they are about: nothing must look good because the list is
    /// full.
    unlisted: BTreeMap<String, Severity>,
}

impl Findings {
    pub(super) fn add(&mut self, rule: &str, about: &str, seen: impl Into<String>) {
        let rule = rules::find(rule).expect("a rule of the table");
        // Limited by rule, so that many findings of one kind hide none of another.
        let count = self.of_rule.entry(rule.id).or_default();
        *count += 1;
        if *count <= MOST {
            self.all.push(Finding { rule, about: about.to_owned(), seen: seen.into() });
            return;
        }
        let worst = self.unlisted.entry(about.to_owned()).or_insert(rule.severity);
        *worst = rule.severity.min(*worst);
        if *count == MOST + 1 {
            let seen = format!("more than {MOST} of these; the others are not listed");
            self.all.push(Finding { rule, about: "review".to_owned(), seen });
        }
    }

    /// Adds one finding for all of these. It names the first few, after `what` if that adds to the rule's title.
    pub(super) fn add_all(&mut self, rule: &str, about: &str, what: &str, of: &Samples) {
        if of.count > 0 {
            let colon = if what.is_empty() { "" } else { ": " };
            self.add(rule, about, format!("{what}{colon}{of}"));
        }
    }

    /// Returns the findings, and the worst severity of the unlisted ones by what they are about.
    pub(super) fn sorted(mut self) -> (Vec<Finding>, BTreeMap<String, Severity>) {
        self.all.sort_by(|a, b| {
            (a.rule.severity, a.rule.id, &a.about).cmp(&(b.rule.severity, b.rule.id, &b.about))
        });
        (self.all, self.unlisted)
    }
}

/// How many there are, and the first few of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Samples {
    pub(super) count: usize,
    first: Vec<String>,
}

impl Samples {
    pub(super) fn push(&mut self, text: &str) {
        self.count += 1;
        if self.first.len() < SAMPLES {
            self.first.push(shown(text));
        }
    }
}

impl<S: AsRef<str>> FromIterator<S> for Samples {
    fn from_iter<I: IntoIterator<Item = S>>(texts: I) -> Self {
        let mut samples = Self::default();
        texts.into_iter().for_each(|text| samples.push(text.as_ref()));
        samples
    }
}

impl std::fmt::Display for Samples {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.first.join(", "))?;
        match self.count - self.first.len() {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

/// Makes foreign text fit for one line: shortened, and with invisible and direction-changing characters spelled out.
pub(super) fn shown(text: &str) -> String {
    let mut shown = String::new();
    for (at, c) in text.chars().enumerate() {
        if at == LONGEST {
            shown.push('…');
            break;
        }
        match c {
            _ if c.is_control() => write!(shown, "\\u{{{:x}}}", u32::from(c)),
            '\u{ad}'
            | '\u{61c}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}' => write!(shown, "\\u{{{:x}}}", u32::from(c)),
            _ => shown.write_char(c),
        }
        .expect("a String takes all");
    }
    shown
}

/// Most findings of one rule.
const MOST: usize = 200;
const SAMPLES: usize = 5;
const LONGEST: usize = 160;

/// Formats how long ago something was.
pub(super) fn ago(seconds: i64) -> String {
    match seconds {
        ..3600 => "under 1 h ago".to_owned(),
        3600..259_200 => format!("{} h ago", seconds / 3600),
        _ => format!("{} days ago", seconds / 86_400),
    }
}
