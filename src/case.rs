//! One case from its file to its verdict: load, run, normalise, compare, judge.
//! The file to read first. It knows how to ask both sides, and nothing of reports.

pub mod schedule;

use std::ops::Range;
use std::panic::AssertUnwindSafe;
use std::time::Instant;

use futures_util::FutureExt as _;
use schedule::Planned;

use crate::compare::compare;
use crate::divergence::Divergence;
use crate::engine::Endpoint;
use crate::engine_id::{EngineId, Kind};
use crate::exchange::Recording;
use crate::judge::judge;
use crate::judge::select::Conditions;
use crate::normalise::{Rules, normalise};
use crate::run::cancel::Cancel;
use crate::run::ledger::Ledger;
use crate::run::turns::{Turn, Turns, Use};
use crate::run::{CaseRun, Deadlines, RunError, run_case};
use crate::scenario::{CaseId, Need, Scenario};
use crate::simulator::Simulator;
use crate::snapshot::Snapshot;
use crate::store::Store;
use crate::store::last::Played;
use crate::verdict::{Verdict, VerdictKind};
use crate::version::Version;

/// How often a case that looks at the whole host is begun when others change it meanwhile.
const TRIES: u32 = 5;
/// How often the repetitions of a case about time are added to before a difference is believed:
/// noise that lasts for some of them passes, a difference stays.
const ROUNDS: u32 = 4;

/// One side of a run.
pub struct Seat {
    /// As it was asked for: `docker`, `simulator`, `recorded:docker-20.10`.
    pub name: String,
    /// Who it is.
    pub engine: EngineId,
    /// How its answers are had.
    pub source: Source,
}

/// How a side's answers are had.
pub enum Source {
    /// By asking it.
    Live {
        /// Where it listens.
        endpoint: Box<Endpoint>,
        /// The simulator, if the run started it itself.
        simulator: Option<Simulator>,
    },
    /// From the committed snapshots of this folder.
    Recorded(String),
}

impl Seat {
    /// Whether it answers from committed snapshots.
    pub fn is_recorded(&self) -> bool {
        matches!(self.source, Source::Recorded(_))
    }
}

/// What asking one side needs.
pub struct Asking<'a> {
    /// The rules of normalising.
    pub rules: &'a Rules,
    /// Where snapshots lie.
    pub store: &'a Store,
    /// Where made things are entered before they are made; none when nothing is asked live.
    pub ledger: Option<&'a Ledger>,
    /// Among all runs that use the engines.
    pub turns: Turns,
    /// How long to wait.
    pub deadlines: Deadlines,
    /// Ends the cases that are under way.
    pub cancel: Cancel,
}

/// Everything that judging one case needs.
pub struct Session<'a> {
    /// The engine that is right by definition.
    pub reference: &'a Seat,
    /// The engine that is held against it.
    pub candidate: &'a Seat,
    /// Whether the candidate is the reference once more: then nothing is known.
    pub null: bool,
    /// What is known.
    pub divergences: &'a [Divergence],
    /// How to ask.
    pub asking: Asking<'a>,
    /// Whether cases that may crash a real sdc-docker are asked for.
    pub may_crash: bool,
}

/// What playing a case gave.
pub struct Outcome {
    /// The judgement.
    pub verdict: Verdict,
    /// Both sides, when at least one was asked live.
    pub played: Option<Played>,
    /// Both sides' time in milliseconds, when both were asked live.
    pub millis: Option<[f64; 2]>,
}

/// One side's answers.
#[derive(Clone)]
pub struct Side {
    /// Normalised.
    pub snapshot: Snapshot,
    /// As they were, when the side was asked live.
    pub recording: Option<Recording>,
    /// The time for the whole case.
    pub millis: Option<f64>,
    /// The API version of the snapshot, when it only stands for that of the case.
    pub stand_in: Option<Version>,
}

/// Why a side has no answers.
#[derive(Clone, Debug, thiserror::Error)]
pub enum NoAnswers {
    /// Something is missing that was not promised.
    #[error("{0}")]
    Skipped(String),
    /// It could not be asked.
    #[error("{0}")]
    Errs(String),
}

impl Session<'_> {
    /// The two engines, as `when` is held against them.
    pub fn conditions(&self) -> Conditions {
        Conditions { reference: self.reference.engine.clone(), candidate: self.candidate.engine.clone() }
    }

    /// Plays one case on both sides and judges it. `number` makes the names of the case unique.
    pub async fn play(&self, planned: &Planned<'_>, number: usize) -> Outcome {
        if let Some(reason) = self.lacks(planned) {
            return Outcome::bare(planned.case(), VerdictKind::Skipped, reason);
        }
        let seats = [self.reference, self.candidate];
        if let Some(reason) = seats.iter().find_map(|seat| seat.spend(planned.scenario)) {
            return Outcome::bare(planned.case(), VerdictKind::Skipped, reason);
        }
        let _turn = match self.asking.turn(planned).await {
            Ok(turn) => turn,
            Err(NoAnswers::Errs(reason) | NoAnswers::Skipped(reason)) => {
                return Outcome::bare(planned.case(), VerdictKind::Errs, reason);
            }
        };
        if let Some(times) = planned.scenario.repetitions {
            return self.play_timed(planned, number, times).await;
        }
        let tags = [format!("{number}r"), format!("{number}c")];
        let reference = self.asking.side(self.reference, planned, &tags[0]);
        let candidate = self.asking.side(self.candidate, planned, &tags[1]);
        let sides = match planned.scenario.exclusive {
            true => [reference.await, candidate.await],
            false => futures_util::future::join(reference, candidate).await.into(),
        };
        self.outcome(planned, sides)
    }

    /// Plays a case about time, again and longer while something differs that is not written down so.
    async fn play_timed(&self, planned: &Planned<'_>, number: usize, times: u32) -> Outcome {
        let mut sides = [None, None];
        let mut rounds = 1..ROUNDS;
        let mut first = 0;
        loop {
            let both = self.both_timed(planned, number, first..first + times, sides).await;
            let outcome = self.outcome(planned, both.clone());
            let is_live = both.iter().flatten().any(|side| side.recording.is_some());
            if outcome.verdict.verdict != VerdictKind::Fails || !is_live || rounds.next().is_none() {
                return outcome;
            }
            first += times;
            sides = both.map(Some);
        }
    }

    fn outcome(
        &self,
        planned: &Planned<'_>,
        [reference, candidate]: [Result<Side, NoAnswers>; 2],
    ) -> Outcome {
        match (reference, candidate) {
            (Ok(reference), Ok(candidate)) => self.judged(planned.scenario, reference, candidate),
            (Err(NoAnswers::Errs(reason)), _) | (_, Err(NoAnswers::Errs(reason))) => {
                Outcome::bare(planned.case(), VerdictKind::Errs, reason)
            }
            (Err(NoAnswers::Skipped(reason)), _) | (_, Err(NoAnswers::Skipped(reason))) => {
                Outcome::bare(planned.case(), VerdictKind::Skipped, reason)
            }
        }
    }

    fn judged(&self, scenario: &Scenario, reference: Side, candidate: Side) -> Outcome {
        let differences = compare(&reference.snapshot, &candidate.snapshot);
        let known = if self.null { &[] } else { self.divergences };
        let mut verdict = judge(
            scenario,
            &reference.snapshot,
            &candidate.snapshot,
            &differences,
            known,
            &self.conditions(),
        );
        verdict.reason = verdict.reason.or_else(|| note([&reference, &candidate]));
        let millis = reference.millis.zip(candidate.millis).map(|(one, other)| [one, other]);
        let is_live = reference.recording.is_some() || candidate.recording.is_some();
        let played = is_live.then(|| Played {
            reference: Some(reference.snapshot),
            candidate: Some(candidate.snapshot),
            reference_recording: reference.recording,
            candidate_recording: candidate.recording,
        });
        Outcome { verdict, played, millis }
    }

    /// Why the case cannot run here, if it cannot.
    fn lacks(&self, planned: &Planned<'_>) -> Option<String> {
        let scenario = planned.scenario;
        let seats = [self.reference, self.candidate];
        if let Some(reason) = seats.iter().find_map(|seat| seat.omits(planned.api)) {
            return Some(reason);
        }
        let is_real_sdc = |engine: &EngineId| {
            engine.identity == "sdc-docker" && matches!(engine.kind, Kind::Live | Kind::Container)
        };
        for need in &scenario.needs {
            if *need == Need::MayCrash && !self.may_crash && is_real_sdc(&self.candidate.engine) {
                return Some("may end the server's process; --may-crash runs it".to_owned());
            }
            if let Some(reason) = self.reference.lacks(need).or_else(|| self.candidate.lacks(need)) {
                return Some(reason);
            }
        }
        let is_live = |seat: &Seat| matches!(seat.source, Source::Live { .. });
        if scenario.repetitions.is_some() && is_live(self.reference) != is_live(self.candidate) {
            return Some("times of today say nothing about times in snapshots".to_owned());
        }
        None
    }

    /// Paired and interleaved repetitions, the simulator with the times of a data center. They are
    /// added to those before them.
    async fn both_timed(
        &self,
        planned: &Planned<'_>,
        number: usize,
        times: Range<u32>,
        mut sides: [Option<Result<Side, NoAnswers>>; 2],
    ) -> [Result<Side, NoAnswers>; 2] {
        let seats = [self.reference, self.candidate];
        seats.iter().for_each(|seat| seat.set_latency(true));
        for time in times {
            for at in if time % 2 == 0 { [0, 1] } else { [1, 0] } {
                let letter = if at == 0 { 'r' } else { 'c' };
                let again = self.asking.side(seats[at], planned, &format!("{number}{letter}{time}")).await;
                sides[at] = Some(merge(sides[at].take(), again));
            }
        }
        seats.iter().for_each(|seat| seat.set_latency(false));
        let all = |side: Option<Result<Side, NoAnswers>>| {
            let mut side = side.unwrap_or(Err(NoAnswers::Errs("no repetition was asked for".to_owned())))?;
            if let Some(recording) = &side.recording {
                side.snapshot = normalise(recording, planned.scenario, self.asking.rules);
            }
            Ok(side)
        };
        sides.map(all)
    }
}

impl Seat {
    fn lacks(&self, need: &Need) -> Option<String> {
        let Source::Live { endpoint, .. } = &self.source else { return None };
        let reason = endpoint.lacks.get(&need.to_string())?;
        Some(format!("{} lacks {need}: {reason}", self.name))
    }

    /// Why it is not asked at an API version, if it is not.
    fn omits(&self, api: &Version) -> Option<String> {
        let Source::Live { endpoint, .. } = &self.source else { return None };
        Some(format!("{}: {}", self.name, endpoint.omits(api)?))
    }

    /// Takes what a case makes from the budget of containers; the reason when it is used up.
    pub fn spend(&self, scenario: &Scenario) -> Option<String> {
        let Source::Live { endpoint, .. } = &self.source else { return None };
        let budget = endpoint.budget.as_ref()?;
        let times = scenario.repetitions.map_or(1, |times| usize::try_from(times).unwrap_or(usize::MAX));
        let made = scenario.containers().saturating_mul(times);
        (!budget.spend(made)).then(|| format!("{}: {}", self.name, budget.used_up()))
    }

    /// How many cases it can serve at a time, if that is limited.
    pub fn jobs(&self) -> Option<usize> {
        match &self.source {
            Source::Live { endpoint, .. } => endpoint.jobs,
            Source::Recorded(_) => None,
        }
    }

    fn set_latency(&self, on: bool) {
        if let Source::Live { simulator: Some(simulator), .. } = &self.source {
            simulator.set_latency(on);
        }
    }
}

impl Asking<'_> {
    /// Waits until the case may use the engines.
    async fn turn(&self, planned: &Planned<'_>) -> Result<Turn, NoAnswers> {
        let how = if planned.scenario.exclusive { Use::Alone } else { Use::Shared };
        let turn = self.turns.take(how, &self.cancel).await;
        turn.map_err(|error| NoAnswers::Errs(format!("take turns with other runs: {error}")))
    }

    /// One side's answers to a case: asked live or read from snapshots.
    pub async fn side(&self, seat: &Seat, planned: &Planned<'_>, tag: &str) -> Result<Side, NoAnswers> {
        match &seat.source {
            Source::Recorded(folder) => self.recorded(folder, planned),
            Source::Live { endpoint, .. } => self.live(seat, endpoint, planned, tag).await,
        }
    }

    /// As [`Asking::side`], several times one after the other when the case is about time.
    pub async fn repeated(&self, seat: &Seat, planned: &Planned<'_>, tag: &str) -> Result<Side, NoAnswers> {
        let _turn = self.turn(planned).await?;
        let Some(times) = planned.scenario.repetitions else {
            return self.side(seat, planned, tag).await;
        };
        seat.set_latency(true);
        let mut sum = None;
        for time in 0..times {
            let again = self.side(seat, planned, &format!("{tag}{time}")).await;
            sum = Some(merge(sum, again));
        }
        seat.set_latency(false);
        let mut side = sum.unwrap_or(Err(NoAnswers::Errs("no repetition was asked for".to_owned())))?;
        if let Some(recording) = &side.recording {
            side.snapshot = normalise(recording, planned.scenario, self.rules);
        }
        Ok(side)
    }

    async fn live(
        &self,
        seat: &Seat,
        endpoint: &Endpoint,
        planned: &Planned<'_>,
        tag: &str,
    ) -> Result<Side, NoAnswers> {
        // The one door to an engine: nobody asks what it must not be asked, a swarm above all.
        if let Some(reason) = planned.scenario.needs.iter().find_map(|need| seat.lacks(need)) {
            return Err(NoAnswers::Skipped(reason));
        }
        let Some(ledger) = self.ledger else {
            return Err(NoAnswers::Errs("the run has no ledger".to_owned()));
        };
        let fixtures = self.store.fixtures();
        let started = Instant::now();
        let mut tries = 0..TRIES;
        let recording = loop {
            let again = tries.next().filter(|time| *time > 0).map(|time| format!("t{time}"));
            let run = format!("{}{}", endpoint.prefix, ledger.run_id());
            let tag = format!("{run}-{tag}{}", again.unwrap_or_default());
            let run = CaseRun {
                scenario: planned.scenario,
                api: planned.api,
                endpoint,
                engine: &seat.engine,
                tag: &tag,
                ledger,
                deadlines: self.deadlines,
                fixtures: &fixtures,
                cancel: &self.cancel,
            };
            // A panic is the harness's own failure: it ends the case and not the run.
            let outcome = AssertUnwindSafe(run_case(run)).catch_unwind().await;
            match outcome.map_err(|_| NoAnswers::Errs("the harness panicked".to_owned()))? {
                Err(RunError::NotAlone) if !tries.is_empty() => {}
                outcome => break outcome,
            }
        };
        let recording = recording.map_err(|error| NoAnswers::Errs(format!("{}: {error}", seat.name)))?;
        let millis = Some(started.elapsed().as_secs_f64() * 1000.0);
        let snapshot = normalise(&recording, planned.scenario, self.rules);
        Ok(Side { snapshot, recording: Some(recording), millis, stand_in: None })
    }

    fn recorded(&self, folder: &str, planned: &Planned<'_>) -> Result<Side, NoAnswers> {
        let snapshot = self.store.standing_for(folder, &planned.case());
        match snapshot.map_err(|error| NoAnswers::Errs(error.to_string()))? {
            None => Err(NoAnswers::Skipped(format!("there is no snapshot of it in {folder}"))),
            Some(old) if old.fingerprint != planned.scenario.fingerprint => {
                Err(NoAnswers::Skipped(format!("its steps changed since {folder} was recorded")))
            }
            Some(snapshot) => {
                let stand_in = (snapshot.case.api != *planned.api).then(|| snapshot.case.api.clone());
                let snapshot = Snapshot { case: planned.case(), ..snapshot };
                Ok(Side { snapshot, recording: None, millis: None, stand_in })
            }
        }
    }
}

impl Outcome {
    /// A case without answers to judge.
    pub fn bare(case: CaseId, verdict: VerdictKind, reason: String) -> Outcome {
        let verdict = Verdict::without_findings(case, verdict, reason);
        Outcome { verdict, played: None, millis: None }
    }
}

/// What is said of a case beside its findings: what was left out, and what stands for what.
fn note(sides: [&Side; 2]) -> Option<String> {
    let recordings = sides.iter().filter_map(|side| side.recording.as_ref());
    let mut lists =
        recordings.flat_map(|recording| &recording.before).flat_map(|before| before.lists.values());
    let left_out = lists
        .any(|list| !list.is_empty())
        .then_some("look at the whole host: what was there before is left out of the answers".to_owned());
    let stand_in = sides.iter().find_map(|side| side.stand_in.as_ref());
    let stand_in = stand_in.map(|api| {
        format!("the snapshots of API {api} stand for it; ci/versions shows that for Docker, of the candidate it is assumed")
    });
    left_out.or(stand_in)
}

/// Adds the times of one more repetition to those before it. A recorded side has all of them.
fn merge(so_far: Option<Result<Side, NoAnswers>>, again: Result<Side, NoAnswers>) -> Result<Side, NoAnswers> {
    let Some(so_far) = so_far else { return again };
    let (mut so_far, again) = (so_far?, again?);
    if let (Some(sum), Some(more)) = (&mut so_far.recording, &again.recording) {
        for (step, other) in sum.steps.iter_mut().zip(&more.steps) {
            for (exchange, other) in step.exchanges.iter_mut().zip(&other.exchanges) {
                exchange.millis.extend(&other.millis);
            }
        }
    }
    Ok(so_far)
}
