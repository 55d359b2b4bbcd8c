//! A string of a file together with its place, and pieces of it with theirs.

use std::ops::Range;

use super::literal;
use super::reader::Span;
use crate::mistake::{Mistakes, nearest};
use crate::pointer::Pointer;

/// A string value, or a piece of one, that knows where it stands.
#[derive(Clone, Debug)]
pub struct Word<'t> {
    value: &'t str,
    literal: Span,
    source: &'t str,
    /// The bytes of the value; none for all of it.
    piece: Option<Range<usize>>,
}

/// One entry of a table of strings.
#[derive(Clone, Debug)]
pub struct Entry<'t> {
    /// The key.
    pub name: &'t str,
    /// The place of the key.
    pub name_span: Span,
    /// The value.
    pub word: Word<'t>,
}

impl<'t> Word<'t> {
    /// The value of a literal at this place of the source.
    pub fn new(value: &'t str, literal: Span, source: &'t str) -> Word<'t> {
        Word { value, literal, source, piece: None }
    }

    /// The text.
    pub fn text(&self) -> &'t str {
        self.piece.as_ref().map_or(self.value, |piece| &self.value[piece.clone()])
    }

    /// The place: of a whole value with its quotes.
    pub fn span(&self) -> Span {
        match &self.piece {
            None => self.literal.clone(),
            Some(piece) => literal::place(self.source, &self.literal, self.value, piece.clone()),
        }
    }

    /// A piece of it, by bytes of the text.
    pub fn piece(&self, piece: Range<usize>) -> Word<'t> {
        let start = self.piece.as_ref().map_or(0, |piece| piece.start);
        Word { piece: Some(start + piece.start..start + piece.end), ..self.clone() }
    }

    /// What stands before and after the first of these letters.
    pub fn split_once(&self, letter: char) -> Option<(Word<'t>, Word<'t>)> {
        let at = self.text().find(letter)?;
        Some((self.piece(0..at), self.piece(at + letter.len_utf8()..self.text().len())))
    }

    /// A pointer, or a mistake.
    pub fn pointer(&self, mistakes: &mut Mistakes) -> Option<Pointer> {
        match Pointer::parse(self.text()) {
            Ok(pointer) => Some(pointer),
            Err(error) => {
                mistakes.add(self.span(), format!("`{}` is no pointer", self.text()), error.to_string());
                None
            }
        }
    }
}

/// Whether a text can be the name of something: letters, digits, `-` and `_`.
pub fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

/// Advice to take the nearest of the known words, with all of them where they are few.
pub fn choose<'w>(word: &str, known: impl IntoIterator<Item = &'w str> + Clone, else_say: &str) -> String {
    const FEW: usize = 16;
    let near = nearest(word, known.clone()).map(|near| format!("did you mean `{near}`?"));
    let all: Vec<&str> = known.into_iter().collect();
    let list = (!all.is_empty() && all.len() <= FEW).then(|| format!("There are: {}", all.join(", ")));
    match (near, list) {
        (Some(near), Some(list)) => format!("{near} {list}"),
        (Some(near), None) => near,
        (None, Some(list)) if else_say.is_empty() => list,
        (None, Some(list)) => format!("{else_say}. {list}"),
        (None, None) => else_say.to_owned(),
    }
}
