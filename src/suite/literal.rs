//! Where a piece of a string's value stands in the file: the way back from a value to the
//! literal that it was written as. Knows the four kinds of TOML strings and nothing else.

use std::ops::Range;

use super::reader::Span;

/// The bytes of the file for a piece of a value, or the whole literal where they cannot be told.
pub fn place(source: &str, literal: &Span, value: &str, piece: Range<usize>) -> Span {
    let whole = literal.clone()?;
    let found = || {
        let offsets = offsets(source.get(whole.clone())?).filter(|all| all.len() == value.len() + 1)?;
        let start = *offsets.get(piece.start)?;
        let end = (*offsets.get(piece.end)?).max(start + 1);
        Some(whole.start + start..(whole.start + end).min(whole.end))
    };
    Some(found().unwrap_or(whole.clone()))
}

/// For each byte of the value its offset in the literal, and the offset of the closing quotes.
fn offsets(literal: &str) -> Option<Vec<usize>> {
    let quotes = ["'''", "\"\"\"", "'", "\""].into_iter().find(|quotes| literal.starts_with(quotes))?;
    let (has_escapes, is_long) = (quotes.starts_with('"'), quotes.len() == 3);
    let mut at = quotes.len();
    let end = literal.len().checked_sub(quotes.len()).filter(|end| *end >= at)?;
    if is_long {
        // A line break right after the opening quotes is no part of the value.
        at +=
            ["\r\n", "\n"].iter().find(|line| literal[at..].starts_with(**line)).map_or(0, |line| line.len());
    }
    let mut offsets = Vec::new();
    while at < end {
        let rest = &literal[at..end];
        let letter = rest.chars().next()?;
        let (written, bytes) = match letter {
            '\\' if has_escapes => escape(rest)?,
            _ => {
                offsets.extend(at..at + letter.len_utf8());
                (letter.len_utf8(), 0)
            }
        };
        offsets.extend(std::iter::repeat_n(at, bytes));
        at += written;
    }
    offsets.push(end);
    Some(offsets)
}

/// How many bytes an escape takes in the literal, and how many its value has.
fn escape(rest: &str) -> Option<(usize, usize)> {
    let code = |digits: usize| {
        let letter = char::from_u32(u32::from_str_radix(rest.get(2..2 + digits)?, 16).ok()?)?;
        Some((2 + digits, letter.len_utf8()))
    };
    match rest.chars().nth(1)? {
        'x' => code(2),
        'u' => code(4),
        'U' => code(8),
        letter if letter.is_whitespace() => Some((rest.len() - rest[1..].trim_start().len(), 0)),
        _ => Some((2, 1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_of_a_value_is_found_in_every_kind_of_string() {
        let table = [
            (r#""a ${cid} b""#, "${cid}"),
            (r#"'a ${cid} b'"#, "${cid}"),
            ("'''\na ${cid}\nb'''", "${cid}"),
            ("'''\r\na ${cid}'''", "${cid}"),
            (r#""\"\t\u00e9\U0001F600 ${cid}""#, "${cid}"),
            ("\"\"\"\\\n   a ${cid}\"\"\"", "${cid}"),
            (r#""é ${cid}""#, "${cid}"),
            (r#"''"#, ""),
        ];
        for (literal, piece) in table {
            let source = format!("key = {literal}");
            let document = toml_edit::Document::parse(source.as_str()).unwrap();
            let item = document.get("key").unwrap();
            let value = item.as_str().unwrap();
            let at = value.find(piece).unwrap();
            let place = place(&source, &item.span(), value, at..at + piece.len()).unwrap();
            let expected = if piece.is_empty() { "'" } else { piece };
            assert_eq!(&source[place], expected, "{literal}");
        }
    }
}
