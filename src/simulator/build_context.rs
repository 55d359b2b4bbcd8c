//! The context of a build: the files of a tar archive. Pure.

use std::io::Read as _;

use bytes::Bytes;

use crate::run::archive::Archive;

/// What of a context counts here: its files, in order.
#[derive(Debug, Default)]
pub struct Context {
    /// Path, mode and content.
    pub files: Vec<(String, u32, Vec<u8>)>,
    /// Path and mode.
    pub folders: Vec<(String, u32)>,
}

impl Context {
    /// The files of an archive; none if it is no archive.
    pub fn read(bytes: &[u8]) -> Option<Context> {
        let mut context = Context::default();
        for entry in tar::Archive::new(bytes).entries().ok()? {
            let mut entry = entry.ok()?;
            let path = normal(&entry.path().ok()?.to_string_lossy());
            let mode = entry.header().mode().unwrap_or(0o644);
            if entry.header().entry_type().is_dir() {
                context.folders.push((path, mode));
            } else {
                let mut content = Vec::new();
                // A sparse file can say that it holds more than there are disks in the world.
                (&mut entry).take(bytes.len() as u64 + 1).read_to_end(&mut content).ok()?;
                if content.len() > bytes.len() {
                    return None;
                }
                context.files.push((path, mode, content));
            }
        }
        let is_empty = context.files.is_empty() && context.folders.is_empty();
        (!is_empty).then_some(context)
    }

    /// Whether a file or a folder lies at a path.
    pub fn has(&self, path: &str) -> bool {
        let path = normal(path);
        let below = format!("{path}/");
        let files = self.files.iter().map(|(name, _, _)| name);
        let mut all = files.chain(self.folders.iter().map(|(name, _)| name));
        path.is_empty() || all.any(|name| *name == path || name.starts_with(&below))
    }

    /// The same context with another Dockerfile.
    pub fn with_dockerfile(&self, path: &str, text: &str) -> Bytes {
        let mut archive = Archive::default();
        let folders = self.folders.iter().map(|(name, mode)| archive.directory(name, *mode));
        let made: std::io::Result<Vec<()>> = folders.collect();
        let mut made = made.map(|_| ());
        for (name, mode, content) in &self.files {
            let content = if name == path { text.as_bytes() } else { content.as_slice() };
            made = made.and_then(|()| archive.file(name, *mode, content));
        }
        // Writing into memory does not fail.
        made.and_then(|()| archive.finish()).map(Bytes::from).unwrap_or_default()
    }
}

/// A path without dots and slashes at its start.
pub fn normal(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            other => parts.push(other),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_read_from_the_context() {
        assert_eq!(normal("./sub/./Other"), "sub/Other");
        assert_eq!(normal("../x"), "../x");
        assert_eq!(normal("/a/../b"), "b");
    }

    #[test]
    fn a_context_keeps_its_files_with_another_dockerfile() {
        let mut archive = Archive::default();
        archive.directory("d", 0o755).unwrap();
        archive.file("d/one", 0o644, b"1").unwrap();
        archive.file("Dockerfile", 0o644, b"FROM x").unwrap();
        let context = Context::read(&archive.finish().unwrap()).unwrap();
        assert!(context.has("d/one") && context.has("/d") && !context.has("two"));
        let again = Context::read(&context.with_dockerfile("Dockerfile", "FROM y\n")).unwrap();
        assert_eq!(again.files.iter().find(|(name, ..)| name == "Dockerfile").unwrap().2, b"FROM y\n");
        assert!(Context::read(b"nonsense").is_none());
    }
}
