//! Plots of losses, as SVG: one run's, or the curves of several.

use crate::files::{self, FileError};
use plotters::prelude::*;
use std::path::Path;

/// Width and height, in pixels.
const SIZE: (u32, u32) = (900, 540);

/// Points that a line shows at most.
const POINTS: usize = 2_000;

/// What a plot shows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Losses {
    /// What it is, for people.
    pub title: String,
    /// Training loss by step.
    pub training: Vec<(u64, f64)>,
    /// Held-out loss by step.
    pub heldout: Vec<(u64, f64)>,
}

/// Why there is no plot.
#[derive(Debug, thiserror::Error)]
pub enum PlotError {
    /// Nothing to show.
    #[error("there is no finite loss to plot")]
    Empty,
    /// The drawing failed.
    #[error("cannot draw the plot: {0}")]
    Draw(String),
    /// The file cannot be written.
    #[error(transparent)]
    File(#[from] FileError),
}

impl Losses {
    /// Writes the plot.
    ///
    /// # Errors
    /// If there is nothing to show, or the file cannot be written.
    pub fn write_svg(&self, path: &Path) -> Result<(), PlotError> {
        let svg = self.svg()?;
        Ok(files::write_atomic(path, svg.as_bytes())?)
    }

    /// The plot as SVG text.
    ///
    /// # Errors
    /// If there is nothing to show.
    pub fn svg(&self) -> Result<String, PlotError> {
        let training = thin(finite(&self.training));
        let heldout = finite(&self.heldout);
        let (x, y) = ranges(&training, &heldout).ok_or(PlotError::Empty)?;
        let mut svg = String::new();
        {
            let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
            draw(&area, &self.title, x, y, &training, &heldout)
                .map_err(|error| PlotError::Draw(error.to_string()))?;
        }
        Ok(svg)
    }
}

/// A named line of losses by step.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Curve {
    /// What it is, for people.
    pub name: String,
    /// Loss by step.
    pub points: Vec<(u64, f64)>,
}

/// Several curves in one plot, as SVG text: the first thickest.
///
/// # Errors
/// If there is nothing to show.
pub fn curves_svg(title: &str, curves: &[Curve]) -> Result<String, PlotError> {
    let lines: Vec<Vec<(f64, f64)>> = curves.iter().map(|curve| thin(finite(&curve.points))).collect();
    let (x, y) = ranges(&lines.concat(), &[]).ok_or(PlotError::Empty)?;
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        draw_curves(&area, title, x, y, curves, &lines)
            .map_err(|error| PlotError::Draw(error.to_string()))?;
    }
    Ok(svg)
}

type Range = std::ops::Range<f64>;

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

type Chart<'a, 'b> = ChartContext<
    'a,
    SVGBackend<'b>,
    Cartesian2d<plotters::coord::types::RangedCoordf64, plotters::coord::types::RangedCoordf64>,
>;

/// The empty chart, with its axes.
fn axes<'a, 'b>(
    area: &'a Area<'b>,
    title: &str,
    x: Range,
    y: Range,
) -> Result<Chart<'a, 'b>, Box<dyn std::error::Error>> {
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(area)
        .caption(title, ("sans-serif", 20))
        .margin(12)
        .x_label_area_size(40)
        .y_label_area_size(56)
        .build_cartesian_2d(x, y)?;
    chart
        .configure_mesh()
        .x_desc("step")
        .y_desc("loss, nats per token")
        .x_label_formatter(&|step| format!("{step:.0}"))
        .y_label_formatter(&|loss| format!("{loss:.2}"))
        .draw()?;
    Ok(chart)
}

fn draw_curves(
    area: &Area<'_>,
    title: &str,
    x: Range,
    y: Range,
    curves: &[Curve],
    lines: &[Vec<(f64, f64)>],
) -> Result<(), Box<dyn std::error::Error>> {
    let mut chart = axes(area, title, x, y)?;
    for (index, (curve, line)) in curves.iter().zip(lines).enumerate() {
        let colour = Palette99::pick(index).to_rgba();
        let style = colour.stroke_width(if index == 0 { 3 } else { 1 });
        chart
            .draw_series(LineSeries::new(line.iter().copied(), style))?
            .label(&curve.name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], style));
    }
    chart.configure_series_labels().background_style(WHITE.mix(0.8)).border_style(BLACK).draw()?;
    area.present()?;
    Ok(())
}

fn draw(
    area: &Area<'_>,
    title: &str,
    x: Range,
    y: Range,
    training: &[(f64, f64)],
    heldout: &[(f64, f64)],
) -> Result<(), Box<dyn std::error::Error>> {
    let mut chart = axes(area, title, x, y)?;
    let faint = RGBColor(170, 190, 220);
    chart
        .draw_series(LineSeries::new(training.iter().copied(), &faint))?
        .label("training, each step")
        .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], faint));
    chart
        .draw_series(LineSeries::new(smooth(training), BLUE.stroke_width(2)))?
        .label("training, smoothed")
        .legend(|(x, y)| PathElement::new([(x, y), (x + 16, y)], BLUE));
    chart
        .draw_series(heldout.iter().map(|point| Circle::new(*point, 4, RED.filled())))?
        .label("held out")
        .legend(|(x, y)| Circle::new((x + 8, y), 4, RED.filled()));
    chart.configure_series_labels().background_style(WHITE.mix(0.8)).border_style(BLACK).draw()?;
    area.present()?;
    Ok(())
}

fn finite(points: &[(u64, f64)]) -> Vec<(f64, f64)> {
    points.iter().filter(|(_, loss)| loss.is_finite()).map(|(step, loss)| (*step as f64, *loss)).collect()
}

/// At most [`POINTS`] points, evenly taken.
fn thin(points: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    let stride = points.len().div_ceil(POINTS).max(1);
    points.into_iter().step_by(stride).collect()
}

/// Exponential moving average, corrected at its start.
fn smooth(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    const KEEP: f64 = 0.9;
    let (mut sum, mut weight) = (0.0, 0.0);
    let each = |(step, loss): &(f64, f64)| {
        sum = sum * KEEP + loss * (1.0 - KEEP);
        weight = weight * KEEP + (1.0 - KEEP);
        (*step, sum / weight)
    };
    points.iter().map(each).collect()
}

/// The axes: never empty, even around a single point.
fn ranges(training: &[(f64, f64)], heldout: &[(f64, f64)]) -> Option<(Range, Range)> {
    let all = || training.iter().chain(heldout);
    let first = all().next()?;
    let range = |value: fn(&(f64, f64)) -> f64| {
        let start = (value(first), value(first));
        all().fold(start, |(low, high), point| (low.min(value(point)), high.max(value(point))))
    };
    let (x, y) = (range(|point| point.0), range(|point| point.1));
    let margin = ((y.1 - y.0) * 0.05).max(0.01);
    Some((x.0..x.1.max(x.0 + 1.0), (y.0 - margin)..(y.1 + margin)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn losses(count: u64) -> Losses {
        Losses {
            title: "run".into(),
            training: (0..count).map(|step| (step, 5.0 / (step as f64 + 1.0))).collect(),
            heldout: vec![(0, 5.5), (count, 1.0)],
        }
    }

    #[test]
    fn a_plot_names_its_axes_and_series() {
        let svg = losses(300).svg().unwrap();
        for part in ["<svg", "nats per token", "step", "held out", "run"] {
            assert!(svg.contains(part), "{part} is missing");
        }
    }

    #[test]
    fn one_point_flat_lines_and_long_runs_can_be_drawn() {
        losses(1).svg().unwrap();
        let flat = Losses { training: vec![(0, 2.0), (1, 2.0)], ..Losses::default() };
        flat.svg().unwrap();
        assert!(losses(1_000_000).svg().unwrap().len() < 1_000_000);
    }

    #[test]
    fn curves_are_drawn_with_their_names() {
        let curve = |name: &str, last| Curve { name: name.into(), points: vec![(0, 5.5), (100, last)] };
        let svg =
            curves_svg("three", &[curve("one", 2.0), curve("two", 3.0), curve("none", f64::NAN)]).unwrap();
        for part in ["<svg", "nats per token", "three", "one", "two", "none"] {
            assert!(svg.contains(part), "{part} is missing");
        }
        assert!(svg.matches("<polyline").count() > 2, "no lines");
        assert!(matches!(curves_svg("nothing", &[]), Err(PlotError::Empty)));
    }

    #[test]
    fn nothing_finite_is_an_error() {
        assert!(matches!(Losses::default().svg(), Err(PlotError::Empty)));
        let wild = Losses { training: vec![(0, f64::NAN)], ..Losses::default() };
        assert!(matches!(wild.svg(), Err(PlotError::Empty)));
    }

    #[test]
    fn smoothing_starts_at_the_first_point() {
        let points = [(0.0, 4.0), (1.0, 4.0), (2.0, 0.0)];
        let smoothed = smooth(&points);
        assert!((smoothed[0].1 - 4.0).abs() < 1e-12 && (smoothed[1].1 - 4.0).abs() < 1e-12);
        assert!(smoothed[2].1 < 4.0 && smoothed[2].1 > 2.0);
    }
}
