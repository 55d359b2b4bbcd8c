//! `record`: cases on one engine, written as its snapshots.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;

use clap::Args;
use serde_json::json;

use super::agree::ask_first;
use super::output::Output;
use super::progress::Progress;
use super::run::{ledger_error, seat_error, tell_left};
use super::{CliError, Common, select};
use crate::case::schedule::{Planned, run_all};
use crate::case::{Asking, NoAnswers, Source};
use crate::engine::Endpoint;
use crate::report::console::{clean, counted};
use crate::report::exit;
use crate::seats::Choosing;
use crate::session::{Desk, deadlines};
use crate::store::snapshots::Saving;
use crate::store::{Loaded, Store};
use crate::version::Version;

/// Arguments of `record`.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  divergence record docker\n  divergence record simulator --world 0.3\n  divergence record docker:28.5 system\n  divergence record docker exit-statuses --review && cargo insta review"
)]
pub struct RecordArgs {
    /// The engine: docker, simulator, docker:28.5, podman:5.4, host:podman, an address, or an entry of
    /// engines.toml
    engine: String,
    /// Parts of case names, or globs
    filters: Vec<String>,
    /// Only these API versions. A scenario of versions that the engine does not serve is asked at the
    /// lowest one that it serves
    #[arg(long, value_delimiter = ',')]
    api: Vec<Version>,
    /// Cases at a time [default: 4, and no more than `jobs` of engines.toml]
    #[arg(long, short)]
    jobs: Option<usize>,
    /// The world of the simulator
    #[arg(long, default_value = "default")]
    world: String,
    /// Write changes beside the old snapshots, for `cargo insta review`
    #[arg(long)]
    review: bool,
    /// Only record cases that have no snapshot yet, or an outdated one
    #[arg(long)]
    missing: bool,
    /// Do not ask before a first run against an engine that is not on this machine
    #[arg(long)]
    yes: bool,
}

/// Records snapshots.
pub fn record(args: &RecordArgs, common: &Common, output: &mut Output) -> Result<u8, CliError> {
    let store = common.store()?;
    let loaded = store.load()?;
    let cases = select::cases(&loaded.suite, &args.filters, &[])?;
    let desk = Desk::open(&store)?;
    let recorded = record_at(&desk, args, (&store, &loaded), cases, output);
    tell_left(&desk.close().map_err(ledger_error)?, output)?;
    recorded
}

/// As [`record`], with an open desk, which is closed whatever happens here.
fn record_at(
    desk: &Desk,
    args: &RecordArgs,
    (store, loaded): (&Store, &Loaded),
    cases: Vec<Planned<'_>>,
    output: &mut Output,
) -> Result<u8, CliError> {
    let choosing =
        Choosing { world: args.world.clone(), ..Choosing::new(store, desk, &loaded.suite.settings.worlds) };
    let mut seat = choosing.named(&args.engine).map_err(seat_error)?;
    let Source::Live { endpoint, .. } = &seat.source else {
        return Err(CliError::Usage("snapshots are recorded from an engine, not from snapshots".to_owned()));
    };
    let served = served(desk, endpoint, &cases)?;
    let mut cases = at_served(cases, &served);
    cases.retain(|planned| args.api.is_empty() || args.api.contains(planned.api));
    if cases.is_empty() {
        return Err(CliError::Nothing(format!("{} serves no version of these cases", seat.engine)));
    }
    let folder = seat.engine.folder();
    if args.missing {
        let mut wanted = Vec::new();
        for planned in cases {
            let old = store.snapshot(&folder, &planned.case())?;
            if old.is_none_or(|old| old.fingerprint != planned.scenario.fingerprint) {
                wanted.push(planned);
            }
        }
        cases = wanted;
        if cases.is_empty() {
            return Err(CliError::Nothing(format!("every case has its snapshot in {folder}")));
        }
    }
    output.tell(&format!("engine  {}, into snapshots/{folder}", seat.engine))?;
    ask_first(&[&seat], args.yes, store, output)?;
    let fixtures = store.fixtures();
    let progress = Progress::of(cases.len(), &[&seat]);
    let cancel = desk.cancel_on_interrupt();
    let prepared = desk.prepare(&mut [&mut seat], &cases, &fixtures).map_err(ledger_error)?;
    let asking = Asking {
        rules: &loaded.rules,
        store,
        ledger: desk.ledger(),
        turns: prepared.turns.clone(),
        deadlines: deadlines(&loaded.suite.settings),
        cancel: cancel.clone(),
    };
    let how = if args.review { Saving::Beside } else { Saving::Over };
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut troubles: Vec<String> = Vec::new();
    let mut failed: Option<CliError> = None;
    let ask = async |planned: &Planned<'_>, number: usize| {
        if let Some(reason) = seat.spend(planned.scenario) {
            return Err(NoAnswers::Skipped(reason));
        }
        asking.repeated(&seat, planned, &format!("{number}s")).await
    };
    let jobs = args.jobs.unwrap_or_else(|| seat.jobs().map_or(4, |most| most.min(4)));
    run_all(&cases, jobs, &cancel, ask, |planned, side| {
        progress.done(planned.case().to_string());
        let saved = match side {
            Ok(side) => store.save_snapshot(&side.snapshot, &planned.scenario.file, how),
            Err(reason) => return troubles.push(format!("{}: {reason}", planned.case())),
        };
        match saved {
            Ok(saved) => *counts.entry(saved.word()).or_default() += 1,
            Err(error) => {
                failed.get_or_insert(error.into());
                cancel.cancel();
            }
        }
    });
    progress.end();
    desk.finish(&prepared);
    if let Some(error) = failed {
        return Err(error);
    }
    let code = if troubles.is_empty() { exit::FINE } else { exit::ERRS };
    if output.json {
        output
            .json(&json!({"format": 1, "folder": folder, "snapshots": counts, "not_recorded": troubles}))?;
        return Ok(code);
    }
    for trouble in &troubles {
        writeln!(output.out, "not recorded  {}", clean(trouble))?;
    }
    let told: Vec<String> = counts.iter().map(|(word, count)| format!("{count} {word}")).collect();
    writeln!(output.out, "{}: {}", counted(counts.values().sum(), "snapshot"), told.join(", "))?;
    output.out.flush()?;
    Ok(code)
}

/// The API versions of these cases that the engine serves.
fn served(desk: &Desk, endpoint: &Endpoint, cases: &[Planned<'_>]) -> Result<BTreeSet<Version>, CliError> {
    let mut served = BTreeSet::new();
    for api in cases.iter().map(|planned| planned.api).collect::<BTreeSet<_>>() {
        if endpoint.omits(api).is_some() {
            continue;
        }
        let answers = desk.runtime.block_on(endpoint.serves(api));
        if answers.map_err(|error| CliError::Engine(error.to_string()))? {
            served.insert(api.clone());
        }
    }
    Ok(served)
}

/// The cases that can be asked: a scenario none of whose versions is served is asked at the lowest
/// one that is, if it speaks of that.
fn at_served<'s>(cases: Vec<Planned<'s>>, served: &'s BTreeSet<Version>) -> Vec<Planned<'s>> {
    let (mut can, cannot): (Vec<_>, Vec<_>) =
        cases.into_iter().partition(|planned| served.contains(planned.api));
    for Planned { scenario, .. } in cannot {
        let is_there = can.iter().any(|planned| planned.scenario.id == scenario.id);
        if let Some(api) = served.first()
            && !is_there
            && scenario.speaks_of(api)
        {
            can.push(Planned { scenario, api });
        }
    }
    can
}
