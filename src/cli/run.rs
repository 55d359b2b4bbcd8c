//! `run`: cases on both engines, compared, judged, reported.

use std::io::Write as _;
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::json;

use super::agree::ask_first;
use super::output::Output;
use super::progress::Progress;
use super::sink::{Beside, Sink};
use super::{CliError, Common, select};
use crate::case::schedule::{Planned, run_all};
use crate::case::{Asking, Outcome, Seat, Session};
use crate::partition::Partition;
use crate::report::console::{Ink, counted, paint};
use crate::report::promoted::{Promotion, promotion};
use crate::report::{CaseReport, Report, Share, Side, console, exit};
use crate::run::ledger::Left;
use crate::scenario::CaseId;
use crate::seats::{Choosing, SeatError};
use crate::session::{Desk, deadlines};
use crate::store::{Loaded, Store};
use crate::verdict::VerdictKind;
use crate::version::Version;

/// Arguments of `run`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct RunArgs {
    /// Parts of case names (`area/name@api`), or globs
    filters: Vec<String>,
    /// The engine that is right by definition [default: a live Docker, else recorded:docker-20.10]
    #[arg(long, value_name = "ENGINE")]
    reference: Option<String>,
    /// The engine that is held against it [default: sdc-docker of engines.toml, else the simulator]
    #[arg(long, value_name = "ENGINE")]
    candidate: Option<String>,
    /// Run every scenario at these API versions, instead of at its own
    #[arg(long, value_delimiter = ',')]
    api: Vec<Version>,
    /// Cases at a time [default: two a core, four at most, and no more than `jobs` of engines.toml]
    #[arg(long, short)]
    jobs: Option<usize>,
    /// Also write the report: json=FILE, junit=FILE, html=FILE, markdown=FILE; github prints
    /// annotations (repeatable)
    #[arg(long, value_name = "FORMAT=PATH")]
    report: Vec<String>,
    /// Only one part of the cases: slice:1/4 (even parts) or hash:1/4 (a case stays in its part)
    #[arg(long, value_name = "PARTITION")]
    partition: Option<Partition>,
    /// The candidate's world, from suites/suite.toml
    #[arg(long, default_value = "default")]
    world: String,
    /// Switch a behaviour of the simulator off (repeatable)
    #[arg(long, value_name = "ID")]
    without: Vec<String>,
    /// The release that the simulator answers as
    #[arg(long)]
    release: Option<String>,
    /// Only what failed or erred in the last run
    #[arg(long)]
    failed: bool,
    /// Stop at the first case that fails or errs
    #[arg(long)]
    fail_fast: bool,
    /// Only say what would run
    #[arg(long)]
    dry_run: bool,
    /// The reference against itself, or a second engine of its kind: there must be no difference
    #[arg(long, conflicts_with = "without")]
    null: bool,
    /// Also run cases that may end the process of a real sdc-docker
    #[arg(long)]
    may_crash: bool,
    /// Do not ask before a first run against an engine that is not on this machine
    #[arg(long)]
    yes: bool,
    /// Also show known findings
    #[arg(long, short)]
    verbose: bool,
}

const EXAMPLES: &str = "\
Examples:
  divergence run
  divergence run exit-statuses volumes --api 1.22  at another version than their own
  divergence run --candidate tcp://127.0.0.1:2375 --report junit=junit.xml --report html=report.html
  divergence run --without exit-status-differs     exactly its divergences become fixed
  divergence run --partition slice:1/4 --report json=1.json   a quarter; `merge` adds them up
  divergence run --world 0.3                       the state of May 2015
  divergence run --null                            noise: the reference against itself
  divergence run --null --candidate host:docker    and against a second dockerd of this machine";

/// Runs cases and reports.
pub fn run(args: &RunArgs, common: &Common, output: &mut Output) -> Result<u8, CliError> {
    let store = common.store()?;
    let sinks = Sink::all(&args.report)?;
    let loaded = store.load()?;
    let mut cases = select::cases_at(&loaded.suite, &args.filters, &args.api)?;
    if args.failed {
        let last =
            store.last_report()?.ok_or_else(|| CliError::Nothing("there is no last run".to_owned()))?;
        let unhappy = last.unhappy();
        cases.retain(|planned| unhappy.contains(&planned.case()));
        if cases.is_empty() {
            return Err(CliError::Nothing("nothing failed or erred in the last run".to_owned()));
        }
    }
    let share = args.partition.map(|partition| Share { partition, selected: cases.len() });
    if let Some(partition) = args.partition {
        let mut at = 0..;
        cases.retain(|planned| at.next().is_some_and(|at| partition.takes(at, &planned.case())));
    }
    if args.dry_run {
        return dry_run(&cases, output);
    }
    let desk = Desk::open(&store)?;
    let ran = run_at(&desk, args, share, (&store, &loaded), &cases, output);
    tell_left(&desk.close().map_err(ledger_error)?, output)?;
    let report = ran?;
    let beside = Beside { store: Some(&store), suite: Some(&loaded.suite), is_last_run: true };
    Sink::write_all(&sinks, &report, &beside, output)?;
    Ok(report.exit())
}

/// As [`run`], with an open desk, which is closed whatever happens here.
fn run_at(
    desk: &Desk,
    args: &RunArgs,
    share: Option<Share>,
    (store, loaded): (&Store, &Loaded),
    cases: &[Planned<'_>],
    output: &mut Output,
) -> Result<Report, CliError> {
    let choosing = choosing(args, store, loaded, desk, cases);
    let ((reference, why), (candidate, why_too)) = if args.null {
        null_seats(&choosing, args)?
    } else {
        choosing.both(args.reference.as_deref(), args.candidate.as_deref()).map_err(seat_error)?
    };
    ask_first(&[&reference, &candidate], args.yes, store, output)?;
    tell_seats([(&reference, why.as_str()), (&candidate, why_too.as_str())], args, output)?;
    play(args, share, (store, loaded, desk), cases, [reference, candidate], output)
}

fn choosing<'a>(
    args: &RunArgs,
    store: &'a Store,
    loaded: &'a Loaded,
    desk: &'a Desk,
    cases: &[Planned<'_>],
) -> Choosing<'a> {
    let mut api: Vec<Version> = cases.iter().map(|planned| planned.api.clone()).collect();
    api.sort();
    api.dedup();
    Choosing {
        world: args.world.clone(),
        without: args.without.clone(),
        release: args.release.clone(),
        api,
        ..Choosing::new(store, desk, &loaded.suite.settings.worlds)
    }
}

fn null_seats(choosing: &Choosing<'_>, args: &RunArgs) -> Result<crate::seats::Chosen, CliError> {
    let name = args.reference.as_deref().unwrap_or("docker");
    let one = choosing.named(name).map_err(seat_error)?;
    let (name, why) = match &args.candidate {
        Some(candidate) => (candidate.as_str(), "as if it were the reference once more: --null"),
        None => (name, "the reference once more: --null"),
    };
    let other = choosing.named(name).map_err(seat_error)?;
    Ok(((one, "asked for".to_owned()), (other, why.to_owned())))
}

pub(super) fn seat_error(error: SeatError) -> CliError {
    match error {
        SeatError::Store(inner) => CliError::Store(inner),
        error if error.is_engine() => CliError::Engine(error.to_string()),
        error => CliError::Usage(error.to_string()),
    }
}

fn dry_run(cases: &[Planned<'_>], output: &mut Output) -> Result<u8, CliError> {
    if output.json {
        let names: Vec<_> = cases
            .iter()
            .map(|planned| json!({"scenario": planned.scenario.id, "api": planned.api}))
            .collect();
        output.json(&json!({"format": 1, "cases": names}))?;
        return Ok(exit::FINE);
    }
    for planned in cases {
        let alone = if planned.scenario.exclusive { "  (alone)" } else { "" };
        writeln!(output.out, "{}{alone}", planned.case())?;
    }
    writeln!(output.out, "\n{} would run", counted(cases.len(), "case"))?;
    output.out.flush()?;
    Ok(exit::FINE)
}

fn tell_seats(seats: [(&Seat, &str); 2], args: &RunArgs, output: &mut Output) -> Result<(), CliError> {
    for (word, (seat, why)) in ["reference", "candidate"].into_iter().zip(seats) {
        let told = Side::of(&seat.name, &seat.engine, seat.is_recorded()).told();
        output.tell(&format!("{word}  {told}: {why}"))?;
    }
    if args.world != "default" {
        output.tell(&format!("world      {}", args.world))?;
    }
    if !args.without.is_empty() {
        output.tell(&format!("without    {}", args.without.join(", ")))?;
    }
    Ok(())
}

fn play(
    args: &RunArgs,
    partition: Option<Share>,
    project: (&Store, &Loaded, &Desk),
    cases: &[Planned<'_>],
    [mut reference, mut candidate]: [Seat; 2],
    output: &mut Output,
) -> Result<Report, CliError> {
    let (store, loaded, desk) = project;
    let sides = [&reference, &candidate].map(|seat| Side::of(&seat.name, &seat.engine, seat.is_recorded()));
    let started = Instant::now();
    let is_live = !reference.is_recorded() || !candidate.is_recorded();
    store.clear_last()?;
    let cancel = desk.cancel_on_interrupt();
    let fixtures = store.fixtures();
    let progress = Progress::of(cases.len(), &[&reference, &candidate]);
    let prepared =
        desk.prepare(&mut [&mut reference, &mut candidate], cases, &fixtures).map_err(ledger_error)?;
    let session = Session {
        reference: &reference,
        candidate: &candidate,
        null: args.null,
        divergences: &loaded.suite.divergences,
        asking: Asking {
            rules: &loaded.rules,
            store,
            ledger: desk.ledger(),
            turns: prepared.turns.clone(),
            deadlines: deadlines(&loaded.suite.settings),
            cancel: cancel.clone(),
        },
        may_crash: args.may_crash,
    };
    let mut verdicts: Vec<CaseReport> = Vec::new();
    let mut trouble: Option<CliError> = None;
    let jobs = args.jobs.unwrap_or_else(|| {
        let most = [&reference, &candidate].into_iter().filter_map(Seat::jobs).min();
        let usual = if is_live { default_jobs() } else { 2 };
        most.map_or(usual, |most| most.min(usual))
    });
    let play = async |planned: &Planned<'_>, number: usize| session.play(planned, number).await;
    run_all(cases, jobs, &cancel, play, |planned, outcome| {
        let Outcome { verdict, played, millis } = outcome;
        if let Some(played) = &played
            && let Err(error) = store.save_played(&planned.case(), played)
        {
            trouble.get_or_insert(error.into());
        }
        if verdict.verdict.is_unhappy() {
            progress.println(format!("{}  {}", verdict.verdict.word(), planned.case()));
            if args.fail_fast {
                cancel.cancel();
            }
        }
        verdicts.push(CaseReport::of(verdict, millis));
        progress.done(planned.case().to_string());
    });
    progress.end();
    desk.finish(&prepared);
    if let Some(error) = trouble {
        return Err(error);
    }
    skip_the_rest(&mut verdicts, cases, if args.fail_fast { "--fail-fast" } else { "interrupted" });
    let [reference, candidate] = sides;
    let (suite, without) = (loaded.fingerprint.clone(), args.without.clone());
    let report = Report::new(reference, candidate, &args.world, verdicts);
    let report = Report { suite, without, partition, ..report };
    store.save_report(&report)?;
    tell(&report, args, store, started.elapsed(), output)?;
    tell_evidence(&report, loaded, output)?;
    Ok(report)
}

pub(super) fn ledger_error(error: std::io::Error) -> CliError {
    CliError::Engine(format!("failed to keep the ledger: {error}"))
}

/// What could not be removed is told at once, and `sweep` tries again.
pub(super) fn tell_left(left: &[Left], output: &mut Output) -> Result<(), CliError> {
    for Left { entry, reason } in left {
        writeln!(
            output.news,
            "left behind: {}: {}; `divergence sweep` tries again",
            console::clean(&entry.to_string()),
            console::clean(reason)
        )?;
    }
    Ok(())
}

/// What a real engine says of the evidence of divergences; a file is changed by people.
fn tell_evidence(report: &Report, loaded: &Loaded, output: &mut Output) -> Result<(), CliError> {
    let Promotion { seen, contradicted } = promotion(report, &loaded.suite.divergences);
    if !seen.is_empty() {
        let count = counted(seen.len(), "divergence");
        let told = seen.join(", ");
        output.tell(&format!("{count} seen as written, which may say evidence = \"observed\": {told}"))?;
    }
    for (id, evidence) in contradicted {
        let candidate = report.candidate.told();
        output.tell(&format!("{id} (evidence {}) is contradicted by {candidate}", evidence.word()))?;
    }
    Ok(())
}

/// Cases that were never begun are counted and shown.
fn skip_the_rest(verdicts: &mut Vec<CaseReport>, cases: &[Planned<'_>], why: &str) {
    let done: std::collections::BTreeSet<CaseId> = verdicts.iter().map(CaseReport::case).collect();
    for planned in cases.iter().filter(|planned| !done.contains(&planned.case())) {
        let reason = format!("not begun: {why}");
        let verdict = crate::verdict::Verdict::without_findings(planned.case(), VerdictKind::Skipped, reason);
        verdicts.push(CaseReport::of(verdict, None));
    }
}

fn default_jobs() -> usize {
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    (2 * cores).min(4)
}

fn tell(
    report: &Report,
    args: &RunArgs,
    store: &Store,
    took: Duration,
    output: &mut Output,
) -> Result<(), CliError> {
    if output.json {
        return output.json(report);
    }
    let curl =
        |case: &CaseId, finding: &crate::verdict::Finding| super::show::curl_pair(store, case, finding);
    let style = console::Style { colour: output.colour, verbose: args.verbose, curl: &curl };
    console::write(report, &style, &mut output.out)?;
    let word = match report.exit() {
        exit::FINE if args.null => {
            paint("no difference between the reference and itself", Ink::Good, output.colour)
        }
        exit::FINE => paint("every difference is known", Ink::Good, output.colour),
        exit::FAILS => paint("something differs that is not written down so", Ink::Bad, output.colour),
        exit::ERRS => paint("some cases could not be judged", Ink::Bad, output.colour),
        _ => paint("nothing ran", Ink::Bad, output.colour),
    };
    writeln!(output.out, "{word}  ({:.1} s)", took.as_secs_f64())?;
    Ok(output.out.flush()?)
}
