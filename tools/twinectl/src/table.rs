//! Aligned columns, and texts made safe for a terminal.

/// Rows of equal length; the last column is not padded.
#[derive(Debug, Default)]
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these headings.
    pub(crate) fn new(headings: &[&str]) -> Self {
        let mut table = Self::default();
        table.row(headings.iter().map(|&heading| heading.to_owned()));
        table
    }

    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// The table, each line behind `indent`.
    pub(crate) fn render(&self, indent: &str) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<_> = (0..columns).map(width).collect();
        let mut out = String::new();
        for row in &self.rows {
            let mut line = indent.to_owned();
            for (cell, width) in row.iter().zip(&widths) {
                line.push_str(cell);
                let padding = width - cell.chars().count() + 2;
                line.extend(std::iter::repeat_n(' ', padding));
            }
            out.push_str(line.trim_end());
            out.push('\n');
        }
        out
    }
}

/// A text from elsewhere, on one line: nothing in it may move the cursor, turn
/// the direction of writing, or look like a line of its own.
pub(crate) fn one_line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        let turns = matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if character.is_control() || turns || matches!(character, '\u{2028}' | '\u{2029}') {
            out.extend(character.escape_default());
        } else {
            out.push(character);
        }
    }
    out
}

/// At most `limit` characters; what is cut off is said.
pub(crate) fn shortened(text: &str, limit: usize) -> String {
    let count = text.chars().count();
    if count <= limit {
        return text.to_owned();
    }
    let kept: String = text.chars().take(limit).collect();
    format!("{kept}… ({count} characters)")
}

/// The text, or a dash where nothing was given.
pub(crate) fn or_dash(text: String) -> String {
    if text.is_empty() {
        "-".to_owned()
    } else {
        text
    }
}

/// The number, or a dash for 0, protobuf's way to say "not given".
pub(crate) fn number_or_dash(number: u64) -> String {
    if number == 0 {
        "-".to_owned()
    } else {
        number.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::new(&["ID", "STATE"]);
        table.row(["1234".to_owned(), "queued".to_owned()]);
        assert_eq!(table.render("  "), "  ID    STATE\n  1234  queued\n");
    }

    #[test]
    fn a_hostile_text_cannot_play_with_the_terminal() {
        assert_eq!(
            one_line("a\n\u{1b}[2Jb\u{202e}c"),
            "a\\n\\u{1b}[2Jb\\u{202e}c"
        );
        assert_eq!(one_line("ዛሬ مرحبا 😀"), "ዛሬ مرحبا 😀");
    }

    #[test]
    fn what_is_cut_off_is_said() {
        assert_eq!(shortened("abcdef", 3), "abc… (6 characters)");
    }
}
