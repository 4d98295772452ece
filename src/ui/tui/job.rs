//! Whether anybody would fetch the program back once it is stopped.

use std::fs;

use rustix::process::{Pid, getpgid, getpid, getsid};

/// Whether a shell with job control stands above this program: the first ancestor of another process group is of the same
/// session (POSIX's process group that is not orphaned). Stopped without one, it would stay stopped for ever.
pub(super) fn is_fetched_back() -> bool {
    let (Ok(session), Ok(group)) = (getsid(None), getpgid(None)) else { return false };
    let mut pid = getpid();
    for _ in 0..64 {
        let Some(parent) = parent(pid) else { return false };
        match getpgid(Some(parent)) {
            Ok(other) if other == group => pid = parent,
            Ok(_) => return getsid(Some(parent)).is_ok_and(|of| of == session),
            Err(_) => return false,
        }
    }
    false
}

/// The parent by /proc/PID/stat; the program's name in it may hold anything, also brackets.
fn parent(pid: Pid) -> Option<Pid> {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).ok()?;
    let (_, after) = stat.rsplit_once(')')?;
    Pid::from_raw(after.split_whitespace().nth(1)?.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parent_of_this_test_is_found() {
        let own = parent(getpid()).unwrap();
        assert_eq!(Some(own), rustix::process::getppid());
    }
}
