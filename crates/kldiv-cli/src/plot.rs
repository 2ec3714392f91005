//! The picture of two distributions: both side by side, and below them what each outcome contributes. As SVG, with the
//! same bytes for the same numbers.

use plotters::coord::Shift;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::failure::{Result, fail, wrong};
use crate::number::short;

const SIZE: (u32, u32) = (820, 560);
const FONT: &str = "sans-serif";
const INK: RGBColor = RGBColor(45, 55, 72);
const GRID: RGBColor = RGBColor(226, 232, 240);
/// Of P and Q: apart also for those who do not tell red from green.
const SIDES: [RGBColor; 2] = [RGBColor(43, 108, 176), RGBColor(237, 137, 54)];
const ADDS: RGBColor = RGBColor(74, 85, 104);
const TAKES: RGBColor = RGBColor(160, 174, 192);
/// How many outcomes have room.
pub(crate) const MOST: usize = 100;
/// Bars are no wider, in pixels.
const WIDEST: f64 = 84.0;
/// About what a character of a label takes, in pixels.
const CHARACTER: f64 = 6.6;

/// What is drawn.
pub(crate) struct Picture {
    pub(crate) title: String,
    /// What P and Q are called.
    pub(crate) sides: [String; 2],
    /// What the upper half shows.
    pub(crate) values_title: String,
    /// What the lower half shows.
    pub(crate) terms_title: String,
    pub(crate) outcomes: Vec<Outcome>,
}

/// One outcome's place in it.
pub(crate) struct Outcome {
    pub(crate) name: String,
    pub(crate) p: f64,
    pub(crate) q: f64,
    pub(crate) term: f64,
}

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Chart<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;
type Drawn<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Draws to a file.
pub(crate) fn draw(path: &str, picture: &Picture) -> Result {
    if !path.to_ascii_lowercase().ends_with(".svg") {
        return fail(format!("--plot {path}: pictures are SVG; the name has to end in .svg"));
    }
    let mut svg = String::new();
    to_svg(picture, &mut svg).map_err(|error| wrong(format!("--plot {path}: {error}")))?;
    svg.push('\n');
    std::fs::write(path, svg).map_err(|error| wrong(format!("--plot {path}: {error}")))
}

fn to_svg(picture: &Picture, svg: &mut String) -> Drawn {
    let root = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    root.fill(&WHITE)?;
    let longest = picture.outcomes.iter().map(|outcome| outcome.name.chars().count()).max().unwrap_or(0);
    let slot = slot(picture);
    let upright = longest.min(LONGEST_LABEL) as f64 * CHARACTER > slot;
    let labels = if upright { 24 + (longest.min(LONGEST_LABEL) as f64 * CHARACTER) as i32 } else { 34 };
    let (head, body) = root.split_vertically(44);
    let (upper, lower) = body.split_vertically((body.dim_in_pixel().1 as i32 - labels) * 55 / 100);

    head.draw_text(&picture.title, &text(20.0, HPos::Left, VPos::Top).color(&INK), (16, 14))?;
    legend(&head, &picture.sides)?;
    distributions(&upper, picture)?;
    terms(&lower, picture, labels, upright)?;
    root.present()?;
    Ok(())
}

/// The pixels that an outcome has.
fn slot(picture: &Picture) -> f64 {
    f64::from(SIZE.0 - 90) / picture.outcomes.len() as f64
}

/// Longer names are cut.
const LONGEST_LABEL: usize = 14;

fn text(size: f64, h: HPos, v: VPos) -> TextStyle<'static> {
    TextStyle::from((FONT, size).into_font()).color(&INK).pos(Pos::new(h, v))
}

/// Which colour is whose, at the right of the head.
fn legend(head: &Area, sides: &[String; 2]) -> Drawn {
    let mut right = SIZE.0 as i32 - 16;
    for (name, color) in sides.iter().zip(SIDES).rev() {
        let name = cut(name, 24);
        head.draw_text(&name, &text(15.0, HPos::Right, VPos::Top), (right, 17))?;
        right -= (name.chars().count() as f64 * 8.6) as i32 + 8;
        head.draw(&Rectangle::new([(right - 12, 17), (right, 29)], color.filled()))?;
        right -= 34;
    }
    Ok(())
}

/// The largest and the least of the values that can be drawn, and 0.
fn span(values: impl Iterator<Item = f64>) -> (f64, f64) {
    values.filter(|x| x.is_finite()).fold((0.0, 0.0), |(low, high), x| (x.min(low), x.max(high)))
}

fn chart<'a, 'b>(
    area: &'a Area<'b>,
    title: &str,
    count: usize,
    (low, high): (f64, f64),
    below: i32,
) -> Drawn<Chart<'a, 'b>> {
    let margin = 0.06 * (high - low);
    let bottom = if low < 0.0 { low - margin } else { 0.0 };
    let range = if high > low { bottom..high + margin } else { 0.0..1.0 };
    let mut chart = ChartBuilder::on(area)
        .margin_left(10)
        .margin_right(16)
        .margin_top(30)
        .margin_bottom(below)
        .y_label_area_size(54)
        .build_cartesian_2d(0.0..count as f64, range)?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(GRID)
        .axis_style(GRID)
        .x_labels(0)
        .y_labels(6)
        .y_label_style(text(13.0, HPos::Right, VPos::Center))
        .y_label_formatter(&|y| tick(*y))
        .draw()?;
    area.draw_text(title, &text(14.0, HPos::Left, VPos::Top), (16, 6))?;
    Ok(chart)
}

/// A number at an axis, which is a round one but for the rounding of its computation.
fn tick(y: f64) -> String {
    let text = format!("{y:.6}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    match text {
        "-0" => "0".to_string(),
        "0" if y.abs() > 1e-12 => short(y, 2),
        text => text.to_string(),
    }
}

fn bar(from: (f64, f64), to: (f64, f64), color: RGBColor) -> Rectangle<(f64, f64)> {
    Rectangle::new([from, to], color.filled())
}

fn distributions(area: &Area, picture: &Picture) -> Drawn {
    let outcomes = &picture.outcomes;
    let range = span(outcomes.iter().flat_map(|outcome| [outcome.p, outcome.q]));
    let mut chart = chart(area, &picture.values_title, outcomes.len(), range, 8)?;
    let wide = f64::min(0.36, WIDEST / slot(picture));
    for (side, color) in SIDES.into_iter().enumerate() {
        chart.draw_series(outcomes.iter().enumerate().map(|(i, outcome)| {
            let left = i as f64 + 0.5 + wide * (side as f64 - 1.0);
            let height = if side == 0 { outcome.p } else { outcome.q };
            bar((left, 0.0), (left + wide, height), color)
        }))?;
    }
    base_line(&mut chart, outcomes.len())
}

fn terms(area: &Area, picture: &Picture, labels: i32, upright: bool) -> Drawn {
    let outcomes = &picture.outcomes;
    let range = span(outcomes.iter().map(|outcome| outcome.term));
    let mut chart = chart(area, &picture.terms_title, outcomes.len(), range, labels)?;
    let half = f64::min(0.28, WIDEST / slot(picture) / 2.0);
    let top = chart.as_coord_spec().get_y_range();
    chart.draw_series(outcomes.iter().enumerate().filter(|(_, outcome)| !outcome.term.is_nan()).map(
        |(i, outcome)| {
            let color = if outcome.term < 0.0 { TAKES } else { ADDS };
            let height = outcome.term.clamp(top.start, top.end);
            bar((i as f64 + 0.5 - half, 0.0), (i as f64 + 0.5 + half, height), color)
        },
    ))?;
    base_line(&mut chart, outcomes.len())?;
    let plane = chart.plotting_area();
    let origin = area.get_base_pixel();
    let at = |x: f64, y: f64| {
        let (x, y) = plane.map_coordinate(&(x, y));
        (x - origin.0, y - origin.1)
    };
    for (i, _) in outcomes.iter().enumerate().filter(|(_, outcome)| outcome.term.is_infinite()) {
        let (x, y) = at(i as f64 + 0.5, top.end);
        area.draw_text("∞", &text(18.0, HPos::Center, VPos::Bottom), (x, y - 2))?;
    }
    // Where there is no room for every name, there is for each so manieth.
    let slot = slot(picture);
    let every = if upright { (14.0 / slot).ceil().max(1.0) as usize } else { 1 };
    for (i, outcome) in outcomes.iter().enumerate().step_by(every) {
        let (x, y) = at(i as f64 + 0.5, top.start);
        let name = cut(&outcome.name, LONGEST_LABEL);
        if upright {
            let style = text(13.0, HPos::Right, VPos::Center).transform(FontTransform::Rotate270);
            area.draw_text(&name, &style, (x, y + 6))?;
        } else {
            area.draw_text(&name, &text(13.0, HPos::Center, VPos::Top), (x, y + 7))?;
        }
    }
    Ok(())
}

fn base_line(chart: &mut Chart, count: usize) -> Drawn {
    chart.draw_series([PathElement::new(vec![(0.0, 0.0), (count as f64, 0.0)], INK)])?;
    Ok(())
}

/// A name that fits.
fn cut(name: &str, most: usize) -> String {
    if name.chars().count() <= most {
        return name.to_string();
    }
    name.chars().take(most - 1).chain(['…']).collect()
}
