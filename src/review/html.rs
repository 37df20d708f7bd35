//! A review as one HTML page: no script, nothing from elsewhere, and every name escaped.

use std::fmt::{self, Write};

use super::findings::{Finding, Severity, shown};
use super::sets::ComponentReview;
use super::table::bytes;
use super::{RULES, Review};

mod charts;

impl Review {
    /// The review as one HTML page that stands by itself: the status of each component with a calendar of the last 30
    /// days and its sizes over time, then findings by severity. No script, nothing from elsewhere; light or dark as the
    /// reader has it.
    #[must_use]
    pub fn to_html(&self) -> String {
        let mut page = String::new();
        self.write_html(&mut page).expect("a String takes all");
        page
    }

    fn write_html(&self, page: &mut String) -> fmt::Result {
        let fqdn = Escaped(&self.deployment.fqdn()).to_string();
        // Should an escape ever be missing, the browser still runs and loads nothing.
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
            "<header><p class=\"dim\">Backup review</p><h1>{fqdn}: <span class=\"{}\">{verdict}</span></h1>\
             <p class=\"dim\">{} · {:.0} · {} rules</p></header>",
            word(worst),
            Escaped(&self.share),
            self.now,
            RULES.len()
        )?;
        self.write_tiles(page)?;
        self.write_components(page)?;
        for severity in Severity::ALL {
            let findings = self.findings.iter().filter(|finding| finding.rule.severity == severity);
            self.write_findings(page, severity.as_str(), findings.map(|finding| (finding, None)))?;
        }
        let silenced = self.silenced.iter().map(|silenced| (&silenced.finding, Some(&*silenced.reason)));
        self.write_findings(page, "silenced", silenced)?;
        page.write_str("</body></html>\n")
    }

    fn write_tiles(&self, page: &mut String) -> fmt::Result {
        page.write_str("<div class=\"tiles\">")?;
        for (severity, count) in self.counts() {
            let class = if count > 0 { severity.as_str() } else { "dim" };
            write!(page, "<div class=\"tile\"><b class=\"{class}\">{count}</b>{}</div>", severity.as_str())?;
        }
        write!(page, "<div class=\"tile\"><b>{}</b>silenced</div>", self.silenced.len())?;
        if let Some(space) = self.space {
            let used = space.total_bytes.saturating_sub(space.free_bytes);
            let percent = u128::from(used) * 100 / u128::from(space.total_bytes.max(1));
            let class = if percent > 70 { " class=\"full\"" } else { "" };
            write!(
                page,
                "<div class=\"tile\"><b>{percent} %</b>of {} used<div class=\"bar\"><i{class} style=\"width:{percent}%\"></i>\
                 </div><span class=\"dim\">{} free, next run about {}</span></div>",
                bytes(space.total_bytes),
                bytes(space.free_bytes),
                bytes(self.next_run_bytes)
            )?;
        }
        page.write_str("</div>\n")
    }

    fn write_components(&self, page: &mut String) -> fmt::Result {
        page.write_str(
            "<h2>Components</h2><p class=\"dim key\"><span><i style=\"background:var(--good-cell)\"></i>complete</span>\
             <span><i style=\"background:var(--warning-cell)\"></i>partial</span>\
             <span><i style=\"background:var(--critical-cell)\"></i>no backup came of it</span>\
             <span><i style=\"background:var(--empty)\"></i>none begun</span></p><div class=\"cards\">\n",
        )?;
        for component in self.components.iter().take(MOST_CARDS) {
            self.write_component(page, component)?;
        }
        page.write_str("</div>\n")?;
        match self.components.len().saturating_sub(MOST_CARDS) {
            0 => Ok(()),
            more => writeln!(page, "<p class=\"dim\">and {more} more; the JSON has all</p>"),
        }
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
                let hours = (self.now.as_second() - last.as_second()).max(0) / 3600;
                let ago = if hours < 72 { format!("{hours} h") } else { format!("{} days", hours / 24) };
                write!(page, "<dt>Last backup</dt><dd>{last:.0}, {ago} ago</dd>")?;
            }
            None => page.write_str("<dt>Last backup</dt><dd>never</dd>")?,
        }
        let kept = component.retention_days.map_or("not set".to_owned(), |days| format!("{days} days"));
        let every = match component.is_configured {
            true => format!("each {} h, kept {kept}", component.frequency_hours),
            false => "not in the configuration".to_owned(),
        };
        write!(
            page,
            "<dt>Due</dt><dd>{every}</dd><dt>Sets</dt><dd>{} complete, {} other, {}</dd></dl>",
            component.complete,
            component.others,
            bytes(component.bytes)
        )?;
        charts::calendar(page, &component.days)?;
        charts::sizes(page, &component.sizes)?;
        page.write_str("</section>\n")
    }

    fn write_findings<'a>(
        &self,
        page: &mut String,
        heading: &str,
        findings: impl Iterator<Item = (&'a Finding, Option<&'a str>)>,
    ) -> fmt::Result {
        for (at, (finding, reason)) in findings.enumerate() {
            let rule = finding.rule;
            if at == 0 {
                let (first, rest) = heading.split_at(1);
                writeln!(page, "<h2>{}{rest}</h2>", first.to_uppercase())?;
            }
            let class = if reason.is_some() { "dim" } else { rule.severity.as_str() };
            write!(
                page,
                "<article class=\"finding {class}\"><h3>{}: {}</h3><p><code>{}</code></p>\
                 <p class=\"dim\">{} ({})</p>",
                Escaped(rule.title),
                Escaped(&finding.about),
                Escaped(&finding.seen),
                Escaped(rule.why),
                Escaped(rule.practice)
            )?;
            match reason {
                Some(reason) => write!(page, "<p>Silenced: {}</p>", Escaped(&shown(reason)))?,
                None => write!(page, "<p><b>To do:</b> {}</p>", Escaped(rule.remedy))?,
            }
            writeln!(page, "<p class=\"dim\"><code>{}</code></p></article>", rule.id)?;
        }
        Ok(())
    }
}

fn word(worst: Option<Severity>) -> &'static str {
    worst.map_or("good", Severity::as_str)
}

/// Text as HTML shows it, in an element or in a quoted attribute.
struct Escaped<'a>(&'a str);

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

/// Cards on a page that a browser still likes.
const MOST_CARDS: usize = 200;
