//! What the program costs while nobody presses a key: at rest, refreshing, and in memory.

use std::time::Duration;

use crate::cost::{Counts, resident, sample};
use crate::nodes::{Fleet, SIZE};
use crate::pty::Home;
use crate::{Plan, Ran};

/// Before a sample, so that nothing of the start is in it.
const SETTLE: Duration = Duration::from_secs(5);

pub(crate) fn idle(plan: &Plan) -> Ran {
    let home = Home::new();
    let page = home.write("page", &"x\n".repeat(200));
    for (name, argv) in [
        ("less, the peer", vec!["less", page.to_str().expect("a path")]),
        ("top every 5 s, a peer that refreshes", vec!["top", "-d", "5"]),
    ] {
        if crate::sshd::program(argv[0]).is_none() {
            println!("  {}: not run (not installed)", argv[0]);
            continue;
        }
        let screen = home.run(&argv, &[], SIZE.0, SIZE.1);
        screen.still(Duration::from_millis(300));
        println!("  {name} {}", sample(&screen, plan.rest.min(Duration::from_secs(15))));
    }
    let mut awake = Vec::new();
    let screen = Home::new().start(&[], &[], SIZE.0, SIZE.1);
    screen.still(SETTLE);
    let cost = sample(&screen, plan.rest);
    println!("  breakglass, welcome {cost}");
    awake.push(cost);
    drop(screen);
    let fleet = Fleet::up(plan.nodes)?;
    let screen = fleet.open(true);
    screen.still(SETTLE);
    let scripts = fleet.scripts();
    let cost = sample(&screen, plan.rest);
    assert_eq!(fleet.scripts(), scripts, "it still refreshes");
    println!("  breakglass, {} nodes surveyed {cost}", plan.nodes);
    awake.push(cost);
    println!("  budget: 0 switches and 0 bytes");
    let over = awake.iter().filter(|cost| cost.voluntary + cost.involuntary > 0 || cost.bytes > 0).count();
    assert_eq!(over, 0, "the program does not rest");
    Ok(())
}

pub(crate) fn refresh(plan: &Plan) -> Ran {
    let fleet = Fleet::up(plan.nodes)?;
    let screen = fleet.open(false);
    let first = fleet.scripts();
    screen.within(Duration::from_secs(30), "it refreshes by itself", |_| fleet.scripts() > first);
    screen.still(Duration::from_secs(1));
    let (before, scripts) = (Counts::of(&screen), fleet.scripts());
    // Whole refreshes, so that no half of one is in the sample.
    let wanted = scripts + plan.nodes * 6;
    screen.within(Duration::from_secs(90), "six refreshes", |_| fleet.scripts() >= wanted);
    screen.still(Duration::from_secs(1));
    let cost = Counts::of(&screen).since(&before);
    let surveys = fleet.scripts() - scripts;
    println!("  {} nodes {cost}, {surveys} surveys of a node", plan.nodes);
    let by_name: Vec<String> = cost.by_name.iter().map(|(name, n)| format!("{name} {n}")).collect();
    println!("  switches by thread: {}", by_name.join(", "));
    println!(
        "  {:.1} wake-ups (voluntary switches), {:.1} involuntary ones, {:.2} ms of processor and {:.0} bytes for each \
         survey of a node; budget 6 wake-ups",
        cost.voluntary as f64 / surveys as f64,
        cost.involuntary as f64 / surveys as f64,
        cost.processor.as_secs_f64() * 1e3 / surveys as f64,
        cost.bytes as f64 / surveys as f64
    );
    Ok(())
}

pub(crate) fn memory(_: &Plan) -> Ran {
    let home = Home::new();
    let page = home.write("page", &"x\n".repeat(200));
    if crate::sshd::program("less").is_some() {
        let screen = home.run(&["less", page.to_str().expect("a path")], &[], SIZE.0, SIZE.1);
        screen.still(Duration::from_millis(300));
        let (all, own) = resident(&screen);
        println!("  less, the peer: {:.1} MB resident, {:.1} MB its own", mega(all), mega(own));
    } else {
        println!("  less: not run (not installed)");
    }
    let fleet = Fleet::up(9)?;
    let screen = fleet.open(true);
    let (all, own) = resident(&screen);
    println!(
        "  breakglass, 9 nodes surveyed: {:.1} MB resident, {:.1} MB its own; budget 25 MB",
        mega(all),
        mega(own)
    );
    assert!(mega(all) <= 25.0, "more than the budget");
    Ok(())
}

fn mega(kilobytes: u64) -> f64 {
    kilobytes as f64 / 1024.0
}
