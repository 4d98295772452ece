//! From exec to the first byte and to the first complete frame, and what comes before the network.

use std::fs;
use std::time::Duration;

use crate::nodes::{SIZE, silent};
use crate::pty::{BREAKGLASS, Home, Screen};
use crate::{Plan, Ran, quantile};

/// A frame is complete when nothing follows it for so long.
const GAP: Duration = Duration::from_millis(60);

pub(crate) fn start(plan: &Plan) -> Ran {
    let page = format!("{}\n", "x".repeat(60)).repeat(usize::from(SIZE.1) - 1);
    let empty = Home::new();
    let page = empty.write("page", &page);
    let page = page.to_str().expect("a path");
    let (home, _listeners) = silent();
    let mut programs: Vec<(&str, &Home, Vec<&str>)> =
        vec![("cat, the floor of this harness", &empty, vec!["cat", page])];
    if crate::sshd::program("less").is_some() {
        programs.push(("less, the peer", &empty, vec!["less", page]));
    } else {
        println!("  less: not run (not installed)");
    }
    programs.push(("breakglass, welcome", &empty, vec![BREAKGLASS]));
    programs.push(("breakglass, three silent nodes", &home, vec![BREAKGLASS]));
    let mut times = vec![(Vec::new(), Vec::new()); programs.len()];
    // In turn, so that whatever else this machine does hits all of them.
    for _ in 0..plan.rounds {
        for (at, (_, home, argv)) in programs.iter().enumerate() {
            let screen = home.run(argv, &[], SIZE.0, SIZE.1);
            let (first, frame) = measured(&screen);
            times[at].0.push(first);
            times[at].1.push(frame);
        }
    }
    let mut peer = None;
    for ((name, _, _), (first, frame)) in programs.iter().zip(&mut times) {
        let (first, frame, slow) = (quantile(first, 0.5), quantile(frame, 0.5), quantile(frame, 0.95));
        print!("  {name}: first byte {first:.1} ms, complete frame {frame:.1} ms (p95 {slow:.1})");
        if name.starts_with("less") {
            peer = Some(frame);
        }
        match peer.filter(|_| name.starts_with("breakglass")) {
            Some(peer) => println!(", {:.2} of less", frame / peer),
            None => println!(),
        }
    }
    println!("  medians of {} starts each, in turn", plan.rounds);
    Ok(())
}

/// Milliseconds to the first byte and to the end of the first frame.
fn measured(screen: &Screen) -> (f64, f64) {
    screen.until("anything at all", |screen| !screen.contents().is_empty());
    let end = screen.still(GAP);
    let first = screen.first_byte().expect("a byte") - screen.begun();
    (first.as_secs_f64() * 1e3, (end - screen.begun()).as_secs_f64() * 1e3)
}

/// The first frame stands before anything goes to the network.
pub(crate) fn order(_: &Plan) -> Ran {
    crate::sshd::program("strace").ok_or("strace is not installed")?;
    let (home, _listeners) = silent();
    let log = home.path().join("strace");
    let log = log.to_str().expect("a path");
    let calls = "trace=connect,sendto,sendmsg,write,writev";
    let argv = ["strace", "-f", "-s", "65536", "-e", calls, "-o", log, BREAKGLASS];
    let screen = home.run(&argv, &[], SIZE.0, SIZE.1);
    screen.until_text("shop");
    let seen = || fs::read_to_string(log).unwrap_or_default();
    screen.until("it goes to the network at last", |_| seen().contains("AF_INET"));
    let seen = seen();
    let line = |wanted: &dyn Fn(&str) -> bool| seen.lines().position(wanted);
    let frame = line(&|line| line.contains("write") && line.contains("shop") && line.contains("\\33["));
    let network = line(&|line| line.contains("connect(") && line.contains("sa_family=AF_INET"));
    println!("  the frame is call {frame:?}, the first connection call {network:?}");
    match (frame, network) {
        (Some(frame), Some(network)) => assert!(frame < network, "the network came before the first frame"),
        _ => panic!("not both of them were seen"),
    }
    Ok(())
}
