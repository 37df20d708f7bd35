//! A review as plain text for a terminal.

use std::fmt::Write as _;

use super::Review;
use super::findings::shown;

impl Review {
    /// Returns the review as plain text: components, then findings by severity, then silenced ones.
    #[must_use]
    pub fn to_table(&self) -> String {
        let mut text = String::new();
        self.write_table(&mut text).expect("a String takes all");
        text
    }

    fn write_table(&self, text: &mut String) -> std::fmt::Result {
        writeln!(text, "{}  {}  at {:.0}", self.deployment.fqdn(), self.share, self.now)?;
        let counts: Vec<_> =
            self.counts().map(|(severity, count)| format!("{count} {}", severity.as_str())).collect();
        writeln!(text, "{}, {} silenced", counts.join(", "), self.silenced.len())?;
        let width = |least: usize, of: &mut dyn Iterator<Item = usize>| of.fold(least, usize::max).min(40);
        let name = width(9, &mut self.components.iter().map(|of| of.name.chars().count()));
        writeln!(
            text,
            "\n{:name$}  {:8}  {:20}  {:>5}  {:>6}  {:>10}",
            "COMPONENT", "STATUS", "LAST BACKUP", "SETS", "OTHERS", "STORED"
        )?;
        for of in &self.components {
            let status = of.worst.map_or("good", |severity| severity.as_str());
            let last = of.last_backup.map_or("never".to_owned(), |last| format!("{last:.0}"));
            let stored = bytes(of.bytes);
            writeln!(
                text,
                "{:name$}  {status:8}  {last:20}  {:>5}  {:>6}  {stored:>10}",
                of.name, of.complete, of.others
            )?;
        }
        for of in &self.components {
            if let Some(last) = of.last_copy {
                writeln!(text, "{:name$}  last copy elsewhere {last:.0}", of.name)?;
            }
        }
        for theirs in &self.their_backups {
            let last = theirs.last_ready.map_or("never".to_owned(), |last| format!("{last:.0}"));
            let drill = theirs.drill.as_ref().map_or(String::new(), |state| format!(", opened: {state}"));
            writeln!(
                text,
                "\n{}: {} of {} backups of Azure Stack Hub are ready, the last of {last}{drill}",
                shown(&theirs.folder),
                theirs.ready,
                theirs.backups
            )?;
        }
        for finding in &self.findings {
            let rule = finding.rule;
            write!(text, "\n{:8}  {}  {}", rule.severity.as_str(), rule.id, finding.about)?;
            writeln!(text, "\n          {}: {}", rule.title, finding.seen)?;
            writeln!(text, "          why: {} ({})", rule.why, rule.practice)?;
            writeln!(text, "          do:  {}", rule.remedy)?;
        }
        for silenced in &self.silenced {
            let finding = &silenced.finding;
            write!(text, "\nsilenced  {}  {}", finding.rule.id, finding.about)?;
            writeln!(text, "\n          {}: {}", finding.rule.title, finding.seen)?;
            writeln!(text, "          because: {}", shown(&silenced.reason))?;
        }
        Ok(())
    }
}

/// Formats a number of bytes for people.
pub(super) fn bytes(count: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if count < 1024 {
        return format!("{count} B");
    }
    let mut value = count as f64 / 1024.0;
    let mut unit = 0;
    while value >= 1023.95 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}
