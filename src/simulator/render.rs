//! The last step of an answer: errors and JSON become bytes, and the headers get the names, the
//! order and the framing that restify and node give them (restify 4.3.0 `lib/response.js`).

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty, Full};
use hyper::Method;
use time::OffsetDateTime;
use time::macros::format_description;

use super::answer::{Answer, Body, Envelope, Fault, Stream, render_fault};
use super::call::Call;
use super::checks;
use super::negotiate::{self, Kind};
use super::route::Route;
use super::shapes;

/// Turns an answer into what is written on the wire.
pub fn render(call: &Call, mut answer: Answer) -> Answer {
    if matches!(answer.body, Body::Hijack { .. } | Body::Drop | Body::Hang) {
        return answer;
    }
    if call.is_upgrade() && call.on("upgrade-error-bare-response") {
        return bare(&answer);
    }
    render_body(call, &mut answer);
    arrange(call, answer)
}

/// What is left of any answer to a request that asks for an upgrade and gets none (catalogue:
/// upgrade-error-bare-response): the object of such an answer knows a status and no headers, and
/// the status is 400 unless an error or a number says another (restify 4.3.0 `lib/upgrade.js`).
fn bare(answer: &Answer) -> Answer {
    let status = match (&answer.body, answer.status) {
        (Body::Json(_), 200) => 400,
        (_, status) => status,
    };
    let date = http_date(OffsetDateTime::now_utc());
    let head =
        format!("HTTP/1.1 {status} Connection Not Upgraded\r\nConnection: close\r\nDate: {date}\r\n\r\n");
    Answer::new(status, Body::Hijack { head, session: Box::new(|_, _| Box::pin(std::future::ready(()))) })
}

fn render_body(call: &Call, answer: &mut Answer) {
    match std::mem::replace(&mut answer.body, Body::Empty) {
        Body::Fault(fault) => render_error(call, answer, &fault),
        Body::Json(mut value) => {
            shapes::order(call.route, &mut value);
            let kind = negotiated(call);
            let Some(kind) = kind else { return not_acceptable(answer) };
            let mut text = negotiate::of_json(kind, &value);
            if kind == Kind::Json && !call.on("json-without-newline") {
                text.push('\n');
            }
            let bytes = Bytes::from(text);
            answer.rename("Content-Type");
            if kind != Kind::Json {
                answer.set("Content-Type", kind.name());
            }
            let chunked = bytes.len() > 2048 && !call.on("json-content-length");
            answer.body = if chunked { Body::Stream(whole(bytes)) } else { Body::Raw(bytes) };
        }
        other => answer.body = other,
    }
}

fn render_error(call: &Call, answer: &mut Answer, fault: &Fault) {
    if answer.status == 422 && !call.on("error-422-for-bad-input") {
        answer.status = 400;
    }
    if fault.conflict && !call.on("error-500-for-conflicts") {
        answer.status = 409;
    }
    let envelope = Envelope {
        restify: call.on("error-body-plain-text-with-request-id"),
        prefix: call.on("error-prefix-restcode"),
        docker_json: checks::docker_errors_are_json(call.prefix.as_deref()),
    };
    let kind = if envelope.restify { negotiated(call) } else { Some(Kind::Json) };
    let Some(kind) = kind else { return not_acceptable(answer) };
    let (text, content_type, nosniff) = render_fault(fault, envelope, &call.request_id);
    answer.without("content-type");
    match kind {
        // The formatter for JSON sets the type once more, in small letters.
        Kind::Json if envelope.restify => answer.set("content-type", content_type),
        Kind::Json => answer.set("Content-Type", content_type),
        _ => answer.set("Content-Type", kind.name()),
    }
    if nosniff {
        answer.set("X-Content-Type-Options", "nosniff");
    }
    let text = negotiate::of_error(kind, fault, text);
    answer.body = Body::Raw(Bytes::from(text));
}

fn negotiated(call: &Call) -> Option<Kind> {
    match call.header("accept") {
        Some(accept) if call.on("accept-header-406") => negotiate::choose(accept),
        _ => Some(Kind::Json),
    }
}

/// No type that the client takes: a 406 without a body, errors included (catalogue: accept-header-406).
fn not_acceptable(answer: &mut Answer) {
    answer.status = 406;
    answer.without("content-type");
    answer.body = Body::Empty;
}

/// Puts the common headers where they stand, and the framing behind them.
fn arrange(call: &Call, mut answer: Answer) -> Answer {
    for name in ["server", "date", "connection", "content-length", "transfer-encoding"] {
        answer.without(name);
    }
    let has_no_body = matches!(answer.status, 204 | 304);
    if has_no_body {
        answer.without("content-type");
    }
    let chunked = call.on("streamed-answers-chunked");
    // Node writes the head of an answer that only ends, and knows its length by then.
    let is_ended_only = call.route == Some(Route::ImageTag) && answer.status == 201;
    if matches!(answer.body, Body::Empty) && !has_no_body {
        answer.body = match chunked && !is_ended_only {
            true => Body::Stream(Empty::new().map_err(|never| match never {}).boxed_unsync()),
            false => Body::Raw(Bytes::new()),
        };
    }
    let length = match &answer.body {
        Body::Raw(bytes) if !has_no_body => Some(bytes.len().to_string()),
        Body::Stream(_) if !chunked => answer.length.map(|length| length.to_string()),
        _ => None,
    };
    let length = length.map(|length| ("Content-Length".to_owned(), length));
    let is_chunked =
        length.is_none() && matches!(answer.body, Body::Stream(_)) && call.method != Method::HEAD;
    let mut own = std::mem::take(&mut answer.headers);
    if let Some(length) = length.clone().filter(|_| !is_ended_only) {
        let at = if answer.common_first { 0 } else { own.len() };
        own.insert(at, length);
    }
    let common = if answer.unrouted { vec![date()] } else { checks::common_headers(call, &mut own) };
    let mut headers = if answer.common_first { [common, own].concat() } else { [own, common].concat() };
    headers.extend(connection(call));
    headers.extend(length.filter(|_| is_ended_only));
    if is_chunked {
        headers.push(("Transfer-Encoding".to_owned(), "chunked".to_owned()));
    }
    answer.headers = headers;
    answer
}

fn connection(call: &Call) -> Option<(String, String)> {
    let value = match call.keeps_alive {
        false => "close",
        true if call.on("connection-keep-alive-header") => "keep-alive",
        true => return None,
    };
    Some(("Connection".to_owned(), value.to_owned()))
}

/// An answer of the simulator itself.
pub fn framed(mut answer: Answer, keeps_alive: bool) -> Answer {
    if let Body::Raw(bytes) = &answer.body {
        let length = bytes.len().to_string();
        answer.set("Content-Length", length);
    }
    if !keeps_alive {
        answer.set("Connection", "close");
    }
    answer
}

fn whole(bytes: Bytes) -> Stream {
    Full::new(bytes).map_err(|never| match never {}).boxed_unsync()
}

/// The date header.
pub fn date() -> (String, String) {
    ("Date".to_owned(), http_date(OffsetDateTime::now_utc()))
}

fn http_date(time: OffsetDateTime) -> String {
    let format = format_description!(
        "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
    );
    time.format(&format).unwrap_or_default()
}
