//! Tar archives in memory, the same bytes for the same entries.

use std::io;

/// Every entry's time of change: an archive must not depend on the clock.
const CHANGED: u64 = 1_420_070_400;

/// An archive that grows.
pub struct Archive(tar::Builder<Vec<u8>>);

impl Default for Archive {
    fn default() -> Archive {
        Archive(tar::Builder::new(Vec::new()))
    }
}

impl Archive {
    /// Adds a file.
    pub fn file(&mut self, path: &str, mode: u32, bytes: &[u8]) -> io::Result<()> {
        self.add(path, tar::EntryType::Regular, mode, "", bytes)
    }

    /// Adds a directory.
    pub fn directory(&mut self, path: &str, mode: u32) -> io::Result<()> {
        let path = format!("{}/", path.trim_end_matches('/'));
        self.add(&path, tar::EntryType::Directory, mode, "", &[])
    }

    /// Adds a symbolic link.
    pub fn link(&mut self, path: &str, target: &str) -> io::Result<()> {
        self.add(path, tar::EntryType::Symlink, 0o777, target, &[])
    }

    /// The bytes of the archive.
    pub fn finish(self) -> io::Result<Vec<u8>> {
        self.0.into_inner()
    }

    fn add(
        &mut self,
        path: &str,
        kind: tar::EntryType,
        mode: u32,
        link: &str,
        bytes: &[u8],
    ) -> io::Result<()> {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_mtime(CHANGED);
        header.set_uid(0);
        header.set_gid(0);
        header.set_size(bytes.len() as u64);
        if !link.is_empty() {
            header.set_link_name_literal(link)?;
        }
        let name = &mut header.as_old_mut().name;
        if path.len() < name.len() {
            // Not through `set_path`: scenarios may ask for `../x` and `/x`, which it refuses.
            name[..path.len()].copy_from_slice(path.as_bytes());
            header.set_cksum();
            self.0.append(&header, bytes)
        } else {
            self.0.append_data(&mut header, path, bytes)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn entries_come_out_as_they_went_in() {
        let long = "d/".repeat(60) + "x";
        let mut archive = Archive::default();
        archive.directory("etc", 0o755).unwrap();
        archive.file("../odd", 0o640, b"text").unwrap();
        archive.file(&long, 0o644, b"").unwrap();
        archive.link("bin/sh", "busybox").unwrap();
        let bytes = archive.finish().unwrap();
        let mut found = Vec::new();
        for entry in tar::Archive::new(bytes.as_slice()).entries().unwrap() {
            let mut entry = entry.unwrap();
            let mut text = String::new();
            entry.read_to_string(&mut text).unwrap();
            let link = entry.link_name_bytes().map(|link| String::from_utf8_lossy(&link).into_owned());
            let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            found.push((path, entry.header().mode().unwrap(), text, link.unwrap_or_default()));
        }
        let row = |path: &str, mode, text: &str, link: &str| {
            (path.to_owned(), mode, text.to_owned(), link.to_owned())
        };
        let expected = [
            row("etc/", 0o755, "", ""),
            row("../odd", 0o640, "text", ""),
            row(&long, 0o644, "", ""),
            row("bin/sh", 0o777, "", "busybox"),
        ];
        assert_eq!(found, expected);
    }
}
