//! A curve as characters: two dots by four in each, as Braille has them.

/// Characters that the scale takes at the left.
const SCALE: usize = 9;

/// Where the dots of a character are in its number: by column, then by row.
const DOTS: [[u32; 4]; 2] = [[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]];

/// The first Braille character, without a dot.
const BLANK: u32 = 0x2800;

/// The values as a curve from the left to the right, in `rows` lines of at most `columns` characters, with the highest and the lowest at the
/// left. No lines if there is no finite value.
pub fn chart(values: &[f64], rows: usize, columns: usize) -> Vec<String> {
    let values: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    let wide = columns.saturating_sub(SCALE);
    let (Some(high), Some(low)) =
        (values.iter().copied().reduce(f64::max), values.iter().copied().reduce(f64::min))
    else {
        return Vec::new();
    };
    if rows == 0 || wide == 0 {
        return Vec::new();
    }
    let (dots_x, dots_y) = (wide.saturating_mul(2), rows.saturating_mul(4));
    let mut cells = vec![vec![BLANK; wide]; rows];
    let mut before: Option<usize> = None;
    for x in 0..dots_x {
        let Some(value) = at(&values, x, dots_x) else { continue };
        let y = height(value, low, high, dots_y);
        // Steep parts have no holes: from beside the last dot.
        let from = match before {
            Some(last) if last < y => last.saturating_add(1),
            Some(last) if last > y => last.saturating_sub(1),
            _ => y,
        };
        for y in from.min(y)..=from.max(y) {
            let dot = DOTS.get(x % 2).and_then(|column| column.get(y % 4)).copied().unwrap_or_default();
            if let Some(cell) = cells.get_mut(y / 4).and_then(|row| row.get_mut(x / 2)) {
                *cell |= dot;
            }
        }
        before = Some(y);
    }
    let last = rows.saturating_sub(1);
    let lines = cells.iter().enumerate().map(|(row, cells)| {
        let scale = match row {
            0 => scale(high),
            _ if row == last => scale(low),
            _ => " ".repeat(SCALE),
        };
        let curve: String = cells.iter().filter_map(|cell| char::from_u32(*cell)).collect();
        format!("{scale}{curve}")
    });
    lines.collect()
}

/// A value in the width of the scale.
fn scale(value: f64) -> String {
    let plain = format!("{value:.4}");
    let text = if plain.len() < SCALE { plain } else { format!("{value:.1e}") };
    format!("{text:>8} ")
}

/// The curve at a column of dots: between two values it is a straight line. With fewer columns than values, some of them are passed over.
fn at(values: &[f64], x: usize, dots_x: usize) -> Option<f64> {
    let last = values.len().checked_sub(1)?;
    let columns = dots_x.saturating_sub(1).max(1);
    let scaled = x.saturating_mul(last);
    let (index, rest) = (scaled / columns, scaled % columns);
    let here = *values.get(index)?;
    let next = values.get(index.saturating_add(1)).copied().unwrap_or(here);
    #[allow(clippy::cast_precision_loss, reason = "dots on a screen")]
    let part = rest as f64 / columns as f64;
    Some(here + (next - here) * part)
}

/// The row of dots of a value, from the top.
fn height(value: f64, low: f64, high: f64, dots_y: usize) -> usize {
    let bottom = dots_y.saturating_sub(1);
    let range = high - low;
    if range <= 0.0 {
        return bottom / 2;
    }
    #[allow(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and the rows of dots on a screen"
    )]
    let row = ((high - value) / range * bottom as f64).round() as usize;
    row.min(bottom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_falling_curve_falls() {
        let found = chart(&[4.0, 2.0, 1.0], 3, 17);
        assert_eq!(found, ["  4.0000 ⠑⢄⠀⠀⠀⠀⠀⠀", "         ⠀⠀⠑⢄⠀⠀⠀⠀", "  1.0000 ⠀⠀⠀⠀⠉⠒⠤⣀"]);
    }

    #[test]
    fn a_flat_curve_and_a_single_value_lie_in_the_middle() {
        assert_eq!(chart(&[2.0; 5], 3, 12), ["  2.0000 ⠀⠀⠀", "         ⠒⠒⠒", "  2.0000 ⠀⠀⠀"]);
        assert_eq!(chart(&[2.0], 3, 12), chart(&[2.0; 5], 3, 12));
    }

    #[test]
    fn whatever_is_asked_the_size_is_kept() {
        assert_eq!(chart(&[], 3, 20), Vec::<String>::new());
        assert_eq!(chart(&[f64::NAN, f64::INFINITY], 3, 20), Vec::<String>::new());
        assert_eq!(chart(&[1.0], 0, 20), Vec::<String>::new());
        assert_eq!(chart(&[1.0], 3, SCALE), Vec::<String>::new());
        let many: Vec<f64> = (0..10_000).map(f64::from).collect();
        for (rows, columns) in [(1, 10), (2, 11), (7, 200)] {
            let found = chart(&many, rows, columns);
            assert_eq!(found.len(), rows);
            assert!(found.iter().all(|line| line.chars().count() == columns), "{rows} {columns}");
        }
    }
}
