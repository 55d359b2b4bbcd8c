//! Text and archives as structure: processes, mounts, files, lines, JSON, tar. Pure.

use std::io::Read as _;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Map, Value, json};

use crate::normalise::{Entries, parse_json, with_hash};
use crate::scenario::View;

/// A text through a view; none when it has not that form.
pub fn view(view: View, text: &str) -> Option<Value> {
    match view {
        View::Processes => processes(text),
        View::Mounts => mounts(text),
        View::Files => Some(files(text)),
        View::Lines => Some(lines(text)),
        View::Json => crate::normalise::documents(text),
        View::Tar => tar(text.as_bytes()),
    }
}

/// A list of lines as they are, a carriage return included; `tail` tells of a last line without end.
fn lines(text: &str) -> Value {
    match text.strip_suffix('\n') {
        Some(whole) => json!({ "lines": whole.split('\n').collect::<Vec<_>>() }),
        None if text.is_empty() => json!({ "lines": [] }),
        None => json!({ "lines": text.split('\n').collect::<Vec<_>>(), "tail": "" }),
    }
}

/// The answer of top, or the output of `ps`: rows by their command, which is the last column.
fn processes(text: &str) -> Option<Value> {
    let (titles, rows, tail) = match parse_json(text) {
        Some((top, tail)) => top_rows(&top).map(|(titles, rows)| (titles, rows, Some(tail)))?,
        None => {
            let mut lines = text.lines();
            let titles: Vec<String> = lines.next()?.split_whitespace().map(str::to_owned).collect();
            let row = |line: &str| columns(line, titles.len()).into_iter().map(Value::from).collect();
            let rows: Vec<Vec<Value>> = lines.map(row).collect();
            (titles, rows, None)
        }
    };
    if !titles.iter().any(|title| title == "PID") {
        return None;
    }
    let mut map = Entries::new(with_hash);
    for row in rows {
        let mut cells = Entries::new(with_hash);
        for (at, cell) in row.iter().enumerate() {
            let title = titles.get(at).cloned().unwrap_or_else(|| format!("column {}", at + 1));
            let cell = process_cell(&title, cell);
            cells.put(title, cell);
        }
        let command = row.last().map(|cell| cell.as_str().map_or_else(|| cell.to_string(), str::to_owned));
        map.put(command.unwrap_or_default(), cells.finish());
    }
    let mut told = json!({ "titles": titles, "processes": map.finish() });
    // What follows the document is part of the answer.
    if let (Some(tail), Value::Object(told)) = (tail, &mut told) {
        told.insert("tail".to_owned(), tail.into());
    }
    Some(told)
}

/// Titles and rows of an answer of top that has these two and nothing else.
fn top_rows(top: &Value) -> Option<(Vec<String>, Vec<Vec<Value>>)> {
    let top = top.as_object().filter(|top| top.len() == 2)?;
    let titles = top.get("Titles")?.as_array()?.iter().map(|title| title.as_str().map(str::to_owned));
    let rows = top.get("Processes")?.as_array()?.iter().map(|row| row.as_array().cloned());
    Some((titles.collect::<Option<_>>()?, rows.collect::<Option<_>>()?))
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

/// Numbers and times of processes vary; that a PID is 0, and the form of a time, do not.
fn process_cell(title: &str, cell: &Value) -> Value {
    const SHAPES: &[(&[&str], &str, &str)] = &[
        (&["PID", "PPID"], r"[1-9]\d*", "<pid>"),
        (&["C", "%CPU", "%MEM", "VSZ", "RSS", "SZ"], r"\d+([.,]\d+)?[kmg]?", "<number>"),
        // procps writes 08:27, Nov24 or a year.
        (&["STIME", "START"], r"\d\d:\d\d(:\d\d)?|[A-Z][a-z]{2} ?\d\d?|\d{4}", "<time>"),
        (&["STIME", "START"], r"\d{9,10}(,\d+)?", "<unix-time>"),
        (&["TIME"], r"(\d+-)?\d+:\d\d(:\d\d)?", "<duration>"),
        (&["TIME"], r"[1-9]\d*|\d+,\d+", "<number>"),
    ];
    static COMPILED: LazyLock<Vec<Option<Regex>>> = LazyLock::new(|| {
        SHAPES.iter().map(|(_, shape, _)| Regex::new(&format!("^(?:{shape})$")).ok()).collect()
    });
    let Some(text) = cell.as_str() else { return cell.clone() };
    let fits = SHAPES.iter().zip(COMPILED.iter()).find(|((titles, _, _), shape)| {
        titles.contains(&title) && shape.as_ref().is_some_and(|shape| shape.is_match(text))
    });
    fits.map_or_else(|| cell.clone(), |((_, _, token), _)| (*token).into())
}

/// Output of `mount` and `df`, or the text of `/proc/mounts`: entries by destination.
fn mounts(text: &str) -> Option<Value> {
    let mut map = Entries::new(with_hash);
    let is_df = text.starts_with("Filesystem");
    let mut wrapped: Vec<&str> = Vec::new();
    for line in text.lines().skip(usize::from(is_df)) {
        let mut words = std::mem::take(&mut wrapped);
        words.extend(line.split_whitespace());
        // A long device has a line of its own in busybox's df.
        if is_df && words.len() == 1 {
            wrapped = words;
            continue;
        }
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
        map.put(destination.to_owned(), entry);
    }
    let map = map.finish();
    let is_empty = map.as_object().is_none_or(Map::is_empty);
    (!is_empty && wrapped.is_empty()).then(|| json!({ "mounts": map }))
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
        Some((key @ ("size" | "nr_inodes"), value)) if is_of_the_host(value) => format!("{key}=<size>"),
        _ => option.to_owned(),
    };
    let mut options: Vec<String> = options.split(',').map(option).collect();
    options.sort();
    options
}

/// Sizes that somebody asked for are round; those that follow from the memory of a host are not.
fn is_of_the_host(size: &str) -> bool {
    let kilobytes = size.strip_suffix('k').unwrap_or(size).parse::<u64>();
    kilobytes.is_ok_and(|kilobytes| kilobytes % 64 != 0)
}

/// Output of `ls` or `ls -l`: entries by name. Dates are left to `stat`.
fn files(text: &str) -> Value {
    static LONG: LazyLock<Option<Regex>> = LazyLock::new(|| {
        let date = r"(?:[A-Z][a-z]{2} +\d+ +[\d:]+|\d{4}-\d\d-\d\d \d\d:\d\d\S*(?: [+-]\d{4})?)";
        Regex::new(&format!(r"^(\S{{10,}}) +\d+ +(\S+) +(\S+) +(\d+|\d+, +\d+) +{date} (.+)$")).ok()
    });
    let mut map = Entries::new(with_hash);
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with("total ")) {
        let Some(found) = LONG.as_ref().and_then(|long| long.captures(line)) else {
            map.put(line.trim().to_owned(), json!({}));
            continue;
        };
        let part = |at: usize| found.get(at).map_or("", |part| part.as_str());
        let (mode, name) = (part(1), part(5));
        let mut entry = Map::new();
        entry.insert("mode".to_owned(), mode.into());
        entry.insert("user".to_owned(), part(2).into());
        entry.insert("group".to_owned(), part(3).into());
        // A device has two numbers in the place of its size.
        entry.insert("size".to_owned(), size_of(part(4)));
        let link = name.split_once(" -> ").filter(|_| mode.starts_with('l'));
        if let Some((_, target)) = link {
            entry.insert("link".to_owned(), target.into());
        }
        map.put(link.map_or(name, |(name, _)| name).to_owned(), Value::Object(entry));
    }
    json!({ "files": map.finish() })
}

/// A tar archive: entries by path, text as it is, other bytes as a hash. Times are left out.
pub fn tar(bytes: &[u8]) -> Option<Value> {
    let mut map = Entries::new(with_hash);
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
            // A sparse file can say that it holds more than there are disks in the world.
            (&mut entry).take(bytes.len() as u64 + 1).read_to_end(&mut content).ok()?;
            if content.len() > bytes.len() {
                return None;
            }
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
        map.put(path, Value::Object(told));
    }
    Some(json!({ "tar": map.finish() }))
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
        let long = "Filesystem 1K-blocks Used Available Use% Mounted on\n/dev/disk/by-id/a-long-one\n 100 50 0 50% /data\n";
        assert_eq!(view(View::Mounts, long).unwrap()["mounts"]["/data"]["used"], "<size>");
        let sized = "tmpfs /a tmpfs rw,size=65536k 0 0\ntmpfs /b tmpfs rw,size=12342043k 0 0\n";
        let told = view(View::Mounts, sized).unwrap();
        assert_eq!(told["mounts"]["/a"]["options"], json!(["rw", "size=65536k"]));
        assert_eq!(told["mounts"]["/b"]["options"], json!(["rw", "size=<size>"]));
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
        // A number for a text, a cell too many and a missing last newline are answers.
        let odd = r#"{"Titles":["UID","PID","CMD"],"Processes":[[0,"12","sleep","x"]]}"#;
        let told = view(View::Processes, odd).unwrap();
        assert_eq!(
            told["processes"]["x"],
            json!({"UID": 0, "PID": "<pid>", "CMD": "sleep", "column 4": "x"})
        );
        assert_eq!(told["tail"], "");
        let raw = r#"{"Titles":["PID","STIME","TIME","CMD"],"Processes":[["0","1795480903","0","zsched"]]}"#;
        let told = view(View::Processes, raw).unwrap();
        assert_eq!(
            told["processes"]["zsched"],
            json!({"PID": "0", "STIME": "<unix-time>", "TIME": "0", "CMD": "zsched"})
        );
        assert_eq!(view(View::Processes, r#"{"Titles":["PID"],"Processes":[],"More":1}"#), None);
    }

    #[test]
    fn lines_are_what_stands_between_newlines() {
        let told = |text| view(View::Lines, text).unwrap();
        assert_eq!(told("a\r\nb\n"), json!({"lines": ["a\r", "b"]}));
        assert_eq!(told("a\nb"), json!({"lines": ["a", "b"], "tail": ""}));
        assert_eq!((told(""), told("\n")), (json!({"lines": []}), json!({"lines": [""]})));
    }

    #[test]
    fn files_and_archives_go_by_name() {
        let ls = "total 4\n-rw-r--r--    1 root     root          12 Nov 24 08:27 log\nlrwxrwxrwx 1 root root 7 Nov 24 08:27 sh -> busybox\n";
        let told = view(View::Files, ls).unwrap();
        assert_eq!(told["files"]["log"]["size"], "<size>");
        assert_eq!(told["files"]["sh"]["link"], "busybox");
        let odd = "crw-rw-rw-    1 root     root        1,   3 Nov 24 08:27 null\n-rw-r--r-- 1 0 0 1 Jan  1  1970 a b\n";
        let told = view(View::Files, odd).unwrap();
        assert_eq!(told["files"]["null"]["size"], "1,   3");
        assert_eq!(told["files"]["a b"]["mode"], "-rw-r--r--");
        let mut builder = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(2);
        header.set_mode(0o640);
        builder.append_data(&mut header, "a.txt", &b"hi"[..]).unwrap();
        let told = tar(&builder.into_inner().unwrap()).unwrap();
        assert_eq!(told["tar"]["a.txt"], json!({"type": "file", "mode": "0640", "size": 2, "text": "hi"}));
    }
}
