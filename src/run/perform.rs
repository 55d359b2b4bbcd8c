//! Doing what a plan says: the exchanges of one step.

use std::time::Duration;

use serde_json::Value;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::cancel::Cancel;
use super::capture::document;
use super::plan::{Act, ExecPlan, route_of};
use super::scrub::{scrubbed, scrubbed_answer};
use crate::engine::connection::Progress;
use crate::engine::wire::{Reply, Wire};
use crate::engine::{EngineError, command};
use crate::exchange::{End, Exchange, Sent};
use crate::normalise::has_too_many_values;
use crate::scenario::Until;

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_millis(250);
/// The stream of an exec may end a moment before the engine has taken note of its exit.
const EXIT_NOTED: Duration = Duration::from_secs(2);

/// Sends what an act says and returns what came. Owns all it needs, to run in the background.
pub async fn perform(
    wire: Wire,
    act: Act,
    progress: watch::Sender<Progress>,
    cancel: Cancel,
) -> Result<Vec<Exchange>, EngineError> {
    match act {
        Act::Request(sent, limit) => Ok(vec![ask(&wire, sent, limit, "").await?]),
        Act::Raw(sent, limit) => {
            let reply = wire.raw(&sent, limit, &progress).await?;
            Ok(vec![exchange("", sent, reply)])
        }
        Act::Poll(sent, until, limit) => Ok(vec![poll(&wire, sent, &until, limit, &cancel).await?]),
        Act::Stream(sent, talk) => {
            let reply = wire.stream(&sent, talk, &progress).await?;
            Ok(vec![exchange("", sent, reply)])
        }
        Act::Exec(plan) => exec(&wire, plan, &progress).await,
        Act::Cli(typed) => {
            let ran = command::run(typed).await.map_err(EngineError::DockerCli)?;
            Ok(vec![Exchange { sent: scrubbed(ran.sent), ..ran }])
        }
    }
}

/// Sends one request and reads its answer.
pub async fn ask(wire: &Wire, sent: Sent, limit: Duration, part: &str) -> Result<Exchange, EngineError> {
    let reply = wire.request(&sent, limit).await?;
    Ok(exchange(part, sent, reply))
}

fn exchange(part: &str, sent: Sent, reply: Reply) -> Exchange {
    Exchange {
        part: part.to_owned(),
        route: route_of(&sent.method, &sent.target),
        answer: reply.answer.map(|answer| scrubbed_answer(answer, &sent)),
        printed: None,
        sent: scrubbed(sent),
        failure: reply.failure,
        millis: vec![reply.millis],
    }
}

async fn poll(
    wire: &Wire,
    sent: Sent,
    until: &Until,
    limit: Duration,
    cancel: &Cancel,
) -> Result<Exchange, EngineError> {
    let deadline = Instant::now() + until.limit;
    let mut pause = FIRST_PAUSE;
    loop {
        let exchange = ask(wire, sent.clone(), limit, "").await?;
        let is_there = until.at.find(&document(std::slice::from_ref(&exchange))) == Some(&until.is);
        let over = Instant::now() + pause > deadline || cancel.is_cancelled();
        if is_there || over || exchange.failure.is_some() {
            return Ok(exchange);
        }
        sleep(pause).await;
        pause = (pause * 3 / 2).min(LONGEST_PAUSE);
    }
}

async fn exec(
    wire: &Wire,
    plan: ExecPlan,
    progress: &watch::Sender<Progress>,
) -> Result<Vec<Exchange>, EngineError> {
    let create = ask(wire, plan.create.clone(), plan.limit, "create").await?;
    let Some(id) = answered_text(&create, "Id") else { return Ok(vec![create]) };
    let (start, inspect) = (plan.start(&id), plan.inspect(&id));
    let reply = wire.stream(&start, plan.talk, progress).await?;
    let ended = reply.answer.as_ref().is_some_and(|answer| answer.end == Some(End::Closed));
    let start = exchange("start", start, reply);
    let inspect = inspect_exec(wire, inspect, plan.limit, ended).await?;
    Ok(vec![create, start, inspect])
}

async fn inspect_exec(
    wire: &Wire,
    sent: Sent,
    limit: Duration,
    ended: bool,
) -> Result<Exchange, EngineError> {
    let deadline = Instant::now() + EXIT_NOTED;
    loop {
        let exchange = ask(wire, sent.clone(), limit, "inspect").await?;
        let runs = answered_json(&exchange).is_some_and(|exec| exec["Running"] == Value::Bool(true));
        if !(ended && runs) || Instant::now() > deadline {
            return Ok(exchange);
        }
        sleep(FIRST_PAUSE).await;
    }
}

/// The JSON body of an answer that is a success.
pub fn answered_json(exchange: &Exchange) -> Option<Value> {
    let answer = exchange.answer.as_ref().filter(|answer| (200..300).contains(&answer.status))?;
    if has_too_many_values(&answer.body.0) {
        return None;
    }
    serde_json::from_slice(&answer.body.0).ok()
}

/// A text of the JSON body of an answer that is a success.
pub fn answered_text(exchange: &Exchange, key: &str) -> Option<String> {
    let text = answered_json(exchange)?.get(key)?.as_str()?.to_owned();
    (!text.is_empty()).then_some(text)
}
