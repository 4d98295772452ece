//! What a session costs this machine: nothing while nobody asks, and a handful of wake-ups for a survey.

use std::fs;
use std::thread;
use std::time::Duration;

use breakglass::engine::Nodes as _;
use breakglass::nodes::real::RealNodes;

use crate::harness::Case;
use crate::support::{World, block_on, exec, name};
use crate::{case, sshd};

pub fn cases() -> Vec<Case> {
    vec![
        case("an_idle_session_wakes_nobody", sshd, an_idle_session_wakes_nobody),
        case("a_warm_survey_wakes_us_a_few_times", sshd, a_warm_survey_wakes_us_a_few_times),
    ]
}

/// How often the threads of this process whose names begin so were put to sleep or pushed aside.
fn switches(prefix: &str) -> u64 {
    let tasks = fs::read_dir("/proc/self/task").unwrap().flatten();
    let of = |task: fs::DirEntry| {
        let comm = fs::read_to_string(task.path().join("comm")).ok()?;
        let status = fs::read_to_string(task.path().join("status")).ok()?;
        let counts = status.lines().filter_map(|line| line.split_once("voluntary_ctxt_switches:"));
        comm.starts_with(prefix)
            .then(|| counts.filter_map(|(_, count)| count.trim().parse::<u64>().ok()).sum::<u64>())
    };
    tasks.filter_map(of).sum()
}

fn an_idle_session_wakes_nobody() -> Result<(), String> {
    let world = World::new();
    let sshd = world.sshd("");
    let nodes = world.nodes(vec![world.node("n", sshd.port)]);
    exec(&nodes, "n", "echo x");
    // The far side's last words on the channel.
    thread::sleep(Duration::from_secs(1));
    let before = switches("bg-");
    // Longer than sessions are usually told to say that they are there.
    thread::sleep(Duration::from_secs(17));
    assert_eq!(switches("bg-") - before, 0, "an idle session woke a thread");
    exec(&nodes, "n", "echo x");
    assert_eq!(sshd.logins(), 1, "the session was kept");
    Ok(())
}

fn survey(nodes: &RealNodes) {
    let survey = block_on(nodes.survey(&name("n")));
    assert!(survey.ssh.is_ok(), "{:?}", survey.ssh);
}

fn a_warm_survey_wakes_us_a_few_times() -> Result<(), String> {
    const SURVEYS: u64 = 20;
    let world = World::new();
    let sshd = world.sshd("");
    let nodes = world.nodes(vec![world.node("n", sshd.port)]);
    survey(&nodes);
    let before = switches("bg-");
    for _ in 0..SURVEYS {
        survey(&nodes);
    }
    let each = (switches("bg-") - before) / SURVEYS;
    println!("  a warm survey: about {each} switches of the node's thread");
    // 6 where nothing else runs; word by word it were some 35.
    assert!(each <= 18, "{each} switches for a survey");
    Ok(())
}
