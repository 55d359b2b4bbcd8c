//! An engine asked with as little as possible: the floor that everything else is held against.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

/// Sends a request on a connection of its own and reads the whole answer, heads included.
pub async fn exchange(socket: &Path, request: &[u8]) -> io::Result<Vec<u8>> {
    let mut stream = UnixStream::connect(socket).await?;
    on(&mut stream, request).await
}

/// Sends a request on a connection and reads the whole answer.
pub async fn on(stream: &mut UnixStream, request: &[u8]) -> io::Result<Vec<u8>> {
    stream.write_all(request).await?;
    let mut answer = Vec::with_capacity(16 * 1024);
    loop {
        if stream.read_buf(&mut answer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if let Some(head) = answer.windows(4).position(|four| four == b"\r\n\r\n")
            && is_whole(&answer[..head], &answer[head + 4..])
        {
            return Ok(answer);
        }
    }
}

fn is_whole(head: &[u8], body: &[u8]) -> bool {
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    match head.split("content-length: ").nth(1).map(|rest| rest.lines().next().unwrap_or_default().parse()) {
        Some(Ok(length)) => body.len() >= length,
        Some(Err(_)) => true,
        None if head.contains("chunked") => body.ends_with(b"0\r\n\r\n"),
        None => true,
    }
}

/// The bytes of a request.
pub fn request(method: &str, target: &str, json: &str) -> Vec<u8> {
    let head = format!(
        "{method} {target} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: raw\r\nAccept: */*\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{json}",
        json.len()
    );
    head.into_bytes()
}

/// The text between two texts of an answer.
pub fn between(answer: &[u8], before: &str, after: &str) -> Option<String> {
    let text = String::from_utf8_lossy(answer).into_owned();
    Some(text.split_once(before)?.1.split_once(after)?.0.to_owned())
}

/// One container from its creation to its removal.
pub async fn lifecycle(socket: &Path, image: &str) -> io::Result<()> {
    let body = format!(
        "{{\"Image\": \"{image}\", \"Cmd\": [\"true\"], \"HostConfig\": {{\"NetworkMode\": \"none\"}}}}"
    );
    let created = exchange(socket, &request("POST", "/v1.21/containers/create", &body)).await?;
    let id = between(&created, "\"Id\":\"", "\"").ok_or_else(|| {
        io::Error::other(format!("no container was made: {}", String::from_utf8_lossy(&created)))
    })?;
    exchange(socket, &request("POST", &format!("/v1.21/containers/{id}/start"), "")).await?;
    exchange(socket, &request("POST", &format!("/v1.21/containers/{id}/wait"), "")).await?;
    exchange(socket, &request("DELETE", &format!("/v1.21/containers/{id}?force=1&v=1"), "")).await?;
    Ok(())
}

/// How long so many lifecycles take, so many at a time, each thread with a runtime of its own.
pub fn lifecycles(socket: &Path, image: &str, count: usize, at_a_time: usize) -> io::Result<Duration> {
    let begun = Instant::now();
    let next = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..at_a_time)
            .map(|_| {
                scope.spawn(|| -> io::Result<()> {
                    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
                    while next.fetch_add(1, std::sync::atomic::Ordering::Relaxed) < count {
                        runtime.block_on(lifecycle(socket, image))?;
                    }
                    Ok(())
                })
            })
            .collect();
        threads.into_iter().try_for_each(|thread| thread.join().unwrap_or(Ok(())))
    })?;
    Ok(begun.elapsed())
}

/// Where the engine listens.
pub fn socket() -> PathBuf {
    let host = std::env::var("DOCKER_HOST").ok();
    let path = host.as_deref().and_then(|host| host.strip_prefix("unix://"));
    path.unwrap_or("/var/run/docker.sock").into()
}
