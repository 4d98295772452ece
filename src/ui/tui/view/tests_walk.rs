//! Pictures and promises of the screens round a run.

use ratatui::layout::Rect;

use super::fixtures::{cluster, drawn, hostile, matrix, model, now, plain, snapshot, stopped, text};
use super::walks::{
    before_bootstrap, challenge_of_bootstrap, choosing, confirming, ends, hear, moves, name, partial,
    transferring, waiving,
};
use super::{cursor, extent, page, picker};
use crate::facts::Plain;
use crate::record::body::StepState;
use crate::runbook::Fit;
use crate::ui::tui::look::Palette;
use crate::ui::tui::model::{DrillOffer, Layer, Model, ReasonForm, RecordState, WaiveForm};
use crate::ui::tui::walk::{Ask, Finish, Stopping, Told};

const SIZES: [(u16, u16); 4] = [(60, 15), (80, 24), (120, 40), (200, 60)];

fn welcome() -> Model {
    let mut model = model(Vec::new(), vec![Layer::Welcome { at: 0 }]);
    let drills = [
        ("all-stopped", "Three nodes, cleanly stopped", 1),
        ("empty-node", "The empty node looks safest", 2),
        ("disk-full", "A full disk, and one node days behind", 3),
    ];
    let offer =
        |(id, title, level): (&str, &str, u64)| DrillOffer { id: id.to_owned(), title: plain(title), level };
    model.drills = drills.map(offer).into();
    model
}

fn confirmation(typed: &str, wrong: u8) -> Model {
    confirming().on(Layer::Confirm {
        typed: typed.to_owned(),
        burst: crate::ui::tui::model::Burst::default(),
        wrong,
        scroll: 0,
    })
}

fn waiver(form: WaiveForm) -> Model {
    waiving().on(Layer::Waive(form))
}

fn reason() -> Model {
    let model = matrix(stopped([10, 9, 8]));
    let runbook = model.runbooks.iter().position(|book| book.id == "galera-bootstrap");
    let reason = "all three nodes are down".to_owned();
    model.on(Layer::Reason(ReasonForm { runbook, reason, incident: String::new(), field: 1 }))
}

fn record() -> Model {
    let mut model = matrix(stopped([10, 9, 8]));
    model.clusters[0].record = RecordState::Head { code: "M6XW-R81C".to_owned(), records: 87, open: 1 };
    let lines = [
        "03:00:10  session.open  ann on desk: all nodes down · INC-4711",
        "03:00:12  survey  outage, no candidate",
        "03:01:40  op.intent  bootstrap on g2, machine 4f1c0d9ab27e4c53a1d8f6e2b7c905a2, covered by the confirmation of record 41",
    ];
    model.on(Layer::Record { lines: lines.map(str::to_owned).into(), scroll: 0, filter: String::new() })
}

/// Every screen of this room, by name.
fn all() -> Vec<(&'static str, Model)> {
    let bootstrap = |model: &Model| {
        model.walk.as_ref().unwrap().steps.iter().position(|line| line.id == "bootstrap").unwrap()
    };
    let script = {
        let model = transferring();
        let step = bootstrap(&model);
        model.on(Layer::Script { step, scroll: 0 })
    };
    let planned = {
        let model = before_bootstrap();
        let step = bootstrap(&model);
        model.on(Layer::Script { step, scroll: 0 })
    };
    let left_out = {
        let mut model = partial();
        let at = model.walk.as_ref().unwrap().steps.iter().rposition(|line| line.id == "join");
        model.layers.push(Layer::Walker { at, scroll: 0 });
        model
    };
    vec![
        ("welcome", welcome()),
        ("brief", matrix(stopped([10, 9, 8])).drilled().on(Layer::Brief { scroll: 0 })),
        ("debrief", matrix(stopped([10, 9, 8])).drilled().on(Layer::Debrief { scroll: 0 })),
        ("diagnose", matrix(stopped([10, 9, 8])).drilled().on(Layer::Diagnose { at: Some(1), then: None })),
        ("picker", matrix(stopped([10, 9, 8])).on(Layer::Picker { at: 0 })),
        ("picker_blocked", matrix(stopped([10, 9, 8])).on(Layer::Picker { at: 3 })),
        ("reason", reason()),
        ("walker_confirm", confirming()),
        ("walker_transfer", transferring()),
        ("walker_left_out", left_out),
        ("walker_partial", partial()),
        ("choose", choosing().on(Layer::Choose { at: Some(1) })),
        ("confirm", confirmation("g2 lo", 0)),
        ("confirm_wrong", confirmation("", 1)),
        ("confirm_drill", confirmation("", 0).drilled()),
        (
            "waive",
            waiver(WaiveForm { typed: "g3 transfer unproved".to_owned(), field: 1, ..WaiveForm::default() }),
        ),
        ("script", script),
        ("script_planned", planned),
        ("record", record()),
        ("leave", transferring().on(Layer::Leave)),
    ]
}

#[test]
fn every_screen_looks_like_this() {
    for (name, model) in all() {
        snapshot(name, model);
    }
}

#[test]
fn ascii_signs_say_the_same() {
    snapshot("walker_ascii", transferring().looking(Palette::Mono, false));
    snapshot("confirm_ascii", confirmation("", 0).looking(Palette::Mono, false));
    snapshot("waive_ascii", waiver(WaiveForm::default()).looking(Palette::Mono, false));
    for (name, model) in all() {
        let mut model = model.looking(Palette::Mono, false);
        for size in SIZES {
            let text = text(&drawn(&mut model, size));
            assert!(text.is_ascii(), "{name} {size:?}\n{text}");
        }
    }
}

#[test]
fn a_drill_says_so_in_words_on_every_screen() {
    for (name, model) in all() {
        if name == "welcome" {
            continue;
        }
        let mut model = model.drilled();
        for size in SIZES {
            let text = text(&drawn(&mut model, size));
            assert!(text.contains("DRILL"), "{name} {size:?}\n{text}");
        }
    }
}

#[test]
fn what_is_asked_and_where_it_is_typed_are_always_in_sight() {
    for scroll in [0, 1, 7, 1000] {
        for wrong in [0, 1, 2] {
            for size in SIZES {
                let typed = "g2 lo".to_owned();
                let mut model = confirming().on(Layer::Confirm {
                    typed,
                    burst: crate::ui::tui::model::Burst::default(),
                    wrong,
                    scroll,
                });
                let text = text(&drawn(&mut model, size));
                assert!(text.contains("Type   g2 lose 0   to go on."), "{size:?}\n{text}");
                assert!(text.contains("› g2 lo"), "{size:?}\n{text}");
                assert!(text.contains("BOOTSTRAP g2"), "{size:?}\n{text}");
                assert!(text.contains("Esc goes back"), "{size:?}\n{text}");
                assert_eq!(text.contains("Not what is asked"), wrong > 0, "{size:?}\n{text}");

                let typed = "g3 tr".to_owned();
                let form = WaiveForm { typed, wrong, scroll, ..WaiveForm::default() };
                let text = super::fixtures::text(&drawn(&mut waiver(form), size));
                assert!(text.contains("type   g3 transfer unproved"), "{size:?}\n{text}");
                assert!(text.contains("› g3 tr"), "{size:?}\n{text}");
                assert!(text.contains("WAIVE S17 on g3"), "{size:?}\n{text}");
                assert!(text.contains("reason") && text.contains("minutes"), "{size:?}\n{text}");
            }
        }
    }
}

#[test]
fn all_of_a_confirmation_can_be_read_by_scrolling() {
    for size in SIZES {
        let mut model = confirmation("", 0);
        model.size = size;
        let page = page(&model).unwrap();
        assert_eq!(page.extent(), extent(&model));
        let whole: String = page.lines.iter().map(|line| line.to_string() + "\n").collect();
        for (label, _) in challenge_of_bootstrap(&model).lines {
            assert!(whole.contains(label), "{label}");
        }
        *model.layers.last_mut().unwrap() = Layer::Confirm {
            typed: String::new(),
            burst: crate::ui::tui::model::Burst::default(),
            wrong: 0,
            scroll: page.extent(),
        };
        let shown = text(&drawn(&mut model, size));
        assert!(shown.contains("4 s old"), "{size:?}\n{shown}");
    }
}

#[test]
fn the_cursor_stands_behind_what_is_typed() {
    let area = Rect::new(0, 0, 80, 24);
    for (typed, model) in [
        ("g2 lo", confirmation("g2 lo", 0)),
        ("a reason", waiver(WaiveForm { reason: "a reason".to_owned(), field: 1, ..WaiveForm::default() })),
    ] {
        let mut model = model;
        let buf = drawn(&mut model, (80, 24));
        let (x, y) = cursor(&model, area).unwrap();
        let row = text(&buf).lines().nth(usize::from(y)).unwrap().to_owned();
        let before: String = row.chars().take(usize::from(x)).collect();
        assert!(before.ends_with(typed), "{before:?}");
    }
    assert_eq!(cursor(&confirming().on(Layer::Leave), area), None);
}

#[test]
fn a_confirmation_that_is_no_longer_asked_asks_for_nothing() {
    let mut model = before_bootstrap().on(Layer::Confirm {
        typed: "g2".to_owned(),
        burst: crate::ui::tui::model::Burst::default(),
        wrong: 0,
        scroll: 0,
    });
    let text = text(&drawn(&mut model, (80, 24)));
    assert!(text.contains("Nothing is asked any more") && !text.contains("Type"), "{text}");
    assert_eq!(cursor(&model, Rect::new(0, 0, 80, 24)), None);
}

#[test]
fn the_best_fit_comes_first_and_each_runbook_once() {
    let model = matrix(stopped([10, 9, 8]));
    let order = picker::order(&model);
    assert_eq!(order.len(), model.runbooks.len());
    let picture = model.clusters[0].picture.as_ref().unwrap();
    let fits: Vec<Fit> =
        order.iter().map(|at| model.runbooks[*at].outlook(&picture.survey, &picture.judgement).fit).collect();
    assert!(fits.is_sorted(), "{fits:?}");
    assert_eq!(fits.first(), Some(&Fit::Suggested));
    let mut unread = matrix(stopped([10, 9, 8]));
    unread.clusters[0].picture = None;
    assert_eq!(picker::order(&unread), (0..unread.runbooks.len()).collect::<Vec<_>>());
}

#[test]
fn every_wait_says_what_enter_opens() {
    for (words, mut model) in [
        ("confirmation of BOOTSTRAP g2", confirming()),
        ("waiver of S17 on g3", waiving()),
        ("choice of target", choosing()),
    ] {
        for size in SIZES {
            let text = text(&drawn(&mut model, size)).split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(text.contains("WAITING FOR YOU"), "{size:?}\n{text}");
            // Where it is wrapped, the other pane stands between its words.
            assert!(words.split(' ').all(|word| text.contains(word)), "{words} {size:?}\n{text}");
        }
    }
}

#[test]
fn what_the_run_waits_for_is_not_pushed_away_by_what_moves() {
    let mut model = confirming();
    for node in ["g1", "g2", "g3"] {
        moves(&mut model, "recover", node, 200, &"a long word on what is waited for; ".repeat(4));
    }
    for size in SIZES {
        let text = text(&drawn(&mut model, size));
        assert!(text.contains("WAITING FOR YOU") && text.contains("BOOTSTRAP"), "{size:?}\n{text}");
    }
}

#[test]
fn one_thing_is_red_at_a_time() {
    for (name, mut model) in all() {
        let confirms = matches!(model.top(), Some(Layer::Confirm { .. }));
        for size in SIZES {
            let buf = drawn(&mut model, size);
            let red =
                |row: &[ratatui::buffer::Cell]| row.iter().any(|cell| cell.fg == ratatui::style::Color::Red);
            let rows = buf.content.chunks(usize::from(size.0)).filter(|row| red(row)).count();
            assert!(confirms || rows <= 1, "{name} {size:?}: {rows} red rows");
        }
    }
}

#[test]
fn what_stops_and_what_it_came_to_is_said() {
    let mut model = transferring();
    model.walk.as_mut().unwrap().stopping = Stopping::AfterStep;
    let shown = text(&drawn(&mut model, (80, 24)));
    assert!(shown.contains("Stops after this step.") && shown.contains("12 s"), "{shown}");
    for result in ["done", "partial", "refused", "unknown", "paused"] {
        let mut model = transferring();
        let detail = "g1: looked at; what would change it: wait".to_owned();
        hear(&mut model, Told::Ended(Finish { result, exit: 50, detail }));
        let shown = text(&drawn(&mut model, (80, 24)));
        assert!(shown.contains(&result.to_uppercase()) && shown.contains("next"), "{shown}");
        assert!(shown.contains("→ wait") && shown.contains("50"), "{shown}");
    }
}

#[test]
fn the_chosen_entry_is_in_sight_however_long_the_list() {
    let mut model = welcome();
    let offer =
        |n: u8| DrillOffer { id: format!("d{n}"), title: plain(&format!("Drill number {n:02}")), level: 2 };
    model.drills = (0..50).map(offer).collect();
    for at in [0, 1, 13, 48, 49] {
        for size in SIZES {
            model.layers = vec![Layer::Welcome { at }];
            let text = text(&drawn(&mut model, size));
            assert!(text.contains(&format!("▶ Drill number {at:02}")), "{at} {size:?}\n{text}");
        }
    }
}

#[test]
fn the_step_that_is_shown_is_among_the_steps_shown() {
    let mut model = partial();
    let steps = model.walk.as_ref().unwrap().steps.len();
    for at in 0..steps {
        for size in SIZES {
            model.layers = vec![Layer::Walker { at: Some(at), scroll: 0 }];
            let text = text(&drawn(&mut model, size));
            assert!(text.lines().any(|line| line.starts_with('▶')), "{at} {size:?}\n{text}");
        }
    }
}

/// A model in which every text that can come from elsewhere is as bad as it can be.
fn hostiles() -> Vec<Model> {
    let bad = hostile();
    let raw = "\u{1b}[31m\u{202e}\u{200b}\u{301}数据库\t\u{7}\r\n\n".repeat(5);
    let mut all: Vec<Model> = all().into_iter().map(|(_, model)| model).collect();
    for model in &mut all {
        model.drills.push(DrillOffer { id: String::new(), title: bad.clone(), level: u64::MAX });
        let Some(walk) = &mut model.walk else { continue };
        walk.said.push(bad.clone());
        for line in &mut walk.steps {
            line.detail.clone_from(&raw);
            line.said.push(bad.clone());
            for rule in &mut line.rules {
                rule.why.clone_from(&raw);
            }
            for op in &mut line.ops {
                op.output.clone_from(&raw);
                op.script.clone_from(&raw);
                op.args.push(raw.clone());
                op.machine.clone_from(&raw);
                op.node.clone_from(&raw);
            }
        }
        match &mut walk.asked {
            Some(Ask::Confirm(challenge)) => {
                challenge.asked = "g2 lose 18446744073709551615 数据库".repeat(4);
                challenge.lines.push(("evil", bad.clone()));
            }
            Some(Ask::Waive(waiver)) => waiver.blocked.why = bad.clone(),
            Some(Ask::Choose(choice)) => choice.standings.push((name("g9"), raw.clone())),
            None => {}
        }
    }
    let lines = vec![raw.clone(); 3];
    all.push(matrix(stopped([1, 2, 3])).on(Layer::Record { lines, scroll: 9, filter: "数".to_owned() }));
    all.push(waiver(WaiveForm { typed: raw.clone(), reason: raw.clone(), field: 1, ..WaiveForm::default() }));
    all.push(confirmation(&raw, 9));
    all
}

#[test]
fn no_size_and_no_text_breaks_a_screen() {
    let sizes = [1, 2, 5, 13, 20, 24, 59, 60, 100, 299];
    let heights = [1, 2, 3, 5, 7, 8, 14, 15, 24, 99];
    for mut model in hostiles() {
        for width in sizes {
            for height in heights {
                let buf = drawn(&mut model, (width, height));
                for cell in &buf.content {
                    let symbol = cell.symbol();
                    assert_eq!(Plain::new(symbol).as_str(), symbol, "{width}×{height}");
                    assert!(super::paint::width(symbol) <= 2, "{width}×{height} {symbol:?}");
                }
                let area = Rect::new(0, 0, width, height);
                if let Some((x, y)) = cursor(&model, area) {
                    assert!(x < width && y < height, "{width}×{height} {x} {y}");
                }
            }
        }
    }
}

#[test]
fn nothing_to_show_is_said_and_no_place_is_out_of_bounds() {
    let bare = || model(Vec::new(), Vec::new());
    let layers = [
        Layer::Welcome { at: 9 },
        Layer::Brief { scroll: 9 },
        Layer::Picker { at: 99 },
        Layer::Diagnose { at: Some(9), then: None },
        Layer::Walker { at: Some(9), scroll: 9 },
        Layer::Choose { at: Some(9) },
        Layer::Script { step: 9, scroll: 9 },
        Layer::Record { lines: Vec::new(), scroll: 9, filter: String::new() },
        Layer::Leave,
        Layer::Debrief { scroll: 9 },
    ];
    for layer in layers {
        let mut model = bare().on(layer);
        let text = text(&drawn(&mut model, (80, 24)));
        let said = text.lines().skip(1).take(22).any(|line| !line.trim().is_empty());
        assert!(said, "{text}");
    }
    let mut partly = partial();
    ends(&mut partly, "no such step", None, StepState::Failed, "nowhere");
    partly.layers = vec![Layer::Walker { at: Some(usize::MAX), scroll: usize::MAX }];
    assert!(text(&drawn(&mut partly, (80, 24))).contains("PARTIAL"));
    let mut unread = model(vec![cluster(stopped([1, 2, 3]))], vec![Layer::Picker { at: 0 }]);
    unread.clusters[0].picture = None;
    assert!(text(&drawn(&mut unread, (80, 24))).contains("not known"));
    assert!(now() < unread.now);
}
