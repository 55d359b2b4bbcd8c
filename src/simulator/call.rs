//! One call, from the request to the rendered answer: checks, lookups, behaviours, Docker.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use bytes::Bytes;
use futures_util::future::FutureExt;
use hyper::{HeaderMap, Method};
use serde_json::{Value, json};

use super::answer::{Answer, Body};
use super::behaviour::{self, Hook};
use super::docker::{Ask, DockerError};
use super::request::Asked;
use super::route::{self, Matched, Route};
use super::service::Service;
use super::tls::Peer;
use super::{
    archive, attach, build, checks, create, exec, gate, image_show, images, lifecycle, links, list, logs,
    provisioning, render, stats, system, volumes,
};

/// A call under way.
pub struct Call {
    pub service: Arc<Service>,
    pub method: Method,
    pub path: String,
    pub query: Vec<(String, String)>,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// The body if it is JSON and says so.
    pub json: Option<Value>,
    pub request_id: String,
    /// Whether the connection stays for another request.
    pub keeps_alive: bool,
    /// What the path names, if it is a call of sdc-docker.
    pub route: Option<Route>,
    pub prefix: Option<String>,
    pub names: Vec<String>,
    /// The container that the path names, as the Docker beneath inspects it.
    pub container: Value,
    /// The JSON of a create as it came, whatever behaviours change.
    pub asked: Value,
    /// The image of a create, as the Docker beneath inspects it.
    pub image: Value,
    /// The client, where it is behind TLS.
    pub peer: Option<Arc<Peer>>,
    /// The login of the account that it is made for.
    pub account: String,
    pub since: Instant,
}

impl Call {
    /// Whether a behaviour is on.
    pub fn on(&self, id: &str) -> bool {
        self.service.on(id)
    }

    /// The first name in the path.
    pub fn name(&self) -> &str {
        self.names.first().map_or("", String::as_str)
    }

    /// The first value of a query parameter.
    pub fn param(&self, key: &str) -> Option<&str> {
        self.query.iter().find(|(k, _)| k == key).map(|(_, v)| v.as_str())
    }

    /// A header as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|v| v.to_str().ok())
    }

    /// Whether it asks for another protocol on its connection, as node's parser sees it.
    pub fn is_upgrade(&self) -> bool {
        let connection = self.header("connection").unwrap_or_default();
        let is_upgrade = connection.split(',').any(|one| one.trim().eq_ignore_ascii_case("upgrade"));
        is_upgrade && self.headers.contains_key("upgrade")
    }

    /// The id of the container that the path names.
    pub fn container_id(&self) -> &str {
        super::json::text(&self.container, "/Id")
    }

    /// Whether a container is of an account that is not the caller's (catalogue: account-isolation).
    pub fn is_of_another(&self, container: &Value) -> bool {
        let record = self.service.state.container(super::json::text(container, "/Id"));
        self.on("account-isolation")
            && match record {
                Some(record) => record.owner != self.account,
                // What other clients of the Docker beneath made is the main account's.
                None => self.account != self.service.world.account,
            }
    }

    /// The version prefix for the Docker beneath, with its slash.
    pub fn docker_prefix(&self) -> String {
        match &self.prefix {
            None if self.on("api-version-unversioned-default") => "/v1.21".to_owned(),
            None => String::new(),
            Some(prefix) if checks::docker_serves(prefix) => format!("/{prefix}"),
            Some(prefix) if !self.on("api-version-no-maximum") => format!("/{prefix}"),
            Some(_) => "/v1.21".to_owned(),
        }
    }

    /// A path beneath, at the version of the call.
    pub fn beneath(&self, rest: &str) -> String {
        format!("{}{rest}", self.docker_prefix())
    }

    /// The request as it goes on to the Docker beneath, changed as far as behaviours changed it.
    pub fn forwarded(&self) -> Ask {
        let rest = match (&self.prefix, self.route) {
            (Some(prefix), Some(_)) => self.path.get(prefix.len() + 1..).unwrap_or("").to_owned(),
            _ => self.path.clone(),
        };
        let prefix = if self.route.is_some() { self.docker_prefix() } else { String::new() };
        let pairs: Vec<String> =
            self.query.iter().map(|(k, v)| format!("{}={}", route::encode(k), route::encode(v))).collect();
        let query = if pairs.is_empty() { String::new() } else { format!("?{}", pairs.join("&")) };
        let mut ask = Ask::new(self.method.clone(), format!("{prefix}{rest}{query}"));
        for name in ["content-type", "x-registry-auth", "x-registry-config"] {
            // Not every client says of JSON that it is some, where sdc-docker reads none.
            let json = Some("application/json").filter(|_| name == "content-type" && self.json.is_some());
            if let Some(value) = json.or(self.header(name)) {
                ask.headers.push((name.to_owned(), value.to_owned()));
            }
        }
        ask.body = match &self.json {
            Some(json) => Bytes::from(json.to_string()),
            None => self.body.clone(),
        };
        ask
    }

    /// Sends the request on and reads the answer.
    pub async fn forward(&self) -> Answer {
        let ask = self.forwarded();
        self.service.docker.ask(ask).await.unwrap_or_else(unreachable)
    }

    /// Sends the request on and passes the answer's body on as it comes.
    pub async fn forward_stream(&self) -> Answer {
        let ask = self.forwarded();
        self.service.docker.stream(ask).await.unwrap_or_else(unreachable)
    }

    /// Replaces or adds a query parameter of the request that goes on.
    pub fn set_param(&mut self, key: &str, value: &str) {
        self.query.retain(|(k, _)| k != key);
        self.query.push((key.to_owned(), value.to_owned()));
    }
}

/// What a broken Docker beneath looks like.
pub fn unreachable(error: DockerError) -> Answer {
    match error {
        DockerError::Status { status, message } => Answer::error(status, message),
        other => Answer::error(500, format!("the Docker beneath does not answer: {other}")),
    }
}

/// Answers a request: the one way through.
pub async fn answer(asked: Asked, peer: Option<Arc<Peer>>, service: Arc<Service>) -> Answer {
    if asked.method == Method::GET && asked.path() == "/_divergence/simulator" {
        return render::framed(identity(&service), asked.keeps_alive());
    }
    let mut call = Call {
        path: route::clean(asked.path()),
        query: route::query(asked.query()),
        json: parsed(&asked.headers, &asked.body),
        request_id: checks::request_id(&asked.headers, service.on("extra-request-id-headers")),
        keeps_alive: asked.keeps_alive(),
        method: asked.method,
        headers: asked.headers,
        body: asked.body,
        route: None,
        prefix: None,
        names: Vec::new(),
        container: Value::Null,
        asked: Value::Null,
        image: Value::Null,
        peer,
        account: service.world.account.clone(),
        since: Instant::now(),
        service,
    };
    if let Some(peer) = &call.peer
        && (call.is_upgrade() || !call.on("half-close-only-tls-upgraded"))
    {
        peer.half_closes.store(true, Ordering::Relaxed);
    }
    let answer = found(&mut call).await;
    render::render(&call, answer)
}

async fn found(call: &mut Call) -> Answer {
    let matched = route::find(call.method.as_str(), &call.path);
    match matched {
        Matched::Call { route, prefix, names } => {
            if let Err(mut refused) = checks::accept_version(call) {
                refused.unrouted = true;
                return refused;
            }
            call.route = Some(route);
            call.prefix = prefix;
            call.names = names;
            match routed(call, route).await {
                Ok(answer) | Err(answer) => answer,
            }
        }
        Matched::WrongMethod { allow } => unrouted(call, Some(&allow)).await,
        Matched::Undecodable if call.on("uncaught-exception-drops-connection") => Answer::new(0, Body::Drop),
        Matched::Undecodable | Matched::Unknown => unrouted(call, None).await,
    }
}

async fn routed(call: &mut Call, route: Route) -> Result<Answer, Answer> {
    if !call.on("auth-before-version-check") {
        checks::check_version(call, route)?;
    }
    if !route.skips_checks() {
        gate::check(call, route)?;
    }
    checks::check_version(call, route)?;
    gate::approved_first(call, route)?;
    if route == Route::ContainerDelete {
        provisioning::not_removed(call).await?;
    }
    if route.names_container() {
        match call.service.docker.container(call.name()).await {
            Ok(container) if call.is_of_another(&container) => {
                return Err(Answer::error(404, format!("No such container: {}", call.name())));
            }
            Ok(container) => call.container = container,
            Err(DockerError::Status { status: 404, .. }) if call.on("no-such-container-text") => {
                return Err(Answer::error(404, format!("No such container: {}", call.name())));
            }
            // Docker's own answer to the call itself says it better.
            Err(_) => return Ok(call.forward().await),
        }
    }
    if matches!(route, Route::ContainerCreate | Route::VolumeCreate) {
        call.asked = call.json.clone().unwrap_or(Value::Null);
    }
    if route == Route::ContainerCreate {
        create::look_up_image(call).await;
    }
    for (behaviour, hook) in behaviour::hooks(route) {
        if let Hook::Before(_, before) = hook
            && call.on(behaviour)
        {
            before(call)?;
        }
    }
    let mut answer = served(call, route).await;
    for (behaviour, hook) in behaviour::hooks(route) {
        if !call.on(behaviour) {
            continue;
        }
        match hook {
            Hook::After(_, after) => {
                if let Some(value) = answer.value() {
                    after(call, value);
                }
            }
            Hook::Each(_, after) => {
                if let Some(Value::Array(values)) = answer.value() {
                    values.iter_mut().for_each(|value| after(call, value));
                }
            }
            Hook::Answered(_, after) => after(call, &mut answer),
            Hook::Woven | Hook::Before(..) => {}
        }
    }
    Ok(answer)
}

/// The calls that need more than a request passed on.
async fn served(call: &mut Call, route: Route) -> Answer {
    match route {
        Route::ArchiveGet | Route::ArchiveHead | Route::ArchivePut | Route::Copy => {
            archive::serve(call, route).await
        }
        Route::Attach => attach::serve(call).boxed().await,
        Route::Auth | Route::Info | Route::CaPem => system::serve(call, route).await,
        Route::Build => build::serve(call).boxed().await,
        Route::ImageCreate | Route::ImagePush | Route::ImageTag => images::serve(call, route).boxed().await,
        Route::ImageDelete => image_show::remove(call).boxed().await,
        Route::ImageList => image_show::list(call).await,
        Route::ContainerCreate => create::serve(call).boxed().await,
        Route::ContainerList => list::serve(call).await,
        Route::ExecCreate | Route::ExecInspect | Route::ExecResize | Route::ExecStart => {
            exec::serve(call, route).boxed().await
        }
        Route::LinkDelete => links::delete(call).await,
        Route::Logs => logs::serve(call).boxed().await,
        Route::Stats => stats::serve(call).await,
        Route::ContainerDelete
        | Route::Kill
        | Route::Rename
        | Route::Resize
        | Route::Restart
        | Route::Start
        | Route::Stop
        | Route::Wait => lifecycle::serve(call, route).boxed().await,
        Route::VolumeCreate | Route::VolumeDelete | Route::VolumeInspect | Route::VolumeList => {
            volumes::serve(call, route).await
        }
        Route::Export | Route::Events | Route::ImageGet => call.forward_stream().await,
        Route::ContainerInspect => {
            call.service.pause("management-calls-slow", "inspect").await;
            call.forward().await
        }
        Route::Changes
        | Route::Commit
        | Route::ImageHistory
        | Route::ImageInspect
        | Route::ImageLoad
        | Route::ImageSearch
        | Route::NetworkConnect
        | Route::NetworkCreate
        | Route::NetworkDelete
        | Route::NetworkDisconnect
        | Route::NetworkInspect
        | Route::NetworkList
        | Route::NetworkPrune
        | Route::Pause
        | Route::Ping
        | Route::Top
        | Route::Unpause
        | Route::Version => call.forward().await,
    }
}

/// A path or method that sdc-docker does not have; the behaviour that hides it decides.
async fn unrouted(call: &mut Call, allow: Option<&str>) -> Answer {
    let (_, rest) = route::split_prefix(&call.path);
    let id = checks::governing(call.method.as_str(), rest, allow.is_some());
    if !call.on(id)
        && call.header("upgrade").is_some_and(|protocol| protocol.eq_ignore_ascii_case("websocket"))
    {
        return super::attach::websocket(call).await;
    }
    if !call.on(id) {
        let mut answer = call.forward_stream().await;
        answer.unrouted = answer.header("server").is_none();
        return answer;
    }
    let mut answer = match allow {
        None if (call.method.as_str(), call.path.as_str()) == ("OPTIONS", "*") => Answer::empty(200),
        Some(allow) => Answer::error(405, format!("{} is not allowed", call.method)).with("Allow", allow),
        None => Answer::coded(404, "ResourceNotFound", format!("{} does not exist", call.path)),
    };
    answer.unrouted = true;
    answer
}

fn identity(service: &Service) -> Answer {
    let body = json!({
        "simulator": true,
        "release": service.release,
        "world": service.world.name,
        "without": service.without,
    });
    Answer::new(200, Body::Raw(Bytes::from(body.to_string()))).with("Content-Type", "application/json")
}

fn parsed(headers: &HeaderMap, body: &Bytes) -> Option<Value> {
    let json = headers
        .get("content-type")
        .and_then(|v| v.to_str().ok())
        .is_some_and(|t| t.trim_start().starts_with("application/json"));
    json.then(|| serde_json::from_slice(body).ok()).flatten()
}
