//! A case while it runs: step after step, with what runs beside them.

use std::collections::BTreeMap;
use std::os::unix::fs::DirBuilderExt as _;
use std::panic::resume_unwind;
use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::capture::{document, text_at};
use super::cleanup::Broom;
use super::made::{Made, makes_images};
use super::perform::perform;
use super::plan::{Act, NoPlan, Plan, Planner, giver};
use super::values::Values;
use super::{CaseRun, RunError};
use crate::engine::EngineError;
use crate::engine::connection::Progress;
use crate::engine::wire::{Wire, usual_headers};
use crate::exchange::{Bytes, Exchange, Named, RecordedStep, Sent};
use crate::scenario::{Action, Need, Step, StepId};

/// A request that is not answered gives no sign of having been taken; this long is given to it.
const TAKEN: Duration = Duration::from_millis(150);

/// A case while it runs.
pub struct Case<'a> {
    run: CaseRun<'a>,
    wire: Wire,
    /// The way to where what is made really lies: a stand-in may not let it be removed.
    home_wire: Wire,
    values: Values<'a>,
    made: Made,
    beside: BTreeMap<StepId, Background>,
    /// Where commands are at home; there once one was run.
    home: PathBuf,
}

enum Background {
    Running(JoinHandle<Result<Vec<Exchange>, EngineError>>),
    Unreached(StepId),
}

impl<'a> Case<'a> {
    /// A case that has done nothing yet.
    pub fn new(run: CaseRun<'a>, wire: Wire, home_wire: Wire) -> Case<'a> {
        let mut values = Values::new(run.tag, run.endpoint);
        for need in &run.scenario.needs {
            if let Need::Image(name) = need
                && let Some(image) = run.endpoint.images.get(name)
            {
                values.name(&format!("image:{name}"), image.clone());
            }
        }
        let home = std::env::temp_dir().join(run.tag);
        Case { run, wire, home_wire, values, made: Made::new(run.tag), beside: BTreeMap::new(), home }
    }

    /// Does all steps in order.
    pub async fn steps(&mut self) -> Result<Vec<RecordedStep>, RunError> {
        let steps = &self.run.scenario.steps;
        let mut recorded = Vec::with_capacity(steps.len());
        for (at, step) in steps.iter().enumerate() {
            if self.run.cancel.is_cancelled() {
                return Err(RunError::Cancelled);
            }
            let outcome = match &step.action {
                Action::Join(id) => self.join(id, step).await?,
                Action::Request(_)
                | Action::Raw(_)
                | Action::Exec(_)
                | Action::Stream(_)
                | Action::Cli(_) => self.step(step, &steps[..at]).await?,
            };
            let (exchanges, unreached) = match outcome {
                Outcome::Done(exchanges) => (exchanges, None),
                Outcome::Unreached(giver) => (Vec::new(), Some(giver)),
            };
            recorded.push(RecordedStep { id: step.id.clone(), exchanges, unreached });
        }
        Ok(recorded)
    }

    /// Removes what the case made; what cannot be removed is told to the ledger.
    pub async fn clean(&mut self) {
        for (_, background) in std::mem::take(&mut self.beside) {
            if let Background::Running(task) = background {
                task.abort();
            }
        }
        // Without a command it was never made.
        let _ = std::fs::remove_dir_all(&self.home);
        let made = &self.made;
        for left in self.broom().clean(made).await {
            self.run.ledger.leave(left);
        }
        if self.run.scenario.needs.contains(&Need::OwnEngine) {
            self.leave_swarm().await;
        }
    }

    /// The next case finds the run's own engine in no swarm. One that stays in it ends with the run.
    async fn leave_swarm(&self) {
        let (method, target) = ("POST".to_owned(), format!("/v{}/swarm/leave?force=1", self.run.api));
        let headers = usual_headers(self.wire.address());
        let sent = Sent { method, target, headers, body: Bytes::default() };
        let _ = self.wire.request(&sent, self.run.endpoint.stretch(self.run.deadlines.request)).await;
    }

    /// A folder for nobody else: the CLI keeps passwords of `login` there.
    fn make_home(&self) -> Result<(), RunError> {
        let made = std::fs::DirBuilder::new().mode(0o700).create(&self.home);
        match made {
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists && self.home.is_dir() => Ok(()),
            made => made.map_err(|source| RunError::Home { path: self.home.clone(), source }),
        }
    }

    /// Every named value.
    pub fn into_named(self) -> Vec<Named> {
        self.values.into_named()
    }

    fn broom(&self) -> Broom<'_> {
        let limit = self.run.endpoint.stretch(self.run.deadlines.request);
        let home = self.run.endpoint.home();
        Broom { wire: &self.home_wire, home, api: self.run.api, tag: self.run.tag, limit }
    }

    async fn step(&mut self, step: &Step, before: &[Step]) -> Result<Outcome, RunError> {
        let CaseRun { api, endpoint, tag, fixtures, deadlines, .. } = self.run;
        let planner = Planner { api, endpoint, tag, fixtures, deadlines, home: &self.home };
        let plan = match planner.plan(step, &mut self.values) {
            Ok(plan) => plan,
            Err(NoPlan::Broken(error)) => return Err(error),
            Err(NoPlan::Missing(capture)) => {
                let giver = giver(before, &capture).unwrap_or(&step.id).clone();
                if step.background {
                    self.beside.insert(step.id.clone(), Background::Unreached(giver.clone()));
                }
                return Ok(Outcome::Unreached(giver));
            }
        };
        self.announce(&plan).await?;
        if matches!(plan.act, Act::Cli(_)) {
            self.make_home()?;
        }
        if step.background {
            self.begin(step, plan.act).await;
            return Ok(Outcome::Done(Vec::new()));
        }
        let progress = watch::Sender::new(Progress::Begun);
        if makes_images(plan.act.sent()) {
            let exchanges = self.make_images(plan.act, progress).await?;
            self.take(step, &exchanges)?;
            return Ok(Outcome::Done(exchanges));
        }
        let may_last = matches!(plan.act, Act::Stream(..) | Act::Exec(_) | Act::Cli(_));
        let performing = perform(self.wire.clone(), plan.act, progress, self.run.cancel.clone());
        let exchanges = if may_last {
            tokio::select! {
                exchanges = performing => exchanges?,
                () = self.run.cancel.cancelled() => return Err(RunError::Cancelled),
            }
        } else {
            performing.await?
        };
        self.take(step, &exchanges)?;
        Ok(Outcome::Done(exchanges))
    }

    /// Does what makes images. Their ids enter the ledger while the engine tells them, since nothing
    /// else tells whose they are; nor is it broken off, which the engine would notice too late.
    async fn make_images(
        &mut self,
        act: Act,
        progress: watch::Sender<Progress>,
    ) -> Result<Vec<Exchange>, RunError> {
        let (heard, mut told) = mpsc::unbounded_channel();
        let (sent, mut so_far) = (act.sent().clone(), Vec::new());
        let wire = self.wire.heard_by(heard);
        let mut performing = std::pin::pin!(perform(wire, act, progress, self.run.cancel.clone()));
        loop {
            tokio::select! {
                biased;
                Some(bytes) = told.recv() => {
                    so_far.extend(bytes);
                    for (thing, name) in self.made.overhear(&sent, &so_far) {
                        self.note(thing, &name)?;
                    }
                }
                exchanges = &mut performing => return Ok(exchanges?),
            }
        }
    }

    /// Enters into the ledger what a step may make.
    async fn announce(&mut self, plan: &Plan) -> Result<(), RunError> {
        if self.made.must_see_images(plan) {
            self.made.images_before = self.broom().images().await;
        }
        for (thing, name) in self.made.expect(plan) {
            self.note(thing, &name)?;
        }
        Ok(())
    }

    fn note(&self, thing: super::ledger::Thing, name: &str) -> Result<(), RunError> {
        let home = self.run.endpoint.home();
        self.run.ledger.note(thing, name, self.run.tag, home).map_err(RunError::Ledger)
    }

    /// Begins a background step and waits until it is under way, so that later steps act on it.
    async fn begin(&mut self, step: &Step, act: Act) {
        let progress = watch::Sender::new(Progress::Begun);
        let mut seen = progress.subscribe();
        let is_stream = matches!(act, Act::Stream(..) | Act::Exec(_));
        let task = tokio::spawn(perform(self.wire.clone(), act, progress, self.run.cancel.clone()));
        self.beside.insert(step.id.clone(), Background::Running(task));
        let limit = self.run.endpoint.stretch(self.run.deadlines.request);
        // An error says that it is over already, which is as good.
        let under_way = async {
            if seen.wait_for(|progress| *progress >= Progress::Written).await.is_ok() {
                let patience = if is_stream { limit } else { TAKEN };
                let _ = timeout(patience, seen.wait_for(|progress| *progress == Progress::Answered)).await;
            }
        };
        tokio::select! {
            _ = timeout(limit, under_way) => {}
            () = self.run.cancel.cancelled() => {}
        }
    }

    async fn join(&mut self, id: &StepId, step: &Step) -> Result<Outcome, RunError> {
        let task = match self.beside.remove(id) {
            None => return Err(RunError::NoBackground(id.clone())),
            Some(Background::Unreached(giver)) => return Ok(Outcome::Unreached(giver)),
            Some(Background::Running(task)) => task,
        };
        let stop = task.abort_handle();
        let joined = tokio::select! {
            joined = task => joined,
            () = self.run.cancel.cancelled() => {
                stop.abort();
                return Err(RunError::Cancelled);
            }
        };
        let exchanges = match joined {
            Ok(exchanges) => exchanges?,
            Err(error) if error.is_panic() => resume_unwind(error.into_panic()),
            Err(_) => return Err(RunError::Cancelled),
        };
        if let Some(begun) = self.run.scenario.steps.iter().find(|step| step.id == *id) {
            self.name_values(begun, &exchanges);
        }
        self.take(step, &exchanges)?;
        Ok(Outcome::Done(exchanges))
    }

    /// Learns what was made, and takes captures and names.
    fn take(&mut self, step: &Step, exchanges: &[Exchange]) -> Result<(), RunError> {
        for exchange in exchanges {
            for (thing, name) in self.made.learn(exchange) {
                self.note(thing, &name)?;
            }
        }
        self.name_values(step, exchanges);
        Ok(())
    }

    fn name_values(&mut self, step: &Step, exchanges: &[Exchange]) {
        if step.capture.is_empty() && step.names.is_empty() {
            return;
        }
        let document = document(exchanges);
        for (name, at) in &step.capture {
            if let Some(value) = text_at(&document, at) {
                self.values.capture(name, value);
            }
        }
        for (name, at) in &step.names {
            if let Some(value) = text_at(&document, at) {
                self.values.name(name, value);
            }
        }
    }
}

enum Outcome {
    Done(Vec<Exchange>),
    Unreached(StepId),
}
