//! The dependencies as the lock file names them: none needs a newer compiler than this crate promises, and
//! all are published crates.

#![expect(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

use std::process::Command;

use serde_json::Value;

fn version(text: &str) -> (u32, u32, u32) {
    let mut numbers = text.split('.').map(|number| number.parse().unwrap());
    let mut next = || numbers.next().unwrap_or(0);
    (next(), next(), next())
}

#[test]
fn the_promised_compiler_is_enough_for_every_dependency() {
    let arguments =
        ["metadata", "--format-version=1", "--locked", "--filter-platform=x86_64-unknown-linux-gnu"];
    let output =
        Command::new(env!("CARGO")).args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let ours = packages.iter().find(|package| package["name"] == "divergence").unwrap();
    let promised = version(ours["rust_version"].as_str().unwrap());
    assert!(packages.len() > 100, "{}", packages.len());
    let newer: Vec<String> = packages
        .iter()
        .filter(|package| package["rust_version"].as_str().is_some_and(|needed| version(needed) > promised))
        .map(|package| {
            format!("{} {} needs {}", package["name"], package["version"], package["rust_version"])
        })
        .collect();
    assert_eq!(newer, [""; 0]);
    let is_published =
        |package: &&Value| package["source"].as_str().is_some_and(|from| from.starts_with("registry+"));
    assert_eq!(packages.iter().filter(is_published).count(), packages.len() - 1);
}
