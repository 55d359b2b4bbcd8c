//! Interrupted runs leave nothing behind: by Ctrl-C at once, by SIGKILL after a sweep.

use super::engine::{ended, get, ledger, mine, signal, sweep, under_way};

/// Everything on the engine that a run of this id can have made.
fn left_of(run: &str) -> Vec<&'static str> {
    let things =
        ["/v1.24/containers/json?all=1", "/v1.24/images/json?all=1", "/v1.24/volumes", "/v1.24/networks"];
    let named = [format!("dv-{run}-"), format!("divergence-{run}-")];
    let is_left = |target: &&str| named.iter().any(|name| get(target).to_string().contains(name.as_str()));
    things.into_iter().filter(is_left).collect()
}

#[test]
fn ctrl_c_ends_a_run_that_cleans_up_by_itself() {
    let Some(_engine) = mine() else { return };
    let state = tempfile::tempdir().unwrap();
    let (mut child, run) = under_way(state.path(), &["run", "--null", "exit-statuses"]);
    signal(&child, "INT");
    ended(&mut child);
    assert_eq!(left_of(&run), [""; 0]);
    assert_eq!(ledger(state.path()), None);
}

#[test]
fn sweep_finishes_what_a_killed_run_left() {
    let Some(_engine) = mine() else { return };
    let state = tempfile::tempdir().unwrap();
    let (mut child, run) = under_way(state.path(), &["run", "--null", "exit-statuses"]);
    // A sweep beside a living run touches nothing of it.
    sweep(state.path());
    assert!(ledger(state.path()).is_some());
    signal(&child, "KILL");
    ended(&mut child);
    assert_ne!(left_of(&run), [""; 0], "the run was killed in the middle");
    sweep(state.path());
    assert_eq!(left_of(&run), [""; 0]);
    assert_eq!(ledger(state.path()), None);
}
