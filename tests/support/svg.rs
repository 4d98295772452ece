//! A terminal's screen as an SVG picture: small, without fonts of its own, the same for the same screen.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use vt100::{Color, Screen};

/// A cell in pixels, for a font whose letters are 0.6 of its size wide, as nearly all monospaced ones are.
const CELL: (usize, usize) = (9, 18);
const FONT: usize = 15;
/// Around the cells.
const MARGIN: usize = 9;
/// Letters stand on this line of their cell.
const BASE: usize = 14;

/// How a dim letter or line is drawn.
const DIM: &str = " opacity=\"0.6\"";
const BACK: &str = "#11151c";
const FORE: &str = "#c8ccd4";
/// The sixteen named colours of a dark theme.
const NAMED: [&str; 16] = [
    "#1d232d", "#e5534b", "#57ab5a", "#c69026", "#539bf5", "#b083f0", "#39c5cf", "#c8ccd4", "#768390",
    "#ff938a", "#8ddb8c", "#eac55f", "#96d0ff", "#dcbdfb", "#76e3ea", "#ffffff",
];

/// How a run of cells looks.
#[derive(Clone, PartialEq, Eq)]
struct Style {
    back: String,
    /// Attributes of its text.
    letters: String,
}

/// Where a sign of a frame goes from the middle of its cell: up, right, down, left; and whether it is a heavy one.
fn arms(sign: &str) -> Option<([bool; 4], bool)> {
    let arms = match sign {
        "─" | "━" => [false, true, false, true],
        "│" | "┃" => [true, false, true, false],
        "┬" => [false, true, true, true],
        "┴" => [true, true, false, true],
        "┼" => [true, true, true, true],
        "├" => [true, true, true, false],
        "┤" => [true, false, true, true],
        "┌" | "┏" => [false, true, true, false],
        "┐" | "┓" => [false, false, true, true],
        "└" | "┗" => [true, true, false, false],
        "┘" | "┛" => [true, false, false, true],
        _ => return None,
    };
    Some((arms, "━┃┏┓┗┛".contains(sign)))
}

/// The frames as lines: fonts leave gaps between rows, and some lack the signs.
fn frames(screen: &Screen) -> String {
    let (rows, cols) = screen.size();
    let mut paths: BTreeMap<(String, String), String> = BTreeMap::new();
    for (row, col) in (0..rows).flat_map(|row| (0..cols).map(move |col| (row, col))) {
        let Some(cell) = screen.cell(row, col) else { continue };
        let Some((arms, heavy)) = arms(cell.contents()) else { continue };
        let fore = if cell.inverse() { cell.bgcolor() } else { cell.fgcolor() };
        let fore = colour(fore, if cell.inverse() { BACK } else { FORE });
        let how =
            format!("stroke-width=\"{}\"{}", if heavy { 2 } else { 1 }, if cell.dim() { DIM } else { "" });
        let (left, top) = (MARGIN + usize::from(col) * CELL.0, MARGIN + usize::from(row) * CELL.1);
        let (right, bottom) = (left + CELL.0, top + CELL.1);
        // On the middle of a pixel a thin line is sharp.
        let (x, y) = (format!("{}.5", left + CELL.0 / 2), format!("{}.5", top + CELL.1 / 2));
        let path = paths.entry((fore, how)).or_default();
        let ends = [format!("V{top}"), format!("H{right}"), format!("V{bottom}"), format!("H{left}")];
        for (_, end) in arms.iter().zip(ends).filter(|(there, _)| **there) {
            let _ = write!(path, "M{x} {y}{end}");
        }
    }
    let line = |((fore, how), path)| format!("<path d=\"{path}\" stroke=\"{fore}\" {how}/>\n");
    paths.into_iter().map(line).collect()
}

/// Cells side by side that look the same.
struct Run {
    at: usize,
    cells: usize,
    text: String,
    style: Style,
}

/// Letters that stand in for those of a cell, by row and column.
pub(crate) type Instead = BTreeMap<(u16, u16), char>;

/// The picture; `title` is what those read who do not see it.
pub(crate) fn svg(screen: &Screen, title: &str, instead: &Instead) -> String {
    let (rows, cols) = screen.size();
    let (width, height) = (usize::from(cols) * CELL.0 + 2 * MARGIN, usize::from(rows) * CELL.1 + 2 * MARGIN);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
         height=\"{height}\" role=\"img\">\n<title>{}</title>\n<rect width=\"{width}\" height=\"{height}\" rx=\"8\" \
         fill=\"{BACK}\"/>\n<g font-family=\"ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace\" \
         font-size=\"{FONT}\" fill=\"{FORE}\" xml:space=\"preserve\">\n",
        escaped(title),
    );
    for row in 0..rows {
        let top = MARGIN + usize::from(row) * CELL.1;
        let runs = runs(screen, row, instead);
        for run in runs.iter().filter(|run| run.style.back != BACK) {
            let (x, width) = (MARGIN + run.at * CELL.0, run.cells * CELL.0);
            let _ = writeln!(
                out,
                "<rect x=\"{x}\" y=\"{top}\" width=\"{width}\" height=\"{}\" fill=\"{}\"/>",
                CELL.1, run.style.back
            );
        }
        for run in runs.iter().filter(|run| !run.text.trim().is_empty()) {
            out.push_str(&letters(run, top + BASE));
        }
    }
    out.push_str(&frames(screen));
    out.push_str("</g>\n</svg>\n");
    out
}

/// One run's text. Its length is said, so that no font pulls the columns apart.
fn letters(run: &Run, base: usize) -> String {
    let blank = run.text.chars().take_while(|c| *c == ' ').count();
    let text = run.text.trim_matches(' ');
    let after = run.text.chars().rev().take_while(|c| *c == ' ').count();
    let (x, length) = (MARGIN + (run.at + blank) * CELL.0, (run.cells - blank - after) * CELL.0);
    format!(
        "<text x=\"{x}\" y=\"{base}\" textLength=\"{length}\"{}>{}</text>\n",
        run.style.letters,
        escaped(text)
    )
}

fn runs(screen: &Screen, row: u16, instead: &Instead) -> Vec<Run> {
    let (_, cols) = screen.size();
    let mut runs: Vec<Run> = Vec::new();
    for col in 0..cols {
        let Some(cell) = screen.cell(row, col).filter(|cell| !cell.is_wide_continuation()) else { continue };
        let (mut fore, mut back) = (colour(cell.fgcolor(), FORE), colour(cell.bgcolor(), BACK));
        if cell.inverse() {
            std::mem::swap(&mut fore, &mut back);
        }
        let mut letters = String::new();
        if fore != FORE {
            let _ = write!(letters, " fill=\"{fore}\"");
        }
        for (is, attribute) in [
            (cell.bold(), " font-weight=\"bold\""),
            (cell.dim(), DIM),
            (cell.italic(), " font-style=\"italic\""),
            (cell.underline(), " text-decoration=\"underline\""),
        ] {
            letters.push_str(if is { attribute } else { "" });
        }
        let style = Style { back, letters };
        let cells = if cell.is_wide() { 2 } else { 1 };
        // Frames are drawn as lines.
        let own = if cell.has_contents() && arms(cell.contents()).is_none() { cell.contents() } else { " " };
        let text = instead.get(&(row, col)).map_or(own.to_owned(), char::to_string);
        match runs.last_mut().filter(|run| run.style == style) {
            Some(run) => {
                run.cells += cells;
                run.text.push_str(&text);
            }
            None => runs.push(Run { at: col.into(), cells, text, style }),
        }
    }
    runs
}

fn colour(colour: Color, usual: &str) -> String {
    match colour {
        Color::Default => usual.to_owned(),
        Color::Rgb(r, g, b) => format!("#{r:02x}{g:02x}{b:02x}"),
        Color::Idx(at @ 0..=15) => NAMED.get(usize::from(at)).copied().unwrap_or(usual).to_owned(),
        // xterm's cube of six by six by six, and its ramp of greys.
        Color::Idx(at @ 16..=231) => {
            let step = |n: u8| if n == 0 { 0 } else { 55 + 40 * n };
            let at = at - 16;
            format!("#{:02x}{:02x}{:02x}", step(at / 36), step(at / 6 % 6), step(at % 6))
        }
        Color::Idx(at) => {
            let grey = 8 + 10 * (at - 232);
            format!("#{grey:02x}{grey:02x}{grey:02x}")
        }
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
