//! Whole walks by keys: the real update, the real engine, the real record, a simulated cluster; only the terminal is not
//! there.

use crate::nodes::sim::Fault;
use crate::record::Body;
use crate::ui::tui::model::Layer;
use crate::ui::tui::msg::Msg;

use super::stage::Stage;

/// From the welcome screen to the matrix of the first drill.
fn at_the_matrix() -> Stage {
    let mut stage = Stage::new();
    stage.keys("<enter>").until("03:00.").keys("<enter>").until("crashed");
    stage
}

/// Both questions of the drill answered with the answer on top, and the glass broken.
fn with_glass_broken(stage: &mut Stage) {
    stage.until("What is wrong?").keys("<enter>").until("with the arrows first");
    stage.keys("j<enter>").until("Which node").keys("j<enter>");
    stage.until("BREAK THE GLASS").keys("all three were killed<enter>INC-4711<enter>");
}

fn records(stage: &Stage) -> Vec<crate::record::Record> {
    crate::record::read(&stage.state.path().join("audit/drill/shop")).unwrap()
}

#[test]
fn the_first_drill_from_the_welcome_to_the_debrief() {
    let mut stage = at_the_matrix();
    // The finding names what answers it; Enter walks it.
    stage.keys("<enter>").until("galera.all-crashed").keys("<enter>");
    with_glass_broken(&mut stage);
    stage.until("GLASS BROKEN").until("DONE").until("debrief").keys("<enter>").until("won in");
    assert!(stage.shown().contains("DRILL"), "{}", stage.shown());
    assert!(stage.shown().contains("0 write-sets dropped"), "{}", stage.shown());
    // The record holds what was said, and nothing destructive was done.
    let records = records(&stage);
    let open = records.iter().find_map(|record| match &record.body {
        Body::SessionOpen(open) => Some(open.clone()),
        _ => None,
    });
    let open = open.unwrap();
    assert_eq!(open.reason.as_deref(), Some("all three were killed"));
    assert_eq!(open.incident.as_deref(), Some("INC-4711"));
    assert!(!records.iter().any(|record| matches!(&record.body, Body::Confirm(_))));
    stage.keys("<enter>").until("Drills, on a simulated cluster").keys("q");
    assert_eq!(stage.left, Some(0));
}

/// Walks galera-bootstrap up to its confirmation.
fn at_the_confirmation() -> Stage {
    let mut stage = at_the_matrix();
    stage.keys("r").until("galera-bootstrap");
    while !stage.shown().contains("▶ galera-bootstrap") {
        stage.keys("j");
    }
    stage.keys("<enter>");
    with_glass_broken(&mut stage);
    stage.until("opens the confirmation").keys("<enter>").until("Type");
    stage
}

#[test]
fn a_bootstrap_is_typed_once_and_a_slip_is_no_answer() {
    let mut stage = at_the_confirmation();
    assert!(stage.shown().contains("BOOTSTRAP"), "{}", stage.shown());
    // What is pasted does not count; a wrong line is told and nothing happens.
    stage.tell(Msg::Paste("db2 lose 0".to_owned()));
    stage.keys("db1 lose 0<enter>").until("1 of 3").until_asked();
    stage.keys("db2 lose 0<enter>").until("DONE").until("debrief");
    let records = records(&stage);
    let confirms: Vec<_> = records
        .iter()
        .filter_map(|record| match &record.body {
            Body::Confirm(confirm) => Some((confirm.typed.clone(), confirm.matched)),
            _ => None,
        })
        .collect();
    assert_eq!(confirms, [("db1 lose 0".to_owned(), false), ("db2 lose 0".to_owned(), true)]);
}

#[test]
fn escape_leaves_the_confirmation_and_declining_ends_the_run_with_everything_put_back() {
    let mut stage = at_the_confirmation();
    stage.keys("db2 lo<esc>").until("opens the confirmation");
    assert!(stage.model().running().is_some());
    // What was typed before is gone.
    stage.keys("<enter>").until("Type");
    assert!(!stage.shown().contains("db2 lo "), "{}", stage.shown());
    stage.keys("<esc>n").until("REFUSED");
    let records = records(&stage);
    let close = records.iter().rev().find_map(|record| match &record.body {
        Body::SessionClose(close) => Some(close.clone()),
        _ => None,
    });
    let close = close.unwrap();
    assert_eq!(close.exit, 40);
    assert_eq!(close.automation, crate::record::body::Automation::Restored);
}

#[test]
fn three_wrong_lines_are_an_answer_and_stand_in_the_record() {
    let mut stage = at_the_confirmation();
    stage
        .keys("no<enter>")
        .until("1 of 3")
        .until_asked()
        .keys("nay<enter>")
        .until("2 of 3")
        .until_asked()
        .keys("never<enter>")
        .until("REFUSED");
    let wrong = records(&stage).iter().any(|record| {
        matches!(&record.body, Body::Confirm(confirm) if confirm.typed == "never" && !confirm.matched)
    });
    assert!(wrong);
}

#[test]
fn a_line_that_comes_all_at_once_is_a_paste_whatever_the_terminal_says() {
    let mut stage = at_the_confirmation();
    stage.at_once("db2 lose 0<enter>").until("pasted does not count");
    // Nor after a letter that was typed, erased or not.
    stage.keys("x<bs>").at_once("db2 lose 0<enter>").until("pasted does not count");
    stage.keys("d").at_once("b2 lose 0").keys("<enter>").until("pasted does not count");
    assert!(stage.model().running().is_some());
    assert!(!records(&stage).iter().any(|record| matches!(&record.body, Body::Confirm(_))));
    stage.keys("db2 lose 0<enter>").until("DONE");
}

#[test]
fn a_drill_is_not_begun_over_a_run() {
    let mut stage = at_the_confirmation();
    stage.keys("<esc>").until("opens the confirmation").keys("qq").until("where you left it");
    stage.keys("<enter>").until("is under way").keys("N").until("has to end first");
    assert!(stage.model().running().is_some());
    stage.keys("mw").until("opens the confirmation");
}

#[test]
fn what_is_chosen_stays_chosen_when_the_lists_are_sorted_anew() {
    let mut stage = at_the_matrix();
    stage.keys("r").until("galera-rejoin");
    while !stage.shown().contains("▶ galera-rejoin") {
        stage.keys("j");
    }
    // All killed and started again past Breakglass: another finding, another order.
    let sim = stage.sim();
    for node in sim.names() {
        sim.fault(&Fault::Start(node.clone())).unwrap();
    }
    sim.pass(std::time::Duration::from_mins(1));
    stage.keys("<esc>R").until("SYNCED").keys("r").until("Runbooks");
    while !stage.shown().contains("▶ galera-bootstrap") {
        stage.keys("j");
    }
    sim.fault(&Fault::Kill(sim.names()[0].clone())).unwrap();
    stage.survey_now();
    assert!(stage.shown().contains("▶ galera-bootstrap"), "{}", stage.shown());
}

#[test]
fn a_finding_that_is_no_longer_the_case_is_not_answered() {
    let mut stage = at_the_matrix();
    stage.keys("<enter>").until("galera.all-crashed");
    let sim = stage.sim();
    for node in sim.names() {
        sim.fault(&Fault::Start(node.clone())).unwrap();
    }
    sim.pass(std::time::Duration::from_mins(1));
    stage.survey_now();
    stage.until("no longer the case");
    assert!(matches!(stage.model().top(), Some(Layer::Matrix(_))));
}

#[test]
fn a_secret_is_taken_once_and_an_empty_one_only_on_purpose() {
    let mut stage = at_the_matrix();
    stage.tell(Msg::SecretAsked(crate::facts::Plain::new("passphrase of id_ed25519"))).until("A SECRET");
    stage.keys("<enter>").until("enter once more");
    stage.keys("hush");
    assert!(!stage.shown().contains("hush"), "{}", stage.shown());
    stage.keys("<enter>").until("restarts itself");
    assert!(stage.model().secret.is_none());
    // While something else is typed it waits, and says so.
    stage.keys("/").tell(Msg::SecretAsked(crate::facts::Plain::new("passphrase of id_rsa")));
    assert!(matches!(stage.model().top(), Some(Layer::Filter { .. })));
    stage.keys("<esc>").until("id_rsa").keys("<esc>").until("restarts itself");
}

#[test]
fn an_older_survey_never_takes_the_place_of_a_newer() {
    let mut stage = at_the_matrix();
    let old = stage.model().clusters[0].picture.clone().unwrap();
    stage.survey_now();
    let serial = stage.model().clusters[0].serial;
    let newer = stage.model().clusters[0].picture.as_ref().unwrap().survey.taken;
    assert!(newer > old.survey.taken);
    let cluster = crate::ui::tui::msg::Which { at: 0, serial };
    stage.tell(Msg::Surveyed { cluster, result: Ok(Box::new(old.clone())) });
    assert_eq!(stage.model().clusters[0].picture.as_ref().unwrap().survey.taken, newer);
    // One of a drill that was left says nothing of the one that was begun after it.
    let cluster = crate::ui::tui::msg::Which { at: 0, serial: serial + 1 };
    stage.tell(Msg::Surveyed { cluster, result: Err(crate::facts::Plain::new("of another drill")) });
    assert!(stage.model().clusters[0].failed.is_none());
}

#[test]
fn the_clocks_go_on_while_a_run_waits() {
    let mut stage = at_the_confirmation();
    let now = stage.model().now;
    let due = crate::ui::tui::update::next_due(stage.model()).unwrap();
    assert!(due.duration_since(now).as_secs() <= 1);
    stage.keys("<esc>m").until("waits for your confirmation").keys("R").until("reads the nodes itself");
    stage.keys("e").until("RUN WAITS");
}

#[test]
fn nobody_leaves_through_a_run() {
    let mut stage = at_the_confirmation();
    stage.keys("<esc>").until("opens the confirmation").keys("qqq").until("stay");
    assert_eq!(stage.left, None);
    assert!(stage.model().running().is_some());
    // Stopping comes first; the session can go on later.
    stage.keys("s");
    assert_eq!(stage.until_left(), 130);
}

#[test]
fn a_signal_stops_the_run_in_good_order_and_then_leaves() {
    let mut stage = at_the_confirmation();
    stage.tell(Msg::Signalled);
    assert_eq!(stage.until_left(), 130);
    let paused = records(&stage).iter().any(|record| matches!(&record.body, Body::SessionPause(_)));
    assert!(paused);
}

#[test]
fn the_glass_closes_by_itself_and_never_through_a_run() {
    let mut stage = at_the_matrix();
    stage.keys("B");
    with_glass_broken(&mut stage);
    stage.until("GLASS BROKEN");
    let glass = stage.model().glass.as_mut().unwrap();
    glass.last_key -= jiff::SignedDuration::from_mins(16);
    stage.tell(Msg::Due).until("READ-ONLY");
    assert!(stage.shown().contains("closed by itself"), "{}", stage.shown());

    let mut stage = at_the_confirmation();
    let glass = stage.model().glass.as_mut().unwrap();
    glass.last_key -= jiff::SignedDuration::from_mins(16);
    stage.tell(Msg::Due);
    assert!(stage.model().glass.is_some());
}

#[test]
fn every_place_is_reached_by_its_key_and_left_by_escape() {
    let mut stage = at_the_matrix();
    stage
        .keys("e")
        .until("facts")
        .keys("<tab>")
        .until("grastate.dat")
        .keys("<tab>")
        .until("log")
        .keys("<esc>");
    stage.until("restarts itself");
    stage.keys("?").until("leave read-only").keys("<esc>");
    stage.keys(":rec").until("record").keys("<enter>").until("no record yet");
    stage.keys("/uuid<enter>").until("cluster uuid");
    assert!(!stage.shown().contains("restarts itself"), "{}", stage.shown());
    stage.keys("<esc>").until("restarts itself");
    stage.keys("b").until("03:00.").keys("<esc>");
    stage.keys("r").until("galera-positions").keys("d").until("Nothing is sent").keys("<esc><esc>");
    stage.keys("w").until("no runbook was walked yet");
    stage.keys("y").until("copied");
    assert!(stage.seen.copied.last().unwrap().starts_with("galera.all-crashed"));
    stage.keys("q");
    assert!(matches!(stage.model().top(), Some(Layer::Welcome { .. })));
}

#[test]
fn what_a_run_changed_is_told_and_what_did_not_change_is_said() {
    let mut stage = at_the_matrix();
    stage.keys("c").until("one survey so far").survey_now().until("nothing has changed so far (2 surveys)");
    stage.keys("<esc><enter>").until("galera.all-crashed").keys("<enter>");
    with_glass_broken(&mut stage);
    stage.until("DONE").keys("m").until("HEALTHY").keys("c").until("galera.healthy (info)");
    assert!(stage.shown().contains("outage → healthy"), "{}", stage.shown());
    assert!(stage.shown().contains("crashed → running"), "{}", stage.shown());
    // Since the first survey, then since the one that is pinned.
    stage.keys("<tab>").until("the first survey").until("outage → healthy");
    stage.keys("p").until("pinned:").keys("k").until("the survey that you pinned");
    assert!(stage.shown().contains("nothing has changed since"), "{}", stage.shown());
    stage.keys("y").until("copied");
    assert!(
        stage.seen.copied.iter().any(|text| text.contains("nothing has changed")),
        "{:?}",
        stage.seen.copied
    );
}

#[test]
fn from_a_finding_to_where_its_evidence_was_read() {
    let mut stage = at_the_matrix();
    stage.keys("<enter>").until("galera.all-crashed").keys("e").until("▶files");
    // The chosen one is brought into sight, then the next one is.
    stage.keys("<esc><tab>").until("▶ db1.grastate.");
    let choose = |stage: &mut Stage, evidence: &str| {
        for _ in 0..60 {
            if stage.shown().contains(&format!("▶ {evidence}")) {
                return;
            }
            stage.keys("<tab>");
        }
        panic!("{evidence} is not chosen by any number of keys\n{}", stage.shown());
    };
    choose(&mut stage, "db1.log.last_end");
    stage.keys("e").until("▶log");
    assert!(stage.shown().contains("▶last run ended"), "{}", stage.shown());
    stage.keys("<esc>");
    choose(&mut stage, "db2.unit.active_state");
    stage.keys("e").until("db2 · data node").until("▶facts");
    assert!(stage.shown().contains("▶unit.active_state"), "{}", stage.shown());
    // With it the column on the matrix.
    stage.keys("<esc><esc>").until("▶ db2");
}

#[test]
fn from_known_line_to_known_line_of_a_log() {
    let mut stage = at_the_matrix();
    stage.keys("e<tab><tab>").until("▶log").keys("n").until("known");
    let marked = |stage: &Stage| {
        let line = stage.shown().lines().skip(7).find(|line| line.starts_with('▶')).map(str::to_owned);
        line.unwrap_or_else(|| panic!("nothing is marked\n{}", stage.shown()))
    };
    let first = marked(&stage);
    stage.keys("n");
    let second = marked(&stage);
    assert_ne!(first, second);
    stage.keys("N");
    assert_eq!(marked(&stage), first);
    stage.keys("N").until("no known line further up");
    // Whatever is chosen stays in its row when the nodes are read again, and in sight when lines go.
    stage.keys("nn");
    let third = marked(&stage);
    stage.survey_now();
    assert_eq!(marked(&stage), third);
    stage.keys("o").until("known lines only");
    assert_eq!(marked(&stage), third);
    assert!(!stage.shown().contains("read from"), "{}", stage.shown());
    stage.keys("o").until("known warnings and errors only").keys("o").until("all lines");
    stage.keys("i").until("every known line with what it means");
    assert_eq!(marked(&stage), third);
}
