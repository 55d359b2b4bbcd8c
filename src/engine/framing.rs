//! How the end of a body is known, and taking the framing off while bytes arrive. Reads nothing itself.

use bytes::{Buf, BytesMut};

/// How a body ends.
#[derive(Debug, PartialEq, Eq)]
pub enum Framing {
    /// There is none.
    Nothing,
    /// After so many more bytes.
    Length(u64),
    /// With the last chunk.
    Chunked(Chunk),
    /// When the engine closes.
    UntilClose,
}

/// Where in a chunked body the next byte stands.
#[derive(Debug, PartialEq, Eq)]
pub enum Chunk {
    /// In the line with its size.
    Size,
    /// In its data, of which so much is left.
    Data(u64),
    /// In the line end behind its data.
    DataEnd,
    /// In the trailers, of which so many bytes have passed.
    Trailer(usize),
}

/// Framing that is no HTTP.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("bad framing of a body")]
pub struct BadFraming;

/// No honest line of chunk size or trailer is longer.
const LONGEST_LINE: usize = 8 * 1024;
/// Nor are all trailers together.
const MOST_TRAILERS: usize = 64 * 1024;

impl Framing {
    /// What the head of an answer says (RFC 9112, section 6.3).
    pub fn of(method: &str, status: u16, headers: &[(String, String)]) -> Result<Framing, BadFraming> {
        let values = |name: &'static str| {
            let same = move |(its_name, _): &&(String, String)| its_name.eq_ignore_ascii_case(name);
            let values = headers.iter().filter(same).flat_map(|(_, value)| value.split(','));
            values.map(str::trim)
        };
        if status == 101 {
            return Ok(Framing::UntilClose);
        }
        if method == "HEAD" || status == 204 || status == 304 {
            return Ok(Framing::Nothing);
        }
        if let Some(coding) = values("transfer-encoding").next_back() {
            let chunked = coding.eq_ignore_ascii_case("chunked");
            return Ok(if chunked { Framing::Chunked(Chunk::Size) } else { Framing::UntilClose });
        }
        let mut lengths =
            values("content-length").map(|length| match length.bytes().all(|b| b.is_ascii_digit()) {
                true => length.parse::<u64>().map_err(|_| BadFraming),
                false => Err(BadFraming),
            });
        let Some(first) = lengths.next().transpose()? else { return Ok(Framing::UntilClose) };
        match lengths.all(|length| length == Ok(first)) {
            true => Ok(Framing::Length(first)),
            false => Err(BadFraming),
        }
    }

    /// What the head of a request says: without length and chunks there is no body.
    pub fn of_request(headers: &[(String, String)]) -> Result<Framing, BadFraming> {
        match Framing::of("POST", 200, headers)? {
            Framing::UntilClose => {
                let coded = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("transfer-encoding"));
                if coded { Err(BadFraming) } else { Ok(Framing::Nothing) }
            }
            framing => Ok(framing),
        }
    }

    /// Moves what is body from `input` to `body`. True when the body is whole.
    pub fn decode(&mut self, input: &mut BytesMut, body: &mut Vec<u8>) -> Result<bool, BadFraming> {
        match self {
            Framing::Nothing => Ok(true),
            Framing::UntilClose => {
                body.extend_from_slice(&input.split());
                Ok(false)
            }
            Framing::Length(left) => {
                take(left, input, body);
                Ok(*left == 0)
            }
            Framing::Chunked(chunk) => decode_chunks(chunk, input, body),
        }
    }

    /// Whether a close is a proper end here.
    pub fn ends_with_close(&self) -> bool {
        *self == Framing::UntilClose
    }
}

fn take(left: &mut u64, input: &mut BytesMut, body: &mut Vec<u8>) {
    let length = usize::try_from(*left).unwrap_or(usize::MAX).min(input.len());
    body.extend_from_slice(&input.split_to(length));
    *left -= length as u64;
}

fn decode_chunks(chunk: &mut Chunk, input: &mut BytesMut, body: &mut Vec<u8>) -> Result<bool, BadFraming> {
    loop {
        match chunk {
            Chunk::Size => match httparse::parse_chunk_size(input).map_err(|_| BadFraming)? {
                httparse::Status::Complete((length, size)) => {
                    input.advance(length);
                    *chunk = if size == 0 { Chunk::Trailer(0) } else { Chunk::Data(size) };
                }
                httparse::Status::Partial => return not_yet(input),
            },
            Chunk::Data(left) => {
                take(left, input, body);
                if *left > 0 {
                    return Ok(false);
                }
                *chunk = Chunk::DataEnd;
            }
            Chunk::DataEnd => match input.first_chunk::<2>() {
                Some(b"\r\n") => {
                    input.advance(2);
                    *chunk = Chunk::Size;
                }
                Some(_) => return Err(BadFraming),
                None => return Ok(false),
            },
            Chunk::Trailer(passed) => {
                let Some(end) = input.iter().position(|byte| *byte == b'\n') else { return not_yet(input) };
                let line = input.split_to(end + 1);
                *passed += line.len();
                if *passed > MOST_TRAILERS {
                    return Err(BadFraming);
                }
                if line.trim_ascii().is_empty() {
                    return Ok(true);
                }
            }
        }
    }
}

fn not_yet(input: &BytesMut) -> Result<bool, BadFraming> {
    if input.len() > LONGEST_LINE { Err(BadFraming) } else { Ok(false) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn headers(text: &str) -> Vec<(String, String)> {
        let pairs = text.lines().filter_map(|line| line.split_once(": "));
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    #[test]
    fn the_head_says_how_the_body_ends() {
        let chunked = Framing::Chunked(Chunk::Size);
        let table = [
            ("GET", 200, "Content-Length: 5", Ok(Framing::Length(5))),
            ("GET", 200, "Content-Length: 5, 5", Ok(Framing::Length(5))),
            ("GET", 200, "Content-Length: 5\nContent-Length: 6", Err(BadFraming)),
            ("GET", 200, "Content-Length: +5", Err(BadFraming)),
            ("GET", 200, "content-length: 5\nTransfer-Encoding: Chunked", Ok(chunked)),
            ("GET", 200, "", Ok(Framing::UntilClose)),
            ("POST", 101, "Content-Length: 5", Ok(Framing::UntilClose)),
            ("HEAD", 200, "Content-Length: 5", Ok(Framing::Nothing)),
            ("GET", 204, "", Ok(Framing::Nothing)),
        ];
        for (method, status, text, expected) in table {
            assert_eq!(Framing::of(method, status, &headers(text)), expected, "{method} {status} {text}");
        }
    }

    #[test]
    fn a_request_without_length_has_no_body() {
        let table = [
            ("", Ok(Framing::Nothing)),
            ("Content-Length: 5", Ok(Framing::Length(5))),
            ("Transfer-Encoding: chunked", Ok(Framing::Chunked(Chunk::Size))),
            ("Transfer-Encoding: gzip", Err(BadFraming)),
            ("Content-Length: 5\nContent-Length: 6", Err(BadFraming)),
        ];
        for (text, expected) in table {
            assert_eq!(Framing::of_request(&headers(text)), expected, "{text}");
        }
    }

    fn decode_in_pieces(
        mut framing: Framing,
        bytes: &[u8],
        size: usize,
    ) -> Result<(bool, Vec<u8>), BadFraming> {
        let (mut input, mut body, mut whole) = (BytesMut::new(), Vec::new(), false);
        for piece in bytes.chunks(size) {
            input.extend_from_slice(piece);
            whole = framing.decode(&mut input, &mut body)?;
        }
        Ok((whole, body))
    }

    #[test]
    fn chunks_are_taken_off_however_they_arrive() {
        type Expected = Result<(bool, &'static str), BadFraming>;
        let table: [(&str, Expected); 6] = [
            ("3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n", Ok((true, "abcde"))),
            ("3\r\nabc\r\n0\r\nTrailer: x\r\n\r\n", Ok((true, "abc"))),
            ("3\r\nabc\r\n0\r\n", Ok((false, "abc"))),
            ("5\r\nabc", Ok((false, "abc"))),
            ("zz\r\nabc", Err(BadFraming)),
            ("3\r\nabcdef", Err(BadFraming)),
        ];
        for (text, expected) in table {
            for size in 1..=text.len() {
                let found = decode_in_pieces(Framing::Chunked(Chunk::Size), text.as_bytes(), size);
                let expected = expected.as_ref().map(|(whole, body)| (*whole, body.as_bytes().to_vec()));
                assert_eq!(found.as_ref(), expected.as_ref().map_err(|error| *error), "{text:?} by {size}");
            }
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_safe(bytes in proptest::collection::vec(any::<u8>(), 1..200), size in 1usize..20) {
            if let Ok((_, body)) = decode_in_pieces(Framing::Chunked(Chunk::Size), &bytes, size) {
                prop_assert!(body.len() <= bytes.len());
            }
        }
    }
}
