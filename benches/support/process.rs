//! The whole program as a process: its time, its memory and when it says its first word.

use std::io::Read as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// What one process took.
pub struct Took {
    /// From its start to its end.
    pub wall: Duration,
    /// From its start to the first byte on standard output.
    pub first: Duration,
    /// The most memory that it held, in megabytes.
    pub megabytes: f64,
    /// Its exit code.
    pub code: Option<i32>,
    /// What it said.
    pub said: String,
}

/// Runs the program in a project with a state of its own.
pub fn run(root: &Path, state: &Path, arguments: &[&str]) -> std::io::Result<Took> {
    let begun = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_divergence"))
        .arg("--root")
        .arg(root)
        .arg("--state")
        .arg(state)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()?;
    let stdout = child.stdout.take();
    let reading = std::thread::spawn(move || {
        let (mut said, mut first) = (Vec::new(), None);
        let mut piece = [0; 4096];
        let mut stdout = stdout?;
        while let Ok(length @ 1..) = stdout.read(&mut piece) {
            first.get_or_insert_with(|| begun.elapsed());
            said.extend_from_slice(&piece[..length]);
        }
        Some((String::from_utf8_lossy(&said).into_owned(), first?))
    });
    let (code, megabytes) = watched(&mut child)?;
    let wall = begun.elapsed();
    let (said, first) = reading.join().ok().flatten().unwrap_or_default();
    Ok(Took { wall, first, megabytes, code, said })
}

/// Waits for the end; the memory is what the system last said of it, a millisecond before at most.
fn watched(child: &mut Child) -> std::io::Result<(Option<i32>, f64)> {
    let mut megabytes: f64 = 0.0;
    loop {
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = peak.and_then(|text| text.trim().trim_end_matches(" kB").parse::<f64>().ok());
        megabytes = megabytes.max(kilobytes.unwrap_or_default() / 1024.0);
        if let Some(status) = child.try_wait()? {
            return Ok((status.code(), megabytes));
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}
