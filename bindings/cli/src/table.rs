//! Tables that fit the terminal.

use comfy_table::{CellAlignment, ContentArrangement, Table};

use crate::output::harmless;

/// Formats rows below a heading. The columns whose heading begins with `>` are numbers.
pub(crate) fn table<const COLUMNS: usize>(
    heading: [&str; COLUMNS],
    rows: impl IntoIterator<Item = [String; COLUMNS]>,
) -> String {
    let mut table = Table::new();
    table.load_preset(comfy_table::presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    if let Some(width) = width() {
        table.set_width(width);
    }
    table.set_header(heading.map(|name| name.trim_start_matches('>')));
    for row in rows {
        table.add_row(row.map(|cell| harmless(&cell, false).into_owned()));
    }
    for (at, name) in heading.iter().enumerate() {
        if let Some(column) = table.column_mut(at) {
            column.set_padding((0, 2));
            if name.starts_with('>') {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
    }
    table.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

/// How many columns the terminal has; `None` if stdout is none.
fn width() -> Option<u16> {
    terminal_size::terminal_size_of(std::io::stdout()).map(|(width, _)| width.0)
}
