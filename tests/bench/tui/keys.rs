//! From a key to the cell that changes by it: quiet, and while nodes say more than anybody can read.

use std::time::{Duration, Instant};

use vt100::Cell;

use crate::nodes::{Fleet, Flood, SIZE};
use crate::pty::{Home, Screen};
use crate::{Plan, Ran, quantile};

/// Nodes on the screen. Command nodes would answer as well; sessions are what operators have.
const NODES: usize = 3;
/// Nodes that answer at once.
const FLOOD: usize = 16;
/// Pairs of keys of which the second takes back what the first did.
const PAIRS: [(&str, &str); 4] = [("l", "h"), ("j", "k"), ("<down>", "<up>"), ("?", "<esc>")];
/// A part gives up after this.
const LIMIT: Duration = Duration::from_mins(4);

/// A cell that tells which of two keys was pressed last.
struct Witness {
    pair: (&'static str, &'static str),
    row: u16,
    col: u16,
    after: [Cell; 2],
}

pub(crate) fn calm(plan: &Plan) -> Ran {
    let floor = echo(plan);
    report("cat's echo, the floor of this harness", &floor, None);
    let fleet = Fleet::up(NODES)?;
    let screen = fleet.open(true);
    let witness = witness(&screen)?;
    let times = press(&screen, &witness, plan.keys, "");
    report("breakglass at rest", &times, Some(&floor));
    Ok(())
}

/// Surveys follow each other without a pause: `R` is pressed before each measured key.
pub(crate) fn flood(plan: &Plan) -> Ran {
    let floor = echo(plan);
    let nodes = Flood::up(FLOOD);
    let screen = nodes.open();
    let witness = witness(&screen)?;
    let (answers, begun, bytes) = (nodes.answers(), Instant::now(), screen.count());
    let times = press(&screen, &witness, plan.keys, "R");
    let (answers, seconds) = (nodes.answers() - answers, begun.elapsed().as_secs_f64());
    report("cat's echo, the floor of this harness", &floor, None);
    report(&format!("breakglass flooded by {FLOOD} nodes"), &times, Some(&floor));
    println!(
        "  {:.0} answers of nodes and {:.1} surveys a second, {:.0} bytes a key; budget p99 10 ms",
        answers as f64 / seconds,
        answers as f64 / seconds / FLOOD as f64,
        (screen.count() - bytes) as f64 / times.len() as f64
    );
    if answers < 10 * FLOOD {
        return Err(format!("that was no flood: {answers} answers"));
    }
    Ok(())
}

fn report(name: &str, times: &[f64], floor: Option<&[f64]>) {
    let at = |share: f64, times: &[f64]| quantile(&mut times.to_vec(), share);
    let (p50, p99, max) = (at(0.5, times), at(0.99, times), at(1.0, times));
    print!(
        "  {name}: key to changed cell p50 {p50:.2} ms, p99 {p99:.2} ms, max {max:.2} ms of {}",
        times.len()
    );
    if let Some(floor) = floor {
        print!(", p50 {:.1} and p99 {:.1} of the floor", p50 / at(0.5, floor), p99 / at(0.99, floor));
    }
    println!();
}

/// Pseudo-random gaps between keys, 3 to 34 ms, so that no rhythm of the program can hide behind one of ours.
struct Gaps(u64);

impl Gaps {
    fn wait(&mut self) {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        std::thread::sleep(Duration::from_millis(3 + (self.0 >> 59)));
    }
}

/// What the harness itself takes: a program that does nothing but give a key back.
fn echo(plan: &Plan) -> Vec<f64> {
    let screen =
        Home::new().run(&["sh", "-c", "stty raw -echo; printf ready; exec cat"], &[], SIZE.0, SIZE.1);
    screen.until_text("ready");
    screen.still(Duration::from_millis(100));
    let mut gaps = Gaps(1);
    let one = |at: usize| {
        gaps.wait();
        let key = ["x", "y"][at % 2];
        let begun = Instant::now();
        // At the same place each time, as a frame's cell is.
        screen.keys(key);
        let at = screen.until("the echo", |screen| {
            let (row, col) = screen.cursor_position();
            let last = if col > 0 {
                screen.cell(row, col - 1)
            } else {
                screen.cell(row.saturating_sub(1), SIZE.0 - 1)
            };
            last.is_some_and(|cell| cell.contents() == key)
        });
        milliseconds(begun, at)
    };
    (0..plan.keys.min(1000)).map(one).collect()
}

fn milliseconds(from: Instant, to: Instant) -> f64 {
    to.saturating_duration_since(from).as_secs_f64() * 1e3
}

fn cells(screen: &Screen) -> Vec<Vec<Cell>> {
    screen.see(|screen| {
        let (rows, cols) = screen.size();
        let row = |row| (0..cols).filter_map(|col| screen.cell(row, col).cloned()).collect();
        (0..rows).map(row).collect()
    })
}

/// Finds two keys and a cell by which their effect is to be seen. Where the screen never rests the cell is one that
/// follows the keys again and again.
fn witness(screen: &Screen) -> Result<Witness, String> {
    let shot = |key: &str| {
        screen.keys(key);
        std::thread::sleep(Duration::from_millis(250));
        cells(screen)
    };
    for pair in PAIRS {
        let shots = [pair.0, pair.1, pair.0, pair.1, pair.0, pair.1].map(shot);
        for (row, line) in shots[0].iter().enumerate() {
            for (col, first) in line.iter().enumerate() {
                let second = &shots[1][row][col];
                let follows = first != second
                    && [2, 4].iter().all(|at| &shots[*at][row][col] == first)
                    && [3, 5].iter().all(|at| &shots[*at][row][col] == second);
                if follows {
                    println!("  keys {} and {}, seen at row {row}, column {col}", pair.0, pair.1);
                    let after = [first.clone(), second.clone()];
                    let place = |at: usize| u16::try_from(at).unwrap_or_default();
                    return Ok(Witness { pair, row: place(row), col: place(col), after });
                }
            }
        }
    }
    Err(format!("no pair of keys changes one cell back and forth\n{}", screen.picture()))
}

/// Presses the witness's keys, `between` before each of them.
fn press(screen: &Screen, witness: &Witness, keys: usize, between: &str) -> Vec<f64> {
    let end = Instant::now() + LIMIT;
    let mut gaps = Gaps(7);
    let mut times = Vec::new();
    for at in 0..keys {
        if Instant::now() > end {
            println!("  stopped after {} keys: {LIMIT:?} are over", times.len());
            break;
        }
        screen.keys(between);
        gaps.wait();
        let (key, expected) = if at % 2 == 0 {
            (witness.pair.0, &witness.after[0])
        } else {
            (witness.pair.1, &witness.after[1])
        };
        let begun = Instant::now();
        screen.keys(key);
        let done = screen
            .until("the cell changes", |screen| screen.cell(witness.row, witness.col) == Some(expected));
        times.push(milliseconds(begun, done));
    }
    times
}
