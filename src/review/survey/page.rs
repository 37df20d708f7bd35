//! A survey as one HTML page, without scripts or external content, and with every name escaped.

use std::collections::BTreeSet;
use std::fmt::{self, Write};

use jiff::Timestamp;

use super::{Survey, SurveyRow};
use crate::layout::SetName;
use crate::review::findings::ago;
use crate::review::html::{Escaped, Minute, word};
use crate::review::table::bytes;

impl Survey {
    /// Returns the survey as one self-contained HTML page, the worst first. It uses no scripts and no external content, and is
    /// light or dark as the reader prefers.
    #[must_use]
    pub fn to_html(&self) -> String {
        let mut page = String::new();
        self.write_html(&mut page).expect("a String takes all");
        page
    }

    fn write_html(&self, page: &mut String) -> fmt::Result {
        // Even if an escape were missing, this stops the browser from running or loading anything.
        write!(
            page,
            "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
             <title>Backup survey</title><style>\n{}{}</style></head><body>\n",
            include_str!("../html/style.css"),
            include_str!("style.css")
        )?;
        let regions: BTreeSet<_> = self.rows.iter().filter_map(|row| row.deployment.as_ref()).collect();
        writeln!(
            page,
            "<header><p class=\"dim\">Backup survey · {}</p><h1>{} deployments</h1></header>",
            Minute(self.now),
            regions.len()
        )?;
        page.write_str("<div class=\"tiles\">")?;
        for (severity, count) in self.counts() {
            let class = if count == 0 { "dim" } else { severity.as_str() };
            write!(page, "<div class=\"tile\"><b class=\"{class}\">{count}</b>{}</div>", severity.as_str())?;
        }
        let good = self.rows.iter().filter(|row| row.severity.is_none()).count();
        writeln!(page, "<div class=\"tile\"><b class=\"good\">{good}</b>good</div></div>")?;
        page.write_str(
            "<table><thead><tr><th>Deployment<th>Component<th>State<th>Last good set<th class=\"n\">Content\
             <th class=\"n\">Stored<th>Last copy<th>Signed by<th>PFX</tr></thead><tbody>\n",
        )?;
        let names_share = !self.has_one_share();
        self.rows.iter().try_for_each(|row| self.write_row(page, row, names_share))?;
        page.write_str("</tbody></table>\n<footer class=\"dim\">Times are UTC.</footer>\n</body></html>\n")
    }

    fn write_row(&self, page: &mut String, row: &SurveyRow, names_share: bool) -> fmt::Result {
        let deployment = row.deployment.as_ref().map_or_else(|| row.share.clone(), ToString::to_string);
        let state = word(row.severity);
        write!(page, "<tr><td>{}", Escaped(&deployment))?;
        if row.deployment.is_some() && names_share {
            write!(page, "<br><small>{}</small>", Escaped(&row.share))?;
        }
        write!(
            page,
            "<td>{}<td><span class=\"badge {state}\">{state}</span>",
            Escaped(row.component.as_deref().unwrap_or("–"))
        )?;
        for remark in &row.remarks {
            write!(page, "<br><small>{}</small>", Escaped(remark))?;
        }
        match row.last_good {
            Some(set) => self.write_set(page, row, set)?,
            None => page.write_str("<td>never<td class=\"n\">–<td class=\"n\">–<td>–<td>–<td>–")?,
        }
        page.write_str("</tr>\n")
    }

    fn write_set(&self, page: &mut String, row: &SurveyRow, set: SetName) -> fmt::Result {
        let since = |time: Timestamp| ago(self.now.as_second().saturating_sub(time.as_second()));
        write!(page, "<td>{}<br><small>{set}</small>", since(set.created()))?;
        write!(page, "<td class=\"n\" data-of=\"content\">{}", bytes(row.bytes))?;
        if let Some(before) = row.bytes_before.filter(|before| *before > 0) {
            let change = (row.bytes as f64 / before as f64 - 1.0) * 100.0;
            write!(page, "<br><small>{change:+.0} %</small>")?;
        }
        write!(page, "<td class=\"n\" data-of=\"stored\">{}", bytes(row.stored_bytes))?;
        write!(page, "<td data-of=\"last copy\">{}", row.last_copy.map_or("–".to_owned(), since))?;
        let signer = row.signature.as_ref().and_then(|signature| signature.signer());
        let signer = signer.map_or("–".to_owned(), |by| Escaped(&by.subject).to_string());
        write!(page, "<td data-of=\"signed by\">{signer}<td data-of=\"PFX\">")?;
        for thumbprint in &row.thumbprints {
            write!(page, "<code>{}</code> ", Escaped(thumbprint.get(..8).unwrap_or(thumbprint)))?;
        }
        Ok(())
    }
}
