//! Mutations of texts and bytes: what a slip, a cut and a spiteful mind do to a file.

use proptest::prelude::*;
use proptest::sample::Index;

/// One change of a text.
#[derive(Clone, Debug)]
pub enum Change {
    Remove(Index, Index),
    Repeat(Index, Index),
    Insert(Index, Vec<u8>),
    Replace(Index, u8),
    Cut(Index),
    /// Puts a part of it elsewhere.
    Move(Index, Index, Index),
}

/// What files of the formats are made of, and what is odd in them.
const WORDS: &[&str] = &[
    "\n",
    "\"",
    "'''",
    "\"\"\"",
    "\\",
    "[[steps]]\n",
    "[[observations]]\n",
    "[",
    "]",
    "{",
    "}",
    "=",
    ",",
    ".",
    "#",
    "${",
    "${name:x}",
    "${image:busybox}",
    "${cid}",
    "}",
    "id = \"x\"\n",
    "request = \"GET /info\"\n",
    "raw = \"X\"\n",
    "background = true\n",
    "join = \"x\"\n",
    "until = { at = \"/\", is = 1, seconds = 1 }\n",
    "at = \"*/*\"\n",
    "{ absent = true }",
    "{ matches = \"(\" }",
    "{ ratio = \">=0\" }",
    "{ json = '''[''' }",
    "when = { release = \"<\" }\n",
    "1e999",
    "-1",
    "18446744073709551616",
    "9999-99-99",
    "nan",
    "\u{0}",
    "\u{202e}",
    "\u{feff}",
    "é",
    "𝕏",
    "---\n",
    "info:\n",
    "  hash: \"\"\n",
    "/../..",
    "%00",
    "HTTP/1.1",
    "\r\n",
    "\r",
    "Content-Length: 5\r\n",
    "Transfer-Encoding: chunked\r\n",
    "Expect: 100-continue\r\n",
    "Upgrade: tcp\r\nConnection: Upgrade\r\n",
    "0\r\n\r\n",
];

pub fn changes() -> impl Strategy<Value = Vec<Change>> {
    let at = any::<Index>;
    let word = prop_oneof![
        8 => prop::sample::select(WORDS).prop_map(|word| word.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..8),
        1 => prop::sample::select(WORDS).prop_map(|word| word.repeat(300).into_bytes()),
    ];
    let change = prop_oneof![
        3 => (at(), at()).prop_map(|(from, length)| Change::Remove(from, length)),
        2 => (at(), at()).prop_map(|(from, length)| Change::Repeat(from, length)),
        6 => (at(), word).prop_map(|(at, word)| Change::Insert(at, word)),
        2 => (at(), any::<u8>()).prop_map(|(at, byte)| Change::Replace(at, byte)),
        1 => at().prop_map(Change::Cut),
        2 => (at(), at(), at()).prop_map(|(from, length, to)| Change::Move(from, length, to)),
    ];
    prop::collection::vec(change, 1..6)
}

/// The bytes with all changes made, one after the other.
pub fn changed(bytes: &[u8], changes: &[Change]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for change in changes {
        let length = bytes.len() + 1;
        // Short parts mostly: a file without its first half says little.
        let part = |from: &Index, size: &Index| {
            let from = from.index(length);
            from..(from + size.index(40)).min(length - 1)
        };
        match change {
            Change::Remove(from, size) => drop(bytes.drain(part(from, size))),
            Change::Repeat(from, size) => {
                let part = part(from, size);
                let again = bytes[part.clone()].to_vec();
                bytes.splice(part.start..part.start, again);
            }
            Change::Insert(at, word) => {
                let at = at.index(length);
                bytes.splice(at..at, word.iter().copied());
            }
            Change::Replace(at, byte) => {
                let at = at.index(length);
                if let Some(old) = bytes.get_mut(at) {
                    *old = *byte;
                }
            }
            Change::Cut(at) => bytes.truncate(at.index(length)),
            Change::Move(from, size, to) => {
                let moved: Vec<u8> = bytes.drain(part(from, size)).collect();
                let to = to.index(bytes.len() + 1);
                bytes.splice(to..to, moved);
            }
        }
    }
    bytes
}
