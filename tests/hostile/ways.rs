//! The ways to misbehave, and how each shows.

use std::io::Write as _;

use super::engine::{Act, Way};

const OK: &str = "HTTP/1.1 200 OK\r\n";
const CHUNKED: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
const RAW: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\n";
const UPGRADED: &str = "HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n";

fn send(bytes: impl AsRef<[u8]>) -> Act {
    Act::Send(bytes.as_ref().to_vec())
}

/// A 200 with these headers (each with its line end) and this body.
fn ok(headers: &str, body: impl AsRef<[u8]>) -> Act {
    send([OK.as_bytes(), headers.as_bytes(), b"\r\n", body.as_ref()].concat())
}

fn json(body: impl AsRef<[u8]>) -> Act {
    let length = body.as_ref().len();
    ok(&format!("Content-Type: application/json\r\nContent-Length: {length}\r\n"), body)
}

fn tar(body: impl AsRef<[u8]>) -> Act {
    let length = body.as_ref().len();
    ok(&format!("Content-Type: application/x-tar\r\nContent-Length: {length}\r\n"), body)
}

fn way(name: &'static str, acts: Vec<Act>, seen: [&'static str; 3]) -> Way {
    Way { name, acts, seen }
}

/// All of them but those that need a listener of their own. `elsewhere` is where redirects lead.
pub fn all(elsewhere: &str) -> Vec<Way> {
    let mut ways = silence();
    ways.extend(lengths());
    ways.extend(chunks());
    ways.extend(broken_off());
    ways.extend(upgrades_and_frames());
    ways.extend(heads(elsewhere));
    ways.extend(bodies());
    ways
}

const ALL_CLOSED: [&str; 3] = ["closed"; 3];
const ALL_RESET: [&str; 3] = ["reset"; 3];
const ALL_TIMEOUT: [&str; 3] = ["timeout"; 3];
const ALL_MALFORMED: [&str; 3] = ["malformed"; 3];
const BAD_BODY: [&str; 3] = ["200 malformed"; 3];
/// A machine that is slow enough lets more pass than any answer has.
const ENDLESS: [&str; 3] =
    ["200 timeout|200 malformed", "200 timeout|200 malformed", "200 end deadline|200 malformed"];
/// What is large may take longer than the deadline on a slow machine.
const LARGE: [&str; 3] = ["200|200 timeout", "200|200 timeout", "200 end closed|200 end deadline"];
const CLOSED_200: [&str; 3] = ["200 closed"; 3];
/// The library ends there, since nobody asked for another protocol.
const UPGRADE_UNASKED: [&str; 3] = ["101", "101 timeout", "101 end deadline"];
const FINE: [&str; 3] = ["200", "200", "200 end closed"];

fn silence() -> Vec<Way> {
    let dribbled = Act::Dribble(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n".to_vec());
    vec![
        way("no-answer", vec![Act::Hang], ALL_TIMEOUT),
        way("a-head-byte-by-byte", vec![dribbled], ALL_TIMEOUT),
        way(
            "a-body-byte-by-byte",
            vec![ok("Content-Length: 1000\r\n", ""), Act::Dribble(vec![b'x'; 1000])],
            ENDLESS,
        ),
        way(
            "a-head-without-end",
            vec![send("HTTP/1.1 200 OK\r\nA: "), Act::Flood(vec![b'x'; 65536])],
            ALL_MALFORMED,
        ),
        way(
            "a-header-of-10-mb",
            vec![send("HTTP/1.1 200 OK\r\nA: "), Act::Repeat(vec![b'x'; 1024], 10 * 1024), send("\r\n\r\n")],
            ALL_MALFORMED,
        ),
        way("headers-without-end", vec![send(OK), Act::Flood(b"A: b\r\n".repeat(1000))], ALL_MALFORMED),
        way(
            "interim-answers-without-end",
            vec![Act::Flood(b"HTTP/1.1 100 Continue\r\n\r\n".repeat(1000))],
            ALL_TIMEOUT,
        ),
        way("a-body-without-end", vec![ok("", ""), Act::Flood(vec![b'x'; 65536])], ENDLESS),
        way(
            "one-chunk-without-end",
            vec![send(CHUNKED), send("7fffffffffffffff\r\n"), Act::Flood(vec![b'x'; 65536])],
            ENDLESS,
        ),
        way("empty-lines-without-end", vec![Act::Flood(b"\r\n".repeat(32_768))], ["malformed|timeout"; 3]),
    ]
}

fn lengths() -> Vec<Way> {
    vec![
        way("length-too-short", vec![ok("Content-Length: 3\r\n", "abcdefghij")], FINE),
        way("length-too-long", vec![ok("Content-Length: 30\r\n", "abc")], CLOSED_200),
        way("length-too-long-and-silence", vec![ok("Content-Length: 30\r\n", "abc"), Act::Hang], ENDLESS),
        way("length-negative", vec![ok("Content-Length: -5\r\n", "abcde")], ALL_MALFORMED),
        way(
            "length-twice-and-different",
            vec![ok("Content-Length: 5\r\nContent-Length: 6\r\n", "abcdef")],
            ALL_MALFORMED,
        ),
        way("length-twice-the-same", vec![ok("Content-Length: 5\r\nContent-Length: 5\r\n", "abcde")], FINE),
        way("length-of-words", vec![ok("Content-Length: five\r\n", "abcde")], ALL_MALFORMED),
        way("length-with-a-sign", vec![ok("Content-Length: +5\r\n", "abcde")], ALL_MALFORMED),
        way("length-empty", vec![ok("Content-Length: \r\n", "abcde")], ALL_MALFORMED),
        way(
            "length-past-64-bits",
            vec![ok("Content-Length: 18446744073709551616\r\n", "abcde")],
            ALL_MALFORMED,
        ),
        way(
            "length-of-18-exabytes",
            vec![ok("Content-Length: 18446744073709551615\r\n", "abcde")],
            ["malformed", "200 closed", "200 closed"],
        ),
        way(
            "length-and-chunks",
            vec![ok("Content-Length: 99\r\nTransfer-Encoding: chunked\r\n", "3\r\nabc\r\n0\r\n\r\n")],
            FINE,
        ),
    ]
}

fn chunks() -> Vec<Way> {
    let chunked = |text: &str| vec![send(CHUNKED), send(text)];
    vec![
        way("chunk-size-of-words", chunked("five\r\nabcde"), BAD_BODY),
        way("chunk-size-negative", chunked("-5\r\nabcde"), BAD_BODY),
        way("chunk-size-past-64-bits", chunked("fffffffffffffffff\r\nabcde"), BAD_BODY),
        way("chunk-longer-than-it-says", chunked("3\r\nabcdef\r\n0\r\n\r\n"), BAD_BODY),
        way("chunk-cut", chunked("9\r\nabc"), CLOSED_200),
        way("chunks-without-last", chunked("3\r\nabc\r\n"), CLOSED_200),
        way(
            "chunk-extension-without-end",
            vec![send(CHUNKED), send("3;"), Act::Flood(vec![b'x'; 65536])],
            BAD_BODY,
        ),
        way(
            "chunk-trailers-without-end",
            vec![send(CHUNKED), send("0\r\n"), Act::Flood(b"A: b\r\n".repeat(1000))],
            BAD_BODY,
        ),
        way(
            "chunks-of-one-byte",
            vec![send(CHUNKED), Act::Repeat(b"1\r\nx\r\n".to_vec(), 20_000), send("0\r\n\r\n")],
            LARGE,
        ),
        way(
            "chunked-twice",
            vec![ok("Transfer-Encoding: chunked, chunked\r\n", "3\r\nabc\r\n0\r\n\r\n")],
            FINE,
        ),
        way("coding-unknown", vec![ok("Transfer-Encoding: rot13\r\n", "nop")], FINE),
    ]
}

fn broken_off() -> Vec<Way> {
    vec![
        way("closed-at-once", vec![], ALL_CLOSED),
        way("reset-at-once", vec![Act::Reset], ALL_RESET),
        way("reset-mid-request", vec![Act::Reset], ALL_RESET),
        way("closed-mid-head", vec![send("HTTP/1.1 200 OK\r\nCont")], ALL_CLOSED),
        way("reset-mid-head", vec![send("HTTP/1.1 200 OK\r\nCont"), Act::Reset], ALL_RESET),
        way(
            "half-closed-mid-body",
            vec![ok("Content-Length: 9\r\n", "abc"), Act::HalfClose, Act::Hang],
            CLOSED_200,
        ),
        way("half-closed-at-once", vec![Act::HalfClose, Act::Hang], ALL_CLOSED),
    ]
}

fn upgrades_and_frames() -> Vec<Way> {
    let framed = |bytes: &[u8]| vec![send(RAW), send(bytes)];
    vec![
        way("101-and-silence", vec![send(UPGRADED), Act::Hang], UPGRADE_UNASKED),
        way(
            "101-without-headers",
            vec![send("HTTP/1.1 101 Switching Protocols\r\n\r\nabc")],
            ["101", "101", "101 end closed"],
        ),
        way(
            "101-to-http2",
            vec![
                send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\nPRI *"),
                Act::Hang,
            ],
            UPGRADE_UNASKED,
        ),
        way(
            "101-with-a-length",
            vec![send(
                "HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 3\r\n\r\nabcdef",
            )],
            ["101", "101", "101 end closed"],
        ),
        way("101-without-end", vec![send(UPGRADED), Act::Flood(vec![0; 65536])], UPGRADE_UNASKED),
        way("frame-of-4-gb", framed(b"\x01\0\0\0\xff\xff\xff\xffabc"), FINE),
        way("frame-of-an-unknown-stream", framed(b"\x01\0\0\0\0\0\0\x01a\x07\0\0\0\0\0\0\x01b"), FINE),
        way("frame-with-half-a-header", framed(b"\x01\0\0\0\0\0\0\x01a\x01\0\0"), FINE),
        way("frame-of-no-utf-8", framed(b"\x01\0\0\0\0\0\0\x03\xff\xfe\xc0"), FINE),
        way(
            "frames-of-nothing",
            vec![send(RAW), Act::Repeat(b"\x01\0\0\0\0\0\0\0".to_vec(), 200_000)],
            LARGE,
        ),
        way("frames-of-control-characters", framed(b"\x01\0\0\0\0\0\0\x0a\x1b[2J\x1b]0;x\x07"), FINE),
    ]
}

fn heads(elsewhere: &str) -> Vec<Way> {
    let head = |text: &str| vec![send(text)];
    vec![
        way("no-http-at-all", head("SSH-2.0-OpenSSH_9.2\r\n\r\n"), ALL_MALFORMED),
        way("http-0.9", head("<html>hello</html>\n"), ALL_MALFORMED),
        way("http-2-preface", head("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), ALL_MALFORMED),
        way(
            "http-2-settings",
            vec![
                send(b"\0\0\x12\x04\0\0\0\0\0\0\x03\0\0\0\x80\0\x04\0\x01\0\0\0\x05\0\xff\xff\xff"),
                Act::Hang,
            ],
            ALL_MALFORMED,
        ),
        way("http-9.9", head("HTTP/9.9 200 OK\r\nContent-Length: 0\r\n\r\n"), ALL_MALFORMED),
        way("status-0", head("HTTP/1.1 0 Zero\r\nContent-Length: 0\r\n\r\n"), ALL_MALFORMED),
        way("status-099", head("HTTP/1.1 099 Low\r\nContent-Length: 0\r\n\r\n"), ALL_MALFORMED),
        way(
            "status-999",
            head("HTTP/1.1 999 High\r\nContent-Length: 0\r\n\r\n"),
            ["999", "999", "999 end closed"],
        ),
        way("status-1000", head("HTTP/1.1 1000 High\r\nContent-Length: 0\r\n\r\n"), ALL_MALFORMED),
        way("status-of-words", head("HTTP/1.1 two OK\r\nContent-Length: 0\r\n\r\n"), ALL_MALFORMED),
        way("status-of-no-utf-8", vec![send(b"HTTP/1.1 200 \xff\xfe\r\nContent-Length: 0\r\n\r\n")], FINE),
        way(
            "header-of-no-utf-8",
            vec![send(b"HTTP/1.1 200 OK\r\nX: \xff\xfe\r\nContent-Length: 0\r\n\r\n")],
            FINE,
        ),
        way(
            "header-with-nul",
            vec![send(b"HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n")],
            ALL_MALFORMED,
        ),
        way(
            "header-without-name",
            head("HTTP/1.1 200 OK\r\n: x\r\nContent-Length: 0\r\n\r\n"),
            ALL_MALFORMED,
        ),
        way(
            "header-without-colon",
            head("HTTP/1.1 200 OK\r\nnonsense\r\nContent-Length: 0\r\n\r\n"),
            ALL_MALFORMED,
        ),
        way(
            "header-with-a-blank-before-its-colon",
            head("HTTP/1.1 200 OK\r\nX : x\r\nContent-Length: 0\r\n\r\n"),
            ALL_MALFORMED,
        ),
        way(
            "header-folded",
            head("HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n"),
            ALL_MALFORMED,
        ),
        way(
            "headers-by-the-thousand",
            vec![send(OK), Act::Repeat(b"A: b\r\n".to_vec(), 5000), send("\r\n")],
            ALL_MALFORMED,
        ),
        way("lines-end-with-lf-only", head("HTTP/1.1 200 OK\nContent-Length: 3\n\nabc"), FINE),
        way(
            "bytes-after-the-answer",
            vec![
                ok("Content-Length: 3\r\n", "abcHTTP/1.1 500 Surprise\r\nContent-Length: 0\r\n\r\n"),
                Act::Hang,
            ],
            FINE,
        ),
        way(
            "204-with-a-body",
            head("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nabcde"),
            ["204", "204", "204 end closed"],
        ),
        way(
            "304-with-a-body",
            head("HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc"),
            ["304", "304", "304 end closed"],
        ),
        way(
            "redirect-elsewhere",
            head(&format!(
                "HTTP/1.1 302 Found\r\nLocation: http://{elsewhere}/secret\r\nContent-Length: 0\r\n\r\n"
            )),
            ["302", "302", "302 end closed"],
        ),
        way(
            "redirect-to-a-file",
            head(
                "HTTP/1.1 307 Temporary Redirect\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n",
            ),
            ["307", "307", "307 end closed"],
        ),
        way(
            "error-with-control-characters",
            head(
                "HTTP/1.1 500 Internal Server Error\r\nContent-Type: text/plain\r\nContent-Length: 22\r\n\r\n\x1b[2J\x1b]0;owned\x07<script>",
            ),
            ["500", "500", "500 end closed"],
        ),
    ]
}

/// 10 MB of zeros, packed.
fn bomb() -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    for _ in 0..160 {
        packer.write_all(&[0; 65536]).unwrap();
    }
    packer.finish().unwrap()
}

/// An archive with one entry whose header says this kind and this size, with no content.
fn lying_entry(kind: u8, size: u64) -> Vec<u8> {
    let mut header = tar::Header::new_gnu();
    header.set_path("a").unwrap();
    header.set_size(size);
    header.set_mode(0o644);
    header.set_entry_type(tar::EntryType::new(kind));
    header.set_cksum();
    header.as_bytes().to_vec()
}

/// A sparse file that says it is a terabyte of nothing.
fn sparse() -> Vec<u8> {
    let mut header = tar::Header::new_gnu();
    header.set_path("a").unwrap();
    header.set_size(0);
    header.set_mode(0o644);
    header.set_entry_type(tar::EntryType::GNUSparse);
    let gnu = header.as_gnu_mut().unwrap();
    gnu.set_real_size(1 << 40);
    gnu.sparse[0].set_offset(1 << 40);
    gnu.sparse[0].set_length(0);
    header.set_cksum();
    [header.as_bytes().as_slice(), &[0; 1024]].concat()
}

fn bodies() -> Vec<Way> {
    let nested = |open: &str, close: &str| format!("{}1{}", open.repeat(100_000), close.repeat(100_000));
    let duplicates = format!("{{{}\"a\":0}}", "\"a\":0,".repeat(20_000));
    let values = |times: usize| {
        vec![ok("Content-Type: application/json\r\n", "[0"), Act::Repeat(b",0".to_vec(), times), send("]")]
    };
    vec![
        way("body-of-no-utf-8", vec![ok("Content-Length: 3\r\n", b"\xff\xfe\xc0")], FINE),
        way("json-of-no-utf-8", vec![json(b"{\"a\":\"\xff\"}")], FINE),
        way("json-cut", vec![json("{\"a\":[1,2")], FINE),
        way("json-that-is-none", vec![json("nonsense")], FINE),
        way("json-lists-100000-deep", vec![json(nested("[", "]"))], FINE),
        way("json-objects-100000-deep", vec![json(nested("{\"a\":", "}"))], FINE),
        way("json-keys-twice", vec![json("{\"a\":1,\"a\":2}")], FINE),
        way("json-one-key-20000-times", vec![json(duplicates)], LARGE),
        way("json-number-past-floats", vec![json("{\"a\":1e999,\"b\":-1e999}")], FINE),
        way("json-number-of-400-digits", vec![json(format!("[1{}]", "0".repeat(400)))], FINE),
        way("json-number-of-1-mb", vec![json(format!("[{}]", "9".repeat(1_000_000)))], FINE),
        way("json-lone-surrogate", vec![json("{\"a\":\"\\ud800\"}")], FINE),
        way("json-nul", vec![json("{\"a\\u0000\":\"\\u0000\"}")], FINE),
        way("json-with-a-byte-order-mark", vec![json("\u{feff}{}")], FINE),
        way("json-number-in-disguise", vec![json("{\"$serde_json::private::Number\":\"1\"}")], FINE),
        way("json-raw-in-disguise", vec![json("{\"$serde_json::private::RawValue\":\"[1\"}")], FINE),
        way("json-of-2-million-values", values(2_100_000), LARGE),
        way(
            "json-messages-by-the-thousand",
            vec![ok("Content-Type: application/json\r\n", ""), Act::Repeat(b"{}\n".to_vec(), 50_000)],
            LARGE,
        ),
        way(
            "text-of-1-mb",
            vec![ok("Content-Type: text/plain\r\n", ""), Act::Repeat(b"line of text\n".to_vec(), 80_000)],
            LARGE,
        ),
        way(
            "gzip-bomb",
            vec![ok("Content-Type: application/json\r\nContent-Encoding: gzip\r\n", bomb())],
            FINE,
        ),
        way("gzip-that-is-none", vec![ok("Content-Encoding: gzip\r\nContent-Length: 5\r\n", "plain")], FINE),
        way("tar-that-is-none", vec![tar("nonsense")], FINE),
        way("tar-entry-of-8-exabytes", vec![tar(lying_entry(b'0', u64::MAX / 2))], FINE),
        way("tar-long-name-of-8-exabytes", vec![tar(lying_entry(b'L', u64::MAX / 2))], FINE),
        way("tar-sparse-terabyte", vec![tar(sparse())], FINE),
    ]
}
