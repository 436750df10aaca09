use crate::output::in_one_cell;

/// Lines of columns, each as wide as its widest cell, as `docker ps` prints them.
pub(crate) fn render(rows: &[Vec<String>]) -> String {
    let rows: Vec<Vec<String>> = rows
        .iter()
        .map(|row| row.iter().map(|cell| in_one_cell(cell)).collect())
        .collect();
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in &rows {
        let cells: Vec<String> = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        text.push_str(cells.join("   ").trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    #[test]
    fn columns_line_up() {
        let rows = [
            vec!["NAME".to_owned(), "X".to_owned()],
            vec!["a".to_owned(), "long".to_owned()],
        ];
        assert_eq!(super::render(&rows), "NAME   X\na      long\n");
        let hostile = [vec!["a\nb\u{1b}[2J".to_owned(), "x".to_owned()]];
        assert_eq!(super::render(&hostile), "a\\nb\\u{1b}[2J   x\n");
    }
}
