//! Interrupted runs leave nothing behind: by Ctrl-C at once, by SIGKILL after a sweep, at whatever
//! moment it comes.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::engine::{changes, divergence, ended, get, inventory, ledger, mine, signal, sweep, under_way};

/// How many moments the test tries; `ci/kill` tries more.
const MOMENTS: u64 = 3;
/// The suite is run in so many parts: one is a few seconds.
const PARTS: u64 = 60;

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

/// Random numbers from a seed (splitmix64).
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % end
    }
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().unwrap())
}

/// Another part of the suite, another moment and another signal each time: `DIVERGENCE_SEED` repeats.
#[test]
fn killed_at_any_moment_and_swept_the_engine_is_as_it_was() {
    let Some(_engine) = mine() else { return };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let moments = number("DIVERGENCE_KILLS").unwrap_or(MOMENTS);
    let seed = number("DIVERGENCE_SEED").unwrap_or(now.as_nanos() as u64 % 1_000_000);
    let mut dirty = Vec::new();
    for moment in 0..moments {
        let mut random = Random(seed + moment);
        let before = inventory();
        let state = tempfile::tempdir().unwrap();
        let part = format!("slice:{}/{PARTS}", random.below(PARTS) + 1);
        let kind = ["--null", "--may-crash"][random.below(2) as usize];
        let arguments = ["run", kind, "--partition", &part];
        let (first, again) =
            [("KILL", None), ("KILL", None), ("INT", None), ("TERM", None), ("INT", Some("KILL"))]
                [random.below(5) as usize];
        let pauses = [random.below(5_000), random.below(300)].map(Duration::from_millis);
        let mut child = divergence(state.path(), &arguments).spawn().unwrap();
        // Before its ledger is there a run has made nothing, and there is nothing to be left.
        while ledger(state.path()).is_none() && child.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(pauses[0]);
        let early = child.try_wait().unwrap().is_some();
        if !early {
            signal(&child, first);
            if let Some(again) = again {
                std::thread::sleep(pauses[1]);
                if child.try_wait().unwrap().is_none() {
                    signal(&child, again);
                }
            }
        }
        ended(&mut child);
        let cut_short = ledger(state.path()).is_some();
        sweep(state.path());
        let told = format!(
            "moment {moment} (seed {}): {} {part}, {first}{} after {:?}{}{}",
            seed + moment,
            arguments[1],
            again.map(|again| format!(" and {again}")).unwrap_or_default(),
            pauses[0],
            if early { ", it had ended" } else { "" },
            if cut_short { ", swept" } else { "" },
        );
        let changed = changes(&before);
        eprintln!("{told}: {}", if changed.is_empty() { "as before".to_owned() } else { changed.join("; ") });
        if !changed.is_empty() {
            dirty.push(format!("{told}: {changed:?}"));
        }
    }
    assert_eq!(dirty, Vec::<String>::new());
    eprintln!("{moments} moments: the engine was as before every time (seed {seed})");
}
