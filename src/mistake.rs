//! Mistakes in files: what is wrong, where, and what to do. Shown with a caret, all at once.

use std::ops::Range;

use miette::{Diagnostic, GraphicalReportHandler, LabeledSpan, NamedSource, Severity};

/// One mistake in one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The file, relative to the project.
    pub file: String,
    /// The bytes of the file that are wrong; none when the file as a whole is.
    pub span: Option<Range<usize>>,
    /// What is wrong: a lower-case fragment.
    pub message: String,
    /// What to do about it.
    pub help: String,
}

/// Collects the mistakes of one file.
#[derive(Debug)]
pub struct Mistakes {
    /// The file, relative to the project.
    pub file: String,
    /// What was found so far.
    pub found: Vec<Mistake>,
}

impl Mistakes {
    /// None yet.
    pub fn of(file: impl Into<String>) -> Mistakes {
        Mistakes { file: file.into(), found: Vec::new() }
    }

    /// Notes one more.
    pub fn add(&mut self, span: Option<Range<usize>>, message: impl Into<String>, help: impl Into<String>) {
        self.found.push(Mistake {
            file: self.file.clone(),
            span,
            message: message.into(),
            help: help.into(),
        });
    }
}

/// The known word nearest to a misspelt one, if one is near enough to be meant.
pub fn nearest<'w>(word: &str, known: impl IntoIterator<Item = &'w str>) -> Option<&'w str> {
    // One slip of the finger is near, however short the word.
    let slip = |each: &str| if strsim::damerau_levenshtein(word, each) <= 1 { 0.99 } else { 0.0 };
    let scored = known.into_iter().map(|each| (strsim::jaro_winkler(word, each).max(slip(each)), each));
    let best = scored.max_by(|(left, _), (right, _)| left.total_cmp(right))?;
    (best.0 > 0.75).then_some(best.1)
}

/// Line and column of a byte offset, both counted from 1.
pub fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = &text[..text.floor_char_boundary(offset.min(text.len()))];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (line, column)
}

impl Mistake {
    /// The mistake for people, with the lines of the file and a caret.
    pub fn render(&self, text: &str, width: usize, colour: bool) -> String {
        let shown = Shown { mistake: self, source: NamedSource::new(&self.file, text.to_owned()) };
        let theme = match colour {
            true => miette::GraphicalTheme::unicode(),
            false => miette::GraphicalTheme::unicode_nocolor(),
        };
        let handler = GraphicalReportHandler::new_themed(theme).with_width(width).with_links(false);
        let mut out = String::new();
        match handler.render_report(&mut out, &shown) {
            Ok(()) => out,
            Err(_) => format!("{}: {}\n  help: {}\n", self.file, self.message, self.help),
        }
    }
}

#[derive(Debug)]
struct Shown<'m> {
    mistake: &'m Mistake,
    source: NamedSource<String>,
}

impl std::fmt::Display for Shown<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}: {}", self.mistake.file, self.mistake.message)
    }
}

impl std::error::Error for Shown<'_> {}

impl Diagnostic for Shown<'_> {
    fn severity(&self) -> Option<Severity> {
        Some(Severity::Error)
    }

    fn help<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        Some(Box::new(&self.mistake.help))
    }

    fn source_code(&self) -> Option<&dyn miette::SourceCode> {
        self.mistake.span.as_ref().map(|_| &self.source as &dyn miette::SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let span = self.mistake.span.clone()?;
        let label = LabeledSpan::new_with_span(Some("here".to_owned()), span);
        Some(Box::new(std::iter::once(label)))
    }
}
