//! The frames of a raw stream as sdc-docker writes them: taken apart, recoded, joined again
//! (sdc-docker `lib/backends/sdc/containers.js:3793-3857`).

use super::call::Call;

const HEADER: usize = 8;

/// What becomes of each frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Coding {
    /// The length counts UTF-16 units and the payload is cut to so many bytes
    /// (catalogue: stream-frame-length-in-characters).
    pub cut: bool,
    /// The payload was text on its way: what is no UTF-8 is replaced
    /// (catalogue: stream-not-binary-safe).
    pub lossy: bool,
    /// No header at all, as for a terminal (catalogue: exec-tty-needs-stdin).
    pub bare: bool,
}

impl Coding {
    /// The coding of streams with frames, as far as its behaviours are on.
    pub fn of(call: &Call) -> Coding {
        Coding {
            cut: call.on("stream-frame-length-in-characters"),
            lossy: call.on("stream-not-binary-safe"),
            bare: false,
        }
    }
}

/// Frames on their way, whole ones at a time.
#[derive(Debug)]
pub struct Pump {
    pending: Vec<u8>,
    coding: Coding,
}

impl Pump {
    /// A pump that has seen nothing.
    pub fn new(coding: Coding) -> Pump {
        Pump { pending: Vec::new(), coding }
    }

    /// Takes bytes as they come and gives what can be passed on.
    pub fn take(&mut self, bytes: &[u8]) -> Vec<u8> {
        if self.coding == Coding::default() {
            return bytes.to_vec();
        }
        self.pending.extend_from_slice(bytes);
        let mut out = Vec::new();
        while let Some((stream, length)) = header(&self.pending) {
            if self.pending.len() < HEADER + length {
                break;
            }
            let payload: Vec<u8> = self.pending.drain(..HEADER + length).skip(HEADER).collect();
            frame(stream, &payload, self.coding, &mut out);
        }
        out
    }

    /// What never became a whole frame.
    pub fn rest(self) -> Vec<u8> {
        self.pending
    }
}

/// Stream and length of a frame that begins here.
pub fn header(bytes: &[u8]) -> Option<(u8, usize)> {
    match *bytes {
        [stream @ 0..=2, 0, 0, 0, a, b, c, d, ..] => {
            Some((stream, usize::try_from(u32::from_be_bytes([a, b, c, d])).ok()?))
        }
        _ => None,
    }
}

/// Standard output and error of a multiplexed stream; bytes without frames are output.
pub fn apart(mut bytes: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    while let Some((stream, length)) = header(bytes) {
        let Some(payload) = bytes.get(HEADER..HEADER + length) else { break };
        if stream == 2 { &mut stderr } else { &mut stdout }.extend_from_slice(payload);
        bytes = &bytes[HEADER + length..];
    }
    stdout.extend_from_slice(bytes);
    (stdout, stderr)
}

/// Writes a frame.
pub fn frame(stream: u8, payload: &[u8], coding: Coding, out: &mut Vec<u8>) {
    let text = String::from_utf8_lossy(payload);
    let payload = if coding.lossy { text.as_bytes() } else { payload };
    if coding.bare {
        out.extend_from_slice(payload);
        return;
    }
    let length = match coding.cut {
        true => text.encode_utf16().count().min(payload.len()),
        false => payload.len(),
    };
    out.extend_from_slice(&[stream, 0, 0, 0]);
    out.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
    out.extend_from_slice(&payload[..length]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(payload: &[u8], coding: Coding) -> Vec<u8> {
        let mut out = Vec::new();
        frame(1, payload, coding, &mut out);
        out
    }

    #[test]
    fn the_length_counts_characters_and_the_payload_is_cut() {
        let cut = Coding { cut: true, ..Coding::default() };
        let out = written("h\u{e9}llo\n".as_bytes(), cut);
        assert_eq!(out, [&[1, 0, 0, 0, 0, 0, 0, 6][..], "h\u{e9}llo".as_bytes()].concat());
        let mut pump = Pump::new(cut);
        assert!(pump.take(&[1, 0, 0, 0, 0, 0, 0, 2, b'a']).is_empty());
        assert_eq!(pump.take(b"b"), [1, 0, 0, 0, 0, 0, 0, 2, b'a', b'b']);
    }

    #[test]
    fn what_is_no_text_is_replaced() {
        let lossy = Coding { lossy: true, ..Coding::default() };
        assert_eq!(
            written(b"\xff\n", lossy),
            [&[1, 0, 0, 0, 0, 0, 0, 4][..], "\u{fffd}\n".as_bytes()].concat()
        );
        let both = Coding { cut: true, ..lossy };
        assert_eq!(written(b"\xff\n", both), [1, 0, 0, 0, 0, 0, 0, 2, 0xef, 0xbf]);
        assert_eq!(written(b"x", Coding { bare: true, ..both }), b"x");
    }
}
