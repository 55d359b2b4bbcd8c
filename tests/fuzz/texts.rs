//! Suite files and snapshots that were changed at random: a mistake with its place, never a panic, and
//! never a snapshot that is not as it was recorded.

use std::path::Path;
use std::sync::LazyLock;

use divergence::normalise::Rules;
use divergence::store::Store;
use divergence::store::snapshots::{SnapshotFile, from_text};
use divergence::suite::{SuiteFiles, load};
use proptest::prelude::*;
use proptest::sample::Index;

use super::mutate::{changed, changes};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Name and text of every file of the suite.
static FILES: LazyLock<Vec<(String, String)>> = LazyLock::new(|| {
    let texts = divergence::store::files_with_text(&root().join("suites")).unwrap();
    texts.into_iter().map(|(name, text)| (format!("suites/{name}"), text)).collect()
});

static SNAPSHOTS: LazyLock<Vec<SnapshotFile>> =
    LazyLock::new(|| Store::find(Some(root()), root(), None).unwrap().snapshot_files().unwrap());

fn files_with(name: String, text: String) -> SuiteFiles {
    let mut files = SuiteFiles { images: vec!["busybox".to_owned()], ..SuiteFiles::default() };
    let parts: Vec<&str> = name.split('/').collect();
    match parts.as_slice() {
        ["suites", "suite.toml"] => files.suite = Some((name, text)),
        ["suites", "unobservable.toml"] => files.unobservable = Some((name, text)),
        ["suites", "options.toml"] => files.options = Some((name, text)),
        ["suites", "unasked.toml"] => files.unasked = Some((name, text)),
        ["suites", "own-tests.toml"] => files.own_tests = Some((name, text)),
        ["suites", _, "divergences", ..] => files.divergences.push((name, text)),
        _ => files.scenarios.push((name, text)),
    }
    files
}

proptest! {
    #![proptest_config(crate::cases(200))]

    #[test]
    fn a_suite_file_loads_or_is_a_mistake_with_its_place(file in any::<Index>(), changes in changes()) {
        let (name, text) = file.get(&FILES);
        let text = String::from_utf8_lossy(&changed(text.as_bytes(), &changes)).into_owned();
        let mistakes = if name == "suites/normalise.toml" {
            Rules::parse(name, &text).err()
        } else {
            load(&files_with(name.clone(), text.clone())).err()
        };
        for mistake in mistakes.into_iter().flatten() {
            prop_assert!(!mistake.message.is_empty() && !mistake.help.is_empty(), "{:?}", mistake);
            if let Some(span) = &mistake.span {
                prop_assert!(span.start <= span.end && span.end <= text.len(), "{:?}", mistake);
            }
            let told = mistake.render(&text, 100, false);
            prop_assert!(told.contains("suites/"), "{}", told);
        }
    }

    #[test]
    fn a_changed_snapshot_is_a_mistake_or_holds_what_was_recorded(file in any::<Index>(), changes in changes()) {
        let file = file.get(&SNAPSHOTS);
        let text = std::fs::read_to_string(root().join(&file.file)).unwrap();
        let whole = from_text(&file.file, &text, &file.case).unwrap();
        let bytes = changed(text.as_bytes(), &changes);
        let text = String::from_utf8_lossy(&bytes);
        if let Ok(read) = from_text(&file.file, &text, &file.case) {
            prop_assert_eq!(read.steps, whole.steps);
        }
    }

    #[test]
    fn a_snapshot_cut_anywhere_is_a_mistake(file in any::<Index>(), at in any::<Index>()) {
        let file = file.get(&SNAPSHOTS);
        let text = std::fs::read_to_string(root().join(&file.file)).unwrap();
        // Its last newline is all that it may lack.
        let at = text.floor_char_boundary(at.index(text.trim_end().len()));
        prop_assert!(from_text(&file.file, &text[..at], &file.case).is_err());
    }
}
