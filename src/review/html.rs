//! A review as one HTML page, without scripts or external content, and with every name escaped.

use std::fmt::{self, Write};

use jiff::Timestamp;

use super::findings::{Finding, ago, shown};
use super::sets::ComponentReview;
use super::table::bytes;
use super::{RULES, Review};
use crate::severity::Severity;

mod charts;

impl Review {
    /// Returns the review as one self-contained HTML page. It shows the state of each component, with a calendar of the
    /// last 30 days and its sizes over time, and then the findings by severity. It uses no scripts and no external
    /// content, and is light or dark as the reader prefers.
    #[must_use]
    pub fn to_html(&self) -> String {
        let mut page = String::new();
        self.write_html(&mut page).expect("a String takes all");
        page
    }

    fn write_html(&self, page: &mut String) -> fmt::Result {
        let fqdn = Escaped(&self.deployment.fqdn()).to_string();
        // Even if an escape were missing, this stops the browser from running or loading anything.
        write!(
            page,
            "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
             <title>Backup review of {fqdn}</title><style>\n{}</style></head><body>\n",
            include_str!("html/style.css")
        )?;
        let worst = self.findings.iter().map(|finding| finding.rule.severity).min();
        let verdict = match worst {
            Some(Severity::Critical) => "Backups are at risk",
            Some(Severity::Warning) => "Not as the practices have it",
            _ => "In compliance",
        };
        writeln!(
            page,
            "<header><p class=\"dim\">Backup review · {}</p><h1>{fqdn}</h1>\
             <p class=\"verdict {}\">{verdict}</p><p class=\"dim\">{}</p></header>",
            Minute(self.now),
            word(worst),
            Escaped(&self.share)
        )?;
        self.write_tiles(page)?;
        self.write_components(page)?;
        self.write_their_backups(page)?;
        for severity in Severity::ALL {
            let findings = self.findings.iter().filter(|finding| finding.rule.severity == severity);
            let findings: Vec<_> = findings.map(|finding| (finding, None)).collect();
            write_findings(page, severity.as_str(), &findings)?;
        }
        if self.findings.is_empty() {
            writeln!(page, "<p class=\"none\">Nothing to do: no rule is broken.</p>")?;
        }
        let silenced: Vec<_> =
            self.silenced.iter().map(|silenced| (&silenced.finding, Some(&*silenced.reason))).collect();
        write_findings(page, SILENCED, &silenced)?;
        writeln!(
            page,
            "<footer class=\"dim\">{} rules were looked at. Times are UTC.</footer>",
            RULES.len()
        )?;
        page.write_str("</body></html>\n")
    }

    fn write_tiles(&self, page: &mut String) -> fmt::Result {
        page.write_str("<div class=\"tiles\">")?;
        let silenced = [(SILENCED, self.silenced.len())];
        let counts = self.counts().map(|(severity, count)| (severity.as_str(), count));
        for (what, count) in counts.chain(silenced) {
            match count {
                0 => write!(page, "<div class=\"tile dim\"><b>0</b>{what}</div>")?,
                _ => write!(
                    page,
                    "<a class=\"tile\" href=\"#{what}\"><b class=\"{what}\">{count}</b>{what}</a>"
                )?,
            }
        }
        if let Some(space) = self.space {
            let used = space.total_bytes.saturating_sub(space.free_bytes);
            let percent = u128::from(used) * 100 / u128::from(space.total_bytes.max(1));
            let class = if percent > 70 { " class=\"full\"" } else { "" };
            write!(
                page,
                "<div class=\"tile space\"><p><b>{percent} %</b> of {} used</p>\
                 <div class=\"bar\"><i{class} style=\"width:{percent}%\"></i></div>\
                 <p class=\"dim\">{} free · next run about {}</p></div>",
                bytes(space.total_bytes),
                bytes(space.free_bytes),
                bytes(self.next_run_bytes)
            )?;
        }
        page.write_str("</div>\n")
    }

    fn write_components(&self, page: &mut String) -> fmt::Result {
        page.write_str(
            "<h2>Components</h2><p class=\"dim key\"><span><i class=\"cell-good\"></i>complete</span>\
             <span><i class=\"cell-partial\"></i>in part</span>\
             <span><i class=\"cell-bad\"></i>no backup came of it</span>\
             <span><i class=\"cell-none\"></i>none begun</span></p><div class=\"cards\">\n",
        )?;
        // Components that need attention come first.
        let mut components: Vec<_> = self.components.iter().collect();
        components.sort_by_key(|of| (of.worst.is_none(), of.worst));
        for component in components.into_iter().take(MOST_CARDS) {
            self.write_component(page, component)?;
        }
        page.write_str("</div>\n")?;
        match self.components.len().saturating_sub(MOST_CARDS) {
            0 => Ok(()),
            more => writeln!(page, "<p class=\"dim\">and {more} more; the JSON has all</p>"),
        }
    }

    /// Both kinds of backup, one below the other on the same days: Azure Stack Hub's, then ours.
    fn write_their_backups(&self, page: &mut String) -> fmt::Result {
        if self.their_backups.is_empty() {
            return Ok(());
        }
        page.write_str("<h2>Azure Stack Hub's own backups</h2><div class=\"cards\">\n")?;
        for theirs in self.their_backups.iter().take(MOST_CARDS) {
            let drill = theirs.drill.as_deref();
            let (class, badge) = match (drill, theirs.last_ready) {
                (Some("verified"), _) => ("good", "opened with the PFX"),
                (Some(_), _) => ("critical", "does not open"),
                (None, Some(_)) => ("notice", "not opened"),
                (None, None) => ("critical", "none ready"),
            };
            write!(
                page,
                "<section class=\"card wide\"><header><h3>{}</h3><span class=\"badge {class}\">{badge}</span></header><dl>",
                Escaped(&theirs.folder)
            )?;
            match theirs.last_ready {
                Some(last) => {
                    let ago = ago(self.now.as_second().saturating_sub(last.as_second()));
                    write!(page, "<dt>Last ready</dt><dd><b>{ago}</b> · <span>{}</span></dd>", Minute(last))?;
                }
                None => page.write_str("<dt>Last ready</dt><dd><b>none</b></dd>")?,
            }
            write!(
                page,
                "<dt>Backups</dt><dd>{} ready of {} · {}</dd></dl><p class=\"dim\">Azure Stack Hub</p>",
                theirs.ready,
                theirs.backups,
                bytes(theirs.bytes)
            )?;
            charts::calendar(page, &theirs.days)?;
            for component in self.components.iter().take(MOST_TIMELINES) {
                write!(page, "<p class=\"dim\">{}</p>", Escaped(&component.name))?;
                charts::calendar(page, &component.days)?;
            }
            page.write_str("</section>\n")?;
        }
        page.write_str("</div>\n")
    }

    fn write_component(&self, page: &mut String, component: &ComponentReview) -> fmt::Result {
        let status = word(component.worst);
        write!(
            page,
            "<section class=\"card\"><header><h3>{}</h3><span class=\"badge {status}\">{status}</span></header><dl>",
            Escaped(&component.name)
        )?;
        match component.last_backup {
            Some(last) => {
                let ago = ago(self.now.as_second().saturating_sub(last.as_second()));
                write!(page, "<dt>Last backup</dt><dd><b>{ago}</b> · <span>{}</span></dd>", Minute(last))?;
            }
            None => page.write_str("<dt>Last backup</dt><dd><b>never</b></dd>")?,
        }
        if let Some(last) = component.last_copy {
            let ago = ago(self.now.as_second().saturating_sub(last.as_second()));
            write!(page, "<dt>Last copy</dt><dd>{ago} · <span>{}</span></dd>", Minute(last))?;
        }
        let kept = component.retention_days.map_or("for good".to_owned(), |days| format!("{days} days"));
        let every = match component.is_configured {
            true => format!("each {} h, kept {kept}", component.frequency_hours),
            false => "not in the configuration".to_owned(),
        };
        let others = match component.others {
            0 => String::new(),
            others => format!(", {others} other"),
        };
        write!(
            page,
            "<dt>Due</dt><dd>{every}</dd><dt>Sets</dt><dd>{} complete{others} · {}</dd></dl>",
            component.complete,
            bytes(component.bytes)
        )?;
        charts::calendar(page, &component.days)?;
        charts::sizes(page, &component.sizes)?;
        page.write_str("</section>\n")
    }
}

/// Writes findings of one kind, those of a rule together.
fn write_findings(page: &mut String, heading: &str, findings: &[(&Finding, Option<&str>)]) -> fmt::Result {
    if findings.is_empty() {
        return Ok(());
    }
    let (first, rest) = heading.split_at(1);
    writeln!(page, "<h2 id=\"{heading}\">{}{rest}</h2>", first.to_uppercase())?;
    for of_rule in findings.chunk_by(|(a, _), (b, _)| a.rule.id == b.rule.id) {
        let rule = of_rule[0].0.rule;
        let is_silenced = heading == SILENCED;
        let class = if is_silenced { SILENCED } else { rule.severity.as_str() };
        write!(page, "<article class=\"finding {class}\"><h3>{}</h3><ul>", Escaped(rule.title))?;
        for (finding, reason) in of_rule {
            write!(page, "<li><b>{}</b> <code>{}</code>", Escaped(&finding.about), Escaped(&finding.seen))?;
            if let Some(reason) = reason {
                write!(page, " silenced: {}", Escaped(&shown(reason)))?;
            }
            page.write_str("</li>")?;
        }
        page.write_str("</ul>")?;
        if !is_silenced {
            write!(page, "<p>{}</p><p><b>To do:</b> {}</p>", Escaped(rule.why), Escaped(rule.remedy))?;
        }
        writeln!(
            page,
            "<p class=\"dim\"><code>{}</code> · {}</p></article>",
            rule.id,
            Escaped(rule.practice)
        )?;
    }
    Ok(())
}

pub(super) fn word(worst: Option<Severity>) -> &'static str {
    worst.map_or("good", Severity::as_str)
}

/// A time to the minute, as people read it: `2026-11-23 02:00`.
pub(super) struct Minute(pub(super) Timestamp);

impl fmt::Display for Minute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = format!("{:.0}", self.0);
        match time.split_once('T') {
            Some((date, time)) => write!(f, "{date} {}", time.get(..5).unwrap_or(time)),
            None => f.write_str(&time),
        }
    }
}

/// Escapes text for HTML, in an element or in a quoted attribute.
pub(super) struct Escaped<'a>(pub(super) &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| match c {
            '&' => f.write_str("&amp;"),
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            '"' => f.write_str("&quot;"),
            '\'' => f.write_str("&#39;"),
            _ => f.write_char(c),
        })
    }
}

const SILENCED: &str = "silenced";
/// Most components beside Azure Stack Hub's timeline.
const MOST_TIMELINES: usize = 12;
/// Most cards that a browser still handles well on a page.
const MOST_CARDS: usize = 200;
