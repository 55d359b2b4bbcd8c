//! Docker's raw-stream frames: taken apart, and counted while they arrive. Knows no connection.

/// The bytes of each stream of a multiplexed answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frames {
    /// Stream 0.
    pub stdin: Vec<u8>,
    /// Stream 1.
    pub stdout: Vec<u8>,
    /// Stream 2.
    pub stderr: Vec<u8>,
    /// What follows the last whole frame: a frame cut short, or bytes that are none.
    pub rest: Vec<u8>,
}

const HEADER: usize = 8;

/// Takes a raw stream apart. None when the bytes do not begin as a frame does, as with a
/// terminal; no bytes at all are no frames.
pub fn demultiplex(bytes: &[u8]) -> Option<Frames> {
    if !begins_like_a_frame(bytes) {
        return None;
    }
    let mut frames = Frames::default();
    let mut rest = bytes;
    while let Some((kind, payload, after)) = first_frame(rest) {
        match kind {
            0 => frames.stdin.extend_from_slice(payload),
            1 => frames.stdout.extend_from_slice(payload),
            _ => frames.stderr.extend_from_slice(payload),
        }
        rest = after;
    }
    frames.rest = rest.to_vec();
    Some(frames)
}

/// Whether the bytes begin with a whole frame.
pub fn begin_with_a_frame(bytes: &[u8]) -> bool {
    first_frame(bytes).is_some()
}

fn begins_like_a_frame(bytes: &[u8]) -> bool {
    let kind = bytes.first().is_none_or(|kind| *kind <= 2);
    kind && bytes.iter().skip(1).take(3).all(|byte| *byte == 0)
}

/// Kind, payload and what follows, if a whole frame stands at the start.
fn first_frame(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    if !begins_like_a_frame(bytes) {
        return None;
    }
    let header = bytes.first_chunk::<HEADER>()?;
    let length = u32::from_be_bytes([header[4], header[5], header[6], header[7]]);
    let end = HEADER.checked_add(usize::try_from(length).ok()?)?;
    let payload = bytes.get(HEADER..end)?;
    Some((header[0], payload, &bytes[end..]))
}

/// Counts whole frames, or whole lines where the bytes are none, in bytes that only grow.
#[derive(Debug, Default)]
pub struct Counter {
    seen: usize,
    at: usize,
    /// No line ends before.
    searched: usize,
}

impl Counter {
    /// The length of the first `wanted` frames or lines, once they are there.
    pub fn enough(&mut self, bytes: &[u8], wanted: usize) -> Option<usize> {
        let framed = begins_like_a_frame(bytes);
        while self.seen < wanted {
            let rest = bytes.get(self.at..)?;
            let (length, counts) = if framed {
                first_frame(rest).map(|(_, payload, _)| (HEADER + payload.len(), true))?
            } else {
                let from = self.searched.saturating_sub(self.at);
                self.searched = bytes.len();
                let line = from + rest[from..].iter().position(|byte| *byte == b'\n')?;
                self.searched = self.at + line + 1;
                (line + 1, !rest[..line].trim_ascii().is_empty())
            };
            self.at += length;
            self.seen += usize::from(counts);
        }
        Some(self.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn frame(kind: u8, payload: &[u8]) -> Vec<u8> {
        let mut bytes = vec![kind, 0, 0, 0];
        bytes.extend_from_slice(&u32::try_from(payload.len()).unwrap().to_be_bytes());
        bytes.extend_from_slice(payload);
        bytes
    }

    #[test]
    fn frames_are_told_from_other_bytes() {
        let lying = [frame(1, b"a"), vec![1, 0, 0, 0, 255, 255, 255, 255, b'x']].concat();
        type Expected<'a> = Option<(&'a [u8], &'a [u8], usize)>;
        let table: [(&[u8], Expected<'_>); 8] = [
            (b"", Some((b"", b"", 0))),
            (b"plain text", None),
            (b"{\"status\":1}\n", None),
            (&frame(1, b"out"), Some((b"out", b"", 0))),
            (&[frame(2, b"err"), frame(1, b"out"), frame(2, b"or")].concat(), Some((b"out", b"error", 0))),
            (&[frame(1, b"out"), b"text".to_vec()].concat(), Some((b"out", b"", 4))),
            (&lying, Some((b"a", b"", 9))),
            (&[1, 0, 0], Some((b"", b"", 3))),
        ];
        for (bytes, expected) in table {
            let found = demultiplex(bytes);
            let found = found.as_ref().map(|f| (f.stdout.as_slice(), f.stderr.as_slice(), f.rest.len()));
            assert_eq!(found, expected, "{bytes:?}");
        }
    }

    #[test]
    fn counting_stops_behind_the_last_wanted_one() {
        let framed = [frame(1, b"a"), frame(2, b""), frame(1, b"bc")].concat();
        assert_eq!(Counter::default().enough(&framed, 2), Some(17));
        assert_eq!(Counter::default().enough(&framed, 4), None);
        assert_eq!(Counter::default().enough(b"{}\n\n{}\n{}", 2), Some(7));
        assert_eq!(Counter::default().enough(b"{}\n{}", 2), None);
    }

    proptest! {
        #[test]
        fn what_is_framed_comes_back(
            parts in proptest::collection::vec((0u8..3, proptest::collection::vec(any::<u8>(), 0..20)), 0..8),
            cut in 0usize..200,
        ) {
            let bytes: Vec<u8> = parts.iter().flat_map(|(kind, payload)| frame(*kind, payload)).collect();
            let whole = demultiplex(&bytes).unwrap();
            let of = |wanted: u8| -> Vec<u8> {
                parts.iter().filter(|(kind, _)| *kind == wanted).flat_map(|(_, payload)| payload.clone()).collect()
            };
            prop_assert_eq!(&whole.stdin, &of(0));
            prop_assert_eq!(&whole.stdout, &of(1));
            prop_assert_eq!(&whole.stderr, &of(2));
            prop_assert!(whole.rest.is_empty());
            let short = demultiplex(&bytes[..cut.min(bytes.len())]).unwrap();
            prop_assert!(whole.stdout.starts_with(&short.stdout));
            let mut counter = Counter::default();
            let mut found = None;
            for end in 0..=bytes.len() {
                found = found.or(counter.enough(&bytes[..end], parts.len()));
            }
            prop_assert_eq!(found, Some(bytes.len()));
        }

        #[test]
        fn any_bytes_are_safe(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            if let Some(frames) = demultiplex(&bytes) {
                let kept = frames.stdin.len() + frames.stdout.len() + frames.stderr.len() + frames.rest.len();
                prop_assert!(kept <= bytes.len());
            }
        }
    }
}
