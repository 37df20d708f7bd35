//! The charts of the page: a component's calendar and its sizes over time, as inline SVG.

use std::fmt::{Result, Write};

use super::super::sets::{Day, Size};
use super::super::table::bytes;

/// Draws the days in a row, oldest first; each has a tooltip.
pub(super) fn calendar(page: &mut String, days: &[Day]) -> Result {
    let good = days.iter().filter(|day| day.complete > 0).count();
    write!(
        page,
        "<figure><svg viewBox=\"0 0 {} 26\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"{good} of {} days have a complete backup\">",
        (days.len() * 10).max(12) - 2,
        days.len()
    )?;
    for (at, day) in days.iter().enumerate() {
        let class = match day {
            Day { complete: 1.., .. } => "cell-good",
            Day { partial: 1.., .. } => "cell-partial",
            Day { incomplete: 1.., .. } => "cell-bad",
            _ => "cell-none",
        };
        write!(
            page,
            "<rect class=\"{class}\" x=\"{}\" y=\"0\" width=\"8\" height=\"26\" rx=\"2\">\
             <title>{}: {} complete, {} in part, {} incomplete</title></rect>",
            at * 10,
            day.date,
            day.complete,
            day.partial,
            day.incomplete
        )?;
    }
    let span = days.first().zip(days.last());
    let (first, last) = span.map_or(("", ""), |(first, last)| (&*first.date, &*last.date));
    write!(
        page,
        "</svg><figcaption><span>{first}</span><span>{good} of {} days</span><span>{last}</span></figcaption></figure>",
        days.len()
    )
}

/// Draws sizes over time, starting at zero.
pub(super) fn sizes(page: &mut String, sizes: &[Size]) -> Result {
    let (Some(first), Some(last)) = (sizes.first(), sizes.last()) else {
        return Ok(());
    };
    let most = sizes.iter().map(|size| size.bytes).max().unwrap_or(0);
    let span = (last.created.as_second() - first.created.as_second()).max(1) as f64;
    let points: Vec<_> = sizes
        .iter()
        .map(|size| {
            let along = (size.created.as_second() - first.created.as_second()) as f64 / span;
            // A single set goes in the middle.
            let x = if sizes.len() == 1 { WIDTH / 2.0 } else { MARGIN + along * (WIDTH - 2.0 * MARGIN) };
            let y = HEIGHT - MARGIN - size.bytes as f64 / most.max(1) as f64 * (HEIGHT - 2.0 * MARGIN);
            (x, y, size)
        })
        .collect();
    write!(
        page,
        "<figure><svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"stored bytes of {} sets, {} at most\">",
        sizes.len(),
        bytes(most)
    )?;
    let base = HEIGHT - MARGIN;
    write!(page, "<line class=\"axis\" x1=\"0\" y1=\"{base}\" x2=\"{WIDTH}\" y2=\"{base}\"/>")?;
    let line = points.iter().fold(String::new(), |line, (x, y, _)| format!("{line} {x:.1},{y:.1}"));
    let (from, to) = (points[0].0, points[points.len() - 1].0);
    write!(page, "<polygon class=\"area\" points=\"{from:.1},{base}{line} {to:.1},{base}\"/>")?;
    write!(page, "<polyline class=\"curve\" points=\"{}\"/>", line.trim_start())?;
    for (x, y, size) in &points {
        let (created, stored) = (size.created, bytes(size.bytes));
        write!(
            page,
            "<circle class=\"dot\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"2.5\"><title>{created:.0}: {stored}</title></circle>"
        )?;
    }
    write!(
        page,
        "</svg><figcaption><span>size of each set</span><span>largest {}</span><span>last {}</span></figcaption></figure>",
        bytes(most),
        bytes(last.bytes)
    )
}

const WIDTH: f64 = 300.0;
const HEIGHT: f64 = 60.0;
const MARGIN: f64 = 4.0;
