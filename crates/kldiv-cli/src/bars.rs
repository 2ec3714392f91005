//! Bars of characters: positive ones to the right of an axis, negative ones to the left.

use crate::words::Charset;

/// How wide both sides are together.
const WIDTH: usize = 24;

/// What all bars of a column have in common.
pub(crate) struct Bars {
    charset: Charset,
    largest: f64,
    left: usize,
    right: usize,
}

impl Bars {
    pub(crate) fn new(values: impl Iterator<Item = f64> + Clone, charset: Charset) -> Bars {
        let largest = values.clone().filter(|x| x.is_finite()).fold(0.0, |max: f64, x| max.max(x.abs()));
        let least = values.clone().fold(0.0, f64::min);
        let most = values.fold(0.0, f64::max);
        // Sides as wide as what is drawn on them.
        let side = |x: f64| if largest == 0.0 { 0.0 } else { x.abs().min(largest) / largest };
        let (down, up) = (side(least), side(most));
        let all = down + up;
        let left = if all > 0.0 { (WIDTH as f64 * down / all).ceil() as usize } else { 0 };
        Bars { charset, largest: if all > 0.0 { largest * all } else { 0.0 }, left, right: WIDTH - left }
    }

    /// The bar of one value.
    pub(crate) fn draw(&self, value: f64) -> String {
        let share = if value.is_infinite() {
            f64::INFINITY
        } else if self.largest > 0.0 {
            value.abs() / self.largest
        } else {
            0.0
        };
        let length = WIDTH as f64 * share;
        let mut bar = String::new();
        if value < 0.0 {
            let drawn = self.leftward(length.min(self.left as f64));
            bar.push_str(&" ".repeat(self.left - drawn.chars().count()));
            bar.push_str(&drawn);
        } else {
            bar.push_str(&" ".repeat(self.left));
        }
        if self.left > 0 {
            bar.push(if self.charset.is_unicode() { '│' } else { '|' });
        }
        if value > 0.0 {
            bar.push_str(&self.rightward(length.min(self.right as f64)));
        }
        bar
    }

    fn rightward(&self, length: f64) -> String {
        if !self.charset.is_unicode() {
            return "#".repeat(length.round() as usize);
        }
        let eighths = (8.0 * length).round() as usize;
        let mut bar = "█".repeat(eighths / 8);
        if !eighths.is_multiple_of(8) {
            bar.push(['▏', '▎', '▍', '▌', '▋', '▊', '▉'][eighths % 8 - 1]);
        }
        bar
    }

    /// Blocks that are full at the right come in halves only.
    fn leftward(&self, length: f64) -> String {
        if !self.charset.is_unicode() {
            return "#".repeat(length.round() as usize);
        }
        let halves = (2.0 * length).round() as usize;
        format!("{}{}", if halves.is_multiple_of(2) { "" } else { "▐" }, "█".repeat(halves / 2))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_as_long_as_their_values() {
        let unicode = Charset::new(false);
        let values = [1.0, 2.0];
        let bars = Bars::new(values.iter().copied(), unicode);
        let length = |value| bars.draw(value).trim().chars().count();
        assert_eq!((length(2.0), length(1.0), length(0.0)), (WIDTH, WIDTH / 2, 0));
        assert_eq!(length(f64::INFINITY), WIDTH);
    }

    #[test]
    fn negative_bars_grow_from_the_axis_to_the_left() {
        let bars = Bars::new([-1.0, 1.0].into_iter(), Charset::new(true));
        assert_eq!(bars.draw(-1.0), format!("{}|", "#".repeat(12)));
        assert_eq!(bars.draw(1.0), format!("{}|{}", " ".repeat(12), "#".repeat(12)));
    }
}
