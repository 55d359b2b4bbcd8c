//! Recipes of `fixtures/images/`: images made without a registry. Reads files, knows no engine.

use std::io;
use std::path::{Path, PathBuf};

use serde_json::json;
use toml_edit::{DocumentMut, Item, TableLike, Value};

use super::archive::Archive;

/// How an image is made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recipe {
    /// The program on this machine that `/bin` is made of.
    pub binary: String,
    /// Further names of it in `/bin`.
    pub links: Vec<String>,
    /// Directories, with their permission bits.
    pub directories: Vec<(String, u32)>,
    /// Text files, with their permission bits.
    pub files: Vec<(String, String, u32)>,
    /// The exact name of the image, or `uuid` for a UUID of the run's own; without one it gets
    /// another name of the run's own.
    pub repo: Option<String>,
    /// The image's configuration, as instructions of a Dockerfile.
    pub changes: Vec<String>,
}

/// Why there is no recipe.
#[derive(Debug, thiserror::Error)]
pub enum RecipeError {
    /// The file cannot be read.
    #[error("read {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is no TOML.
    #[error("read {path}: {source}")]
    Toml {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        source: toml_edit::TomlError,
    },
    /// A key is unknown or has a value of the wrong kind.
    #[error("read {path}: `{key}` is {what}")]
    Key {
        /// The file.
        path: PathBuf,
        /// The key.
        key: String,
        /// What is wrong with it.
        what: &'static str,
    },
}

/// Places where a machine keeps its busybox.
const BINARY_PLACES: [&str; 2] = ["/bin", "/usr/bin"];

impl Recipe {
    /// Reads `<fixtures>/images/<name>.toml`, and what it is like.
    pub fn load(fixtures: &Path, name: &str) -> Result<Recipe, RecipeError> {
        let path = fixtures.join("images").join(format!("{name}.toml"));
        let text = std::fs::read_to_string(&path)
            .map_err(|source| RecipeError::Read { path: path.clone(), source })?;
        let document: DocumentMut =
            text.parse().map_err(|source| RecipeError::Toml { path: path.clone(), source })?;
        let bad = |key: &str, what| RecipeError::Key { path: path.clone(), key: key.to_owned(), what };
        let mut recipe = match document.get("like").map(|like| like.as_str()) {
            Some(Some(like)) if like != name => Recipe::load(fixtures, like)?,
            Some(_) => return Err(bad("like", "not the name of another recipe")),
            None => Recipe::default(),
        };
        for (key, item) in document.iter() {
            let done = match key {
                "like" => Some(()),
                "binary" => item.as_str().map(|name| recipe.binary = name.to_owned()),
                "repo" => item.as_str().map(|name| recipe.repo = Some(name.to_owned())),
                "links" => texts(item).map(|links| recipe.links = links),
                "directories" => directories(item).map(|directories| recipe.directories = directories),
                "files" => files(item).map(|files| recipe.files = files),
                "config" => {
                    let config = item.as_table_like().ok_or_else(|| bad(key, "no table"))?;
                    let own = changes(config).ok_or_else(|| bad(key, "not understood"))?;
                    // What a recipe says itself comes last and wins.
                    recipe.changes.extend(own);
                    Some(())
                }
                _ => return Err(bad(key, "unknown")),
            };
            done.ok_or_else(|| bad(key, "of the wrong kind"))?;
        }
        Ok(recipe)
    }

    /// The program on this machine, if it is there and needs no libraries.
    pub fn find_binary(&self) -> Result<Vec<u8>, String> {
        let mut reason = format!("there is no {} in {}", self.binary, BINARY_PLACES.join(" or "));
        for place in BINARY_PLACES {
            let path = Path::new(place).join(&self.binary);
            match std::fs::read(&path) {
                Ok(bytes) if is_static(&bytes) => return Ok(bytes),
                Ok(_) => reason = format!("{} is not a static program", path.display()),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => reason = format!("{} cannot be read: {error}", path.display()),
            }
        }
        Err(reason)
    }

    /// The root file system as a tar archive.
    pub fn archive(&self, binary: &[u8]) -> io::Result<Vec<u8>> {
        let mut archive = Archive::default();
        archive.directory("bin", 0o755)?;
        for (path, mode) in &self.directories {
            archive.directory(path, *mode)?;
        }
        archive.file(&format!("bin/{}", self.binary), 0o755, binary)?;
        for link in &self.links {
            archive.link(&format!("bin/{link}"), &self.binary)?;
        }
        for (path, text, mode) in &self.files {
            archive.file(path, *mode, text.as_bytes())?;
        }
        archive.finish()
    }
}

fn texts(item: &Item) -> Option<Vec<String>> {
    item.as_array()?.iter().map(|value| value.as_str().map(str::to_owned)).collect()
}

fn directories(item: &Item) -> Option<Vec<(String, u32)>> {
    let directory = |value: &Value| match value {
        Value::String(path) => Some((path.value().clone(), 0o755)),
        Value::InlineTable(table) => Some((text(table, "path")?, mode(table, 0o755)?)),
        _ => None,
    };
    item.as_array()?.iter().map(directory).collect()
}

fn files(item: &Item) -> Option<Vec<(String, String, u32)>> {
    let file = |value: &Value| {
        let table = value.as_inline_table()?;
        Some((text(table, "path")?, text(table, "text")?, mode(table, 0o644)?))
    };
    item.as_array()?.iter().map(file).collect()
}

fn text(table: &dyn TableLike, key: &str) -> Option<String> {
    table.get(key)?.as_str().map(str::to_owned)
}

fn mode(table: &dyn TableLike, usual: u32) -> Option<u32> {
    match table.get("mode") {
        None => Some(usual),
        Some(mode) => u32::from_str_radix(mode.as_str()?, 8).ok(),
    }
}

/// The configuration as instructions of a Dockerfile.
fn changes(config: &dyn TableLike) -> Option<Vec<String>> {
    let mut changes = Vec::new();
    for (key, item) in config.iter() {
        let lines =
            |word: &str| texts(item).map(|all| all.iter().map(|one| format!("{word} {one}")).collect());
        let own: Vec<String> = match key {
            "env" => lines("ENV")?,
            "expose" => lines("EXPOSE")?,
            "volumes" => lines("VOLUME")?,
            "cmd" => vec![format!("CMD {}", json!(texts(item)?))],
            "entrypoint" => vec![format!("ENTRYPOINT {}", json!(texts(item)?))],
            "user" => vec![format!("USER {}", item.as_str()?)],
            "workdir" => vec![format!("WORKDIR {}", item.as_str()?)],
            "labels" => {
                let label = |(key, item): (&str, &Item)| {
                    Some(format!("LABEL {}={}", json!(key), json!(item.as_str()?)))
                };
                item.as_table_like()?.iter().map(label).collect::<Option<_>>()?
            }
            _ => return None,
        };
        changes.extend(own);
    }
    Some(changes)
}

/// Whether a program needs no loader: an ELF file of 64 bits without a segment `INTERP`.
fn is_static(bytes: &[u8]) -> bool {
    const INTERP: u32 = 3;
    let number = |at: usize, length: usize| -> Option<usize> {
        let field = bytes.get(at..at.checked_add(length)?)?;
        Some(field.iter().rev().fold(0, |number, byte| number << 8 | usize::from(*byte)))
    };
    let segments = || {
        let (table, size, count) = (number(32, 8)?, number(54, 2)?, number(56, 2)?);
        let kinds = (0..count).map(|at| number(table.checked_add(at * size)?, 4));
        kinds.collect::<Option<Vec<_>>>()
    };
    let is_elf = bytes.starts_with(b"\x7fELF\x02\x01");
    is_elf && segments().is_some_and(|kinds| !kinds.contains(&(INTERP as usize)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixtures() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
    }

    #[test]
    fn the_recipes_of_the_project_load() {
        let busybox = Recipe::load(&fixtures(), "busybox").unwrap();
        let smartos = Recipe::load(&fixtures(), "smartos").unwrap();
        let server = Recipe::load(&fixtures(), "server").unwrap();
        assert_eq!(busybox.changes.last().unwrap(), r#"CMD ["sh"]"#);
        assert_eq!(smartos.repo.as_deref(), Some("uuid"));
        assert_eq!(Recipe { repo: None, ..smartos }, busybox);
        assert_eq!(server.links, busybox.links);
        assert_eq!(
            server.changes[busybox.changes.len()..],
            ["EXPOSE 80", "EXPOSE 443", "VOLUME /data", r#"CMD ["sleep","600"]"#]
        );
        let archive = busybox.archive(b"program").unwrap();
        assert_eq!(archive, busybox.archive(b"program").unwrap());
    }

    #[test]
    fn bad_recipes_say_where() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("images")).unwrap();
        let table = [
            ("colour = 1", "`colour` is unknown"),
            ("links = [1]", "`links` is of the wrong kind"),
            ("like = \"x\"", "`like` is not"),
            ("[config]\nodd = 1", "`config` is not understood"),
            ("binary =", "x.toml"),
        ];
        for (text, part) in table {
            std::fs::write(dir.path().join("images/x.toml"), text).unwrap();
            let error = Recipe::load(dir.path(), "x").unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
        assert!(Recipe::load(dir.path(), "y").unwrap_err().to_string().contains("y.toml"));
    }

    #[test]
    fn static_programs_are_told_from_others() {
        let elf = |kind: u8| {
            let mut bytes = vec![0; 64 + 56];
            bytes[..6].copy_from_slice(b"\x7fELF\x02\x01");
            (bytes[32], bytes[54], bytes[56], bytes[64]) = (64, 56, 1, kind);
            bytes
        };
        assert!(is_static(&elf(1)));
        assert!(!is_static(&elf(3)));
        assert!(!is_static(&elf(1)[..60]));
        assert!(!is_static(b"#!/bin/sh"));
    }
}
