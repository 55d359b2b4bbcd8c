//! Text and archives as structure: processes, mounts, files, lines, JSON, tar. Pure.

use std::io::Read as _;

use serde_json::{Map, Value, json};

use crate::normalise::parse_json;
use crate::scenario::View;

/// A text through a view; none when it has not that form.
pub fn view(view: View, text: &str) -> Option<Value> {
    match view {
        View::Processes => processes(text),
        View::Mounts => mounts(text),
        View::Files => Some(files(text)),
        View::Lines => Some(json!({ "lines": text.lines().collect::<Vec<_>>() })),
        View::Json => crate::normalise::documents(text),
        View::Tar => tar(text.as_bytes()),
    }
}

/// Puts a value under a key; of two with the same key the second is `key#2`.
fn put(map: &mut Map<String, Value>, key: &str, value: Value) {
    let mut unique = key.to_owned();
    let mut number = 1;
    while map.contains_key(&unique) {
        number += 1;
        unique = format!("{key}#{number}");
    }
    map.insert(unique, value);
}

/// The answer of top, or the output of `ps`: rows by their command, which is the last column.
fn processes(text: &str) -> Option<Value> {
    let (titles, rows) = match parse_json(text) {
        Some((top, _)) => {
            let texts = |value: &Value| -> Option<Vec<String>> {
                let cell = |cell: &Value| cell.as_str().map_or_else(|| cell.to_string(), str::to_owned);
                Some(value.as_array()?.iter().map(cell).collect())
            };
            let rows = top.get("Processes")?.as_array()?.iter().map(texts).collect::<Option<Vec<_>>>()?;
            (texts(top.get("Titles")?)?, rows)
        }
        None => {
            let mut lines = text.lines();
            let titles: Vec<String> = lines.next()?.split_whitespace().map(str::to_owned).collect();
            let rows = lines.map(|line| columns(line, titles.len())).collect();
            (titles, rows)
        }
    };
    if !titles.iter().any(|title| title == "PID") {
        return None;
    }
    let mut map = Map::new();
    for row in rows {
        let cells = titles.iter().zip(&row).map(|(title, cell)| (title.clone(), process_cell(title, cell)));
        let cells: Map<String, Value> = cells.collect();
        put(&mut map, row.last().map_or("", String::as_str), Value::Object(cells));
    }
    Some(json!({ "titles": titles, "processes": map }))
}

/// A line cut at blanks into so many columns; the last one keeps its blanks.
fn columns(line: &str, count: usize) -> Vec<String> {
    let mut cells = Vec::new();
    let mut rest = line.trim_start();
    while cells.len() + 1 < count && !rest.is_empty() {
        let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
        cells.push(rest[..end].to_owned());
        rest = rest[end..].trim_start();
    }
    cells.push(rest.trim_end().to_owned());
    cells
}

/// Numbers and times of processes vary; that a PID is 0 does not.
fn process_cell(title: &str, cell: &str) -> Value {
    let digits = !cell.is_empty() && cell.chars().all(|c| c.is_ascii_digit());
    let numeric = !cell.is_empty() && cell.chars().all(|c| c.is_ascii_digit() || ".:,-".contains(c));
    match title {
        "PID" | "PPID" if digits && cell != "0" => "<pid>".into(),
        "C" | "%CPU" | "%MEM" | "VSZ" | "RSS" | "SZ" if numeric => "<number>".into(),
        // procps writes 08:27 or Nov24.
        "STIME" | "START" if numeric || cell.starts_with(|c: char| c.is_ascii_uppercase()) => "<time>".into(),
        "TIME" if numeric => "<duration>".into(),
        _ => cell.into(),
    }
}

/// Output of `mount` and `df`, or the text of `/proc/mounts`: entries by destination.
fn mounts(text: &str) -> Option<Value> {
    let mut map = Map::new();
    let is_df = text.starts_with("Filesystem");
    for line in text.lines().skip(usize::from(is_df)) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (destination, entry) = match words.as_slice() {
            [] => continue,
            [device, size, used, free, share, destination] if is_df => {
                let sizes = json!({"device": mounted(device), "size": size_of(size), "used": size_of(used),
                    "available": size_of(free), "use%": size_of(share.trim_end_matches('%'))});
                (*destination, sizes)
            }
            [device, "on", destination, "type", kind, options] => {
                let options = options.trim_matches(['(', ')']);
                (
                    *destination,
                    json!({"device": mounted(device), "type": kind, "options": options_of(options)}),
                )
            }
            [device, destination, kind, options, "0", "0"] => (
                *destination,
                json!({"device": mounted(device), "type": kind, "options": options_of(options)}),
            ),
            _ => return None,
        };
        put(&mut map, destination, entry);
    }
    (!map.is_empty()).then(|| json!({ "mounts": map }))
}

/// A disk of the machine is a disk; all else is a name.
fn mounted(device: &str) -> &str {
    let is_disk = ["/dev/sd", "/dev/vd", "/dev/nvme", "/dev/mapper", "/dev/root", "/dev/xvd", "/dev/md"];
    if is_disk.iter().any(|disk| device.starts_with(disk)) { "<disk>" } else { device }
}

fn size_of(text: &str) -> Value {
    let is_number = text.parse::<u64>().is_ok_and(|number| number > 0);
    if is_number { "<size>".into() } else { text.into() }
}

fn options_of(options: &str) -> Vec<String> {
    let option = |option: &str| match option.split_once('=') {
        Some((key @ ("lowerdir" | "upperdir" | "workdir"), _)) => format!("{key}=<path>"),
        Some((key @ ("size" | "nr_inodes"), value)) if value.starts_with(|c: char| c.is_ascii_digit()) => {
            format!("{key}=<size>")
        }
        _ => option.to_owned(),
    };
    let mut options: Vec<String> = options.split(',').map(option).collect();
    options.sort();
    options
}

/// Output of `ls` or `ls -l`: entries by name. Dates are left to `stat`.
fn files(text: &str) -> Value {
    let mut map = Map::new();
    for line in text.lines().filter(|line| !line.starts_with("total ")) {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            [] => {}
            [mode, _, user, group, size, _, _, _, name, rest @ ..] if mode.len() >= 10 => {
                let mut entry = Map::new();
                entry.insert("mode".to_owned(), (*mode).into());
                entry.insert("user".to_owned(), (*user).into());
                entry.insert("group".to_owned(), (*group).into());
                entry.insert("size".to_owned(), size_of(size));
                if let ["->", target, ..] = rest {
                    entry.insert("link".to_owned(), (*target).into());
                }
                put(&mut map, name, Value::Object(entry));
            }
            _ => put(&mut map, line.trim(), json!({})),
        }
    }
    json!({ "files": map })
}

/// A tar archive: entries by path, text as it is, other bytes as a hash. Times are left out.
pub fn tar(bytes: &[u8]) -> Option<Value> {
    let mut map = Map::new();
    let mut archive = tar::Archive::new(bytes);
    for entry in archive.entries().ok()? {
        let mut entry = entry.ok()?;
        let path = entry.path().ok()?.to_string_lossy().into_owned();
        let header = entry.header();
        let kind = match header.entry_type() {
            tar::EntryType::Directory => "directory",
            tar::EntryType::Symlink => "symlink",
            tar::EntryType::Link => "link",
            tar::EntryType::Regular | tar::EntryType::Continuous => "file",
            _ => "other",
        };
        let mode = header.mode().map(|mode| format!("{mode:04o}")).unwrap_or_default();
        let mut told = Map::new();
        told.insert("type".to_owned(), kind.into());
        told.insert("mode".to_owned(), mode.into());
        let link = entry.link_name().ok().flatten().map(|link| link.to_string_lossy().into_owned());
        if let Some(link) = link {
            told.insert("link".to_owned(), link.into());
        }
        if kind == "file" {
            let mut content = Vec::new();
            entry.read_to_end(&mut content).ok()?;
            told.insert("size".to_owned(), content.len().into());
            match String::from_utf8(content) {
                Ok(text) if text.len() <= 4096 => told.insert("text".to_owned(), text.into()),
                Ok(text) => {
                    told.insert("sha256".to_owned(), crate::normalise::sha256(text.as_bytes()).into())
                }
                Err(error) => {
                    told.insert("sha256".to_owned(), crate::normalise::sha256(error.as_bytes()).into())
                }
            };
        }
        put(&mut map, &path, Value::Object(told));
    }
    Some(json!({ "tar": map }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_mounts_whatever_tells_them() {
        let proc = "objfs /system/object objfs rw,relatime 0 0\n";
        let mount = "objfs on /system/object type objfs (rw,relatime)\n";
        assert_eq!(view(View::Mounts, proc), view(View::Mounts, mount));
        let df = "Filesystem 1K-blocks Used Available Use% Mounted on\noverlay 100 50 0 50% /\n";
        let told = view(View::Mounts, df).unwrap();
        assert_eq!(told["mounts"]["/"]["size"], "<size>");
        assert_eq!(told["mounts"]["/"]["available"], "0");
        assert_eq!(view(View::Mounts, "hello\n"), None);
    }

    #[test]
    fn processes_go_by_their_command_and_pid_0_stays() {
        let ps =
            "PID   USER     TIME  COMMAND\n    0 root      0:00 zsched\n    7 root      0:00 sleep 600\n";
        let told = view(View::Processes, ps).unwrap();
        assert_eq!(told["processes"]["zsched"]["PID"], "0");
        assert_eq!(told["processes"]["sleep 600"]["PID"], "<pid>");
        let top = r#"{"Titles":["UID","PID","CMD"],"Processes":[["root","12","sleep 600"],["root","13","sleep 600"]]}"#;
        let told = view(View::Processes, top).unwrap();
        assert_eq!(told["processes"]["sleep 600#2"]["UID"], "root");
        assert_eq!(view(View::Processes, "no table"), None);
    }

    #[test]
    fn files_and_archives_go_by_name() {
        let ls = "total 4\n-rw-r--r--    1 root     root          12 Nov 24 08:27 log\nlrwxrwxrwx 1 root root 7 Nov 24 08:27 sh -> busybox\n";
        let told = view(View::Files, ls).unwrap();
        assert_eq!(told["files"]["log"]["size"], "<size>");
        assert_eq!(told["files"]["sh"]["link"], "busybox");
        let mut builder = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(2);
        header.set_mode(0o640);
        builder.append_data(&mut header, "a.txt", &b"hi"[..]).unwrap();
        let told = tar(&builder.into_inner().unwrap()).unwrap();
        assert_eq!(told["tar"]["a.txt"], json!({"type": "file", "mode": "0640", "size": 2, "text": "hi"}));
    }
}
