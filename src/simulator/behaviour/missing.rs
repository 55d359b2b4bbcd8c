//! What is not there.

use super::Hook::{After, Before, Woven};
use super::{Behaviour, INSPECT, LATER, always, until};
use crate::simulator::answer::Answer;
use crate::simulator::route::Route as R;
use crate::simulator::{images, labels, ports};

#[rustfmt::skip]
pub static ALL: &[Behaviour] = &[
    // Routes that are not there.
    always(&["swarm-missing"], "No swarm", &[Woven]),
    always(&["nodes-missing"], "No nodes", &[Woven]),
    always(&["services-missing"], "No services", &[Woven]),
    always(&["tasks-missing"], "No tasks", &[Woven]),
    always(&["plugins-missing"], "No plugins", &[Woven]),
    always(&["post-1.24-endpoints-missing"], "Nothing that came after API 1.24", &[Woven]),
    always(&["attach-websocket-missing"], "No websockets", &[Woven]),
    always(&["update-not-implemented"], "No update", &[Woven]),
    // Calls that are not implemented, at 0.7 and before.
    always(&["events-not-implemented", "stats-all-cli"], "docker events", &[Before(&[R::Events], refuse!("events"))]),
    always(&["export-not-implemented"], "docker export", &[Before(&[R::Export], refuse!("export"))]),
    always(&["import-not-implemented"], "docker import", &[Before(&[R::ImageCreate], images::no_import)]),
    always(&["load-not-implemented"], "docker load", &[Before(&[R::ImageLoad], refuse!("image load"))]),
    always(&["save-not-implemented"], "docker save", &[Before(&[R::ImageGet], refuse!("image get"))]),
    always(&["diff-not-implemented"], "docker diff", &[Before(&[R::Changes], refuse!("changes"))]),
    // Without one the other shows otherwise: what cannot be paused is not unpaused.
    always(&["pause-not-implemented", "unpause-not-implemented"], "docker pause and unpause", &[
        Before(&[R::Pause], refuse!("pause")), Before(&[R::Unpause], refuse!("unpause")),
    ]),
    until(LATER, &["build-not-implemented"], "docker build", &[Before(&[R::Build], refuse!("build"))]),
    until(LATER, &["commit-not-implemented", "former-list-at-153a6ef"], "docker commit", &[Before(&[R::Commit], refuse!("commit"))]),
    until(LATER, &["login-not-implemented"], "docker login", &[Before(&[R::Auth], refuse!("auth"))]),
    until(LATER, &["push-not-implemented"], "docker push", &[Before(&[R::ImagePush], refuse!("image push"))]),
    until(LATER, &["rename-not-implemented"], "docker rename", &[Before(&[R::Rename], refuse!("rename"))]),
    until(LATER, &["stats-not-implemented"], "docker stats", &[Before(&[R::Stats], refuse!("stats"))]),
    until(LATER, &["tag-not-implemented"], "docker tag", &[Before(&[R::ImageTag], refuse!("image tag"))]),
    until(LATER, &["labels-unsupported-era"], "Labels", &[After(INSPECT, labels::unsupported)]),
    until(LATER, &["port-not-shown"], "docker port", &[After(INSPECT, ports::not_shown)]),
];
