//! Nothing foreign is touched: a container of somebody else, with a name and a label that look
//! like ours, outlives a run and a sweep. Live: left out, and said so, where no Docker answers.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test ends where it cannot go on, and says what it leaves out"
)]

use std::path::Path;
use std::process::Command;

use divergence::engine::Endpoint;
use divergence::engine::address::Address;
use divergence::engine::docker_cli::USUAL_SOCKET;
use divergence::run::images::{prepare_images, remove_images};
use divergence::run::ledger::Ledger;
use testcontainers::core::WaitFor;
use testcontainers::runners::AsyncRunner as _;
use testcontainers::{GenericImage, ImageExt as _};

fn is_live() -> bool {
    if std::os::unix::net::UnixStream::connect(USUAL_SOCKET).is_ok() {
        return true;
    }
    let required = std::env::var("DIVERGENCE_LIVE").is_ok_and(|value| value == "required");
    assert!(!required, "DIVERGENCE_LIVE=required, but no Docker Engine answers");
    eprintln!("left out: no Docker Engine answers on {USUAL_SOCKET}");
    false
}

fn divergence(state: &Path, arguments: &[&str]) {
    let root = env!("CARGO_MANIFEST_DIR");
    let mut command = Command::new(env!("CARGO_BIN_EXE_divergence"));
    let output = command.args(["--root", root, "--state"]).arg(state).args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {output:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_of_somebody_else_outlives_runs_and_sweeps() {
    if !is_live() {
        return;
    }
    let state = tempfile::tempdir().unwrap();
    let ledgers = tempfile::tempdir().unwrap();
    let endpoint = Endpoint::new(Address::Unix(USUAL_SOCKET.into()));
    let ledger = Ledger::open(ledgers.path()).unwrap();
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let images = prepare_images(&endpoint, &["busybox".to_owned()], &fixtures, &ledger).await;
    let image = images.images.get("busybox").unwrap_or_else(|| panic!("{:?}", images.missing)).clone();
    let (name, tag) = image.split_once(':').unwrap_or((&image, "latest"));
    // It looks as if one of our runs had made it, but no ledger of ours says so.
    let looks_like_ours = format!("dv-{}-0r-it", std::process::id());
    let foreign = GenericImage::new(name, tag)
        .with_wait_for(WaitFor::seconds(0))
        .with_cmd(["sleep", "600"])
        .with_container_name(&looks_like_ours)
        .with_label("divergence.run", format!("dv-{}-0r", std::process::id()))
        .start()
        .await
        .unwrap();
    divergence(state.path(), &["run", "--null", "containers/create", "exit-statuses/exits-0"]);
    divergence(state.path(), &["sweep"]);
    assert!(foreign.is_running().await.unwrap());
    foreign.rm().await.unwrap();
    remove_images(&endpoint, &images, &ledger).await;
    assert_eq!(ledger.close_clean().unwrap(), []);
}
