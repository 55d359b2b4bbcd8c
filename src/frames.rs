//! Docker's multiplexed streams: frames of an 8 byte header and a payload.
//! Source: Docker API reference v1.21, "Attach to a container", stream details.

/// The payloads of a multiplexed stream, joined per stream: frame borders are not kept, since
/// they depend on when a process writes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frames {
    /// Streams 0 and 1.
    pub stdout: Vec<u8>,
    /// Stream 2.
    pub stderr: Vec<u8>,
    /// What follows the last whole frame: a cut or lying one.
    pub rest: Vec<u8>,
    /// How many whole frames there were.
    pub count: usize,
}

/// Takes a stream apart; none when it does not begin with a frame header.
pub fn demultiplex(bytes: &[u8]) -> Option<Frames> {
    let mut frames = Frames::default();
    let mut rest = bytes;
    if !bytes.is_empty() && stream_of(bytes).is_none() {
        return None;
    }
    while let Some((stream, length)) = stream_of(rest) {
        let Some(payload) = rest.get(8..8 + length) else { break };
        if stream == 2 { &mut frames.stderr } else { &mut frames.stdout }.extend_from_slice(payload);
        frames.count += 1;
        rest = &rest[8 + length..];
    }
    frames.rest = rest.to_vec();
    Some(frames)
}

/// Stream and length of the header at the start, if one stands there.
fn stream_of(bytes: &[u8]) -> Option<(u8, usize)> {
    match *bytes {
        [stream @ 0..=2, 0, 0, 0, a, b, c, d, ..] => {
            Some((stream, u32::from_be_bytes([a, b, c, d]) as usize))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn frame(stream: u8, payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        [&[stream, 0, 0, 0][..], &length, payload].concat()
    }

    #[test]
    fn streams_are_joined_and_a_lying_tail_is_kept() {
        let bytes =
            [frame(1, b"a"), frame(2, b"e"), frame(1, b"b"), vec![1, 0, 0, 0, 0, 0, 0, 9, b'x']].concat();
        let frames = demultiplex(&bytes).unwrap();
        assert_eq!(
            (frames.stdout.as_slice(), frames.stderr.as_slice(), frames.count),
            (&b"ab"[..], &b"e"[..], 3)
        );
        assert_eq!(frames.rest, [1, 0, 0, 0, 0, 0, 0, 9, b'x']);
        assert_eq!(demultiplex(b"plain text"), None);
        assert_eq!(demultiplex(b""), Some(Frames::default()));
    }

    proptest! {
        #[test]
        fn no_byte_is_lost(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            if let Some(frames) = demultiplex(&bytes) {
                let all = frames.stdout.len() + frames.stderr.len() + frames.rest.len() + 8 * frames.count;
                prop_assert_eq!(all, bytes.len());
            }
        }
    }
}
