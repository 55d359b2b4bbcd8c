//! Images, builds and registries.

use super::Hook::{After, Answered, Before, Each, Woven};
use super::{Behaviour, LATER, always, since};
use crate::simulator::route::Route as R;
use crate::simulator::{build, image_show, images};

#[rustfmt::skip]
pub static ALL: &[Behaviour] = &[
    since(LATER, &["auth-endpoint-validation"], "Credentials have all parts", &[Woven]),
    since(LATER, &["push-unknown-404"], "Pushing an image that is not there", &[Woven]),
    since(LATER, &["commit-response"], "A commit without a content type", &[Answered(&[R::Commit], images::commit_response)]),
    since(LATER, &["stats-default-one-shot"], "Statistics are told once", &[Woven]),
    since(LATER, &["stats-fields"], "Statistics hold less", &[Woven]),
    since(LATER, &["tag-invalid-500"], "A bad tag is a 500", &[Before(&[R::ImageTag], images::bad_tag)]),
    since(LATER, &["tag-names-unchecked"], "Names that Docker refuses", &[After(&[R::ImageInspect], image_show::odd_names)]),
    since(LATER, &["push-error-shape"], "The failure of a push", &[Woven]),
    since(LATER, &["push-stream-format"], "What a push tells", &[Woven]),
    since(LATER, &["login-basic-unchecked"], "A password that nobody checks", &[Woven]),
    since(LATER, &["commit-errors"], "What a commit refuses", &[Before(&[R::Commit], images::commit_name)]),
    since(LATER, &["commit-pause-default-false"], "A commit does not pause", &[Before(&[R::Commit], images::commit_no_pause)]),
    since(LATER, &["commit-body-ignored"], "The body of a commit", &[Before(&[R::Commit], images::commit_body)]),
    since(LATER, &["build-errors", "build-unexpected-error"], "The failure of a build", &[Before(&[R::Build], build::refuse)]),
    since(LATER, &["build-parameters-ignored"], "Parameters of a build", &[Before(&[R::Build], build::drop_parameters)]),
    since(LATER, &["build-stream-format"], "What a build tells", &[Woven]),
    since(LATER, &["build-one-container"], "The container of a build", &[Woven]),
    since(LATER, &["build-add-url"], "ADD of an address", &[Woven]),
    since(LATER, &["build-instructions-unknown"], "HEALTHCHECK and SHELL", &[Woven]),
    since(LATER, &["build-instructions-unchecked"], "Signals and triggers", &[Woven]),
    since(LATER, &["build-args-not-consumed"], "Build arguments that nobody takes", &[Woven]),
    since(LATER, &["build-labels-before-last-step"], "Labels of a build", &[Woven]),
    since(LATER, &["build-path-not-set"], "Images without PATH", &[After(&[R::ImageInspect], image_show::environment)]),
    always(&["image-name-invalid-500"], "Names of images", &[
        Before(&[R::ImageInspect, R::ImageHistory, R::ImageTag, R::ImageDelete], images::bad_name)]),
    always(&["no-such-image-text"], "The text for a missing image", &[
        Answered(&[R::ImageInspect, R::ImageHistory, R::ImageTag, R::ImageDelete], images::no_such_image)]),
    always(&["pull-invalid-name-500"], "A bad name of a pull", &[Before(&[R::ImageCreate], images::pull_name)]),
    always(&["pull-errors-in-200-stream"], "The failure of a pull", &[Woven]),
    always(&["pull-stream-format"], "What a pull tells", &[Woven]),
    always(&["search-parameters"], "Searching", &[Before(&[R::ImageSearch], images::search_term)]),
    always(&["image-list-filter-param-ignored"], "Images by name", &[Before(&[R::ImageList], image_show::list_parameters)]),
    since(LATER, &["image-list-dangling-empty"], "Images without a name", &[Woven]),
    since(LATER, &["image-list-label-filter"], "Images by label", &[Woven]),
    since(LATER, &["image-list-size"], "Sizes of images are compressed", &[Woven]),
    since(LATER, &["image-list-unknown-filter"], "Unknown filters of images", &[Woven]),
    since(LATER, &["image-list-ids-and-digests"], "Digests in lists", &[Each(&[R::ImageList], image_show::list_digests)]),
    since(LATER, &["image-list-missing-fields"], "Fields of an entry", &[Each(&[R::ImageList], image_show::list_fields)]),
    since(LATER, &["image-inspect-digests"], "Digests of an image", &[After(&[R::ImageInspect], image_show::inspect_digests)]),
    since(LATER, &["image-history-shape"], "The history of an image", &[After(&[R::ImageHistory], image_show::history)]),
    always(&["rmi-noprune-ignored"], "Parents of a removed image", &[Before(&[R::ImageDelete], image_show::no_noprune)]),
    since(LATER, &["rmi-parent-by-name"], "Names of parents", &[Woven]),
    since(LATER, &["rmi-conflict-text"], "Why an image stays", &[Answered(&[R::ImageDelete], image_show::conflict_text)]),
    always(&["pull-all-tags-400"], "Pulling all tags", &[Before(&[R::ImageCreate], images::pull_all)]),
    always(&["rmi-conflict-500"], "An image in use is a 500", &[Answered(&[R::ImageDelete], image_show::conflict)]),
    always(&["image-inspect-fields"], "How images show themselves", &[After(&[R::ImageInspect], image_show::inspect_fields)]),
];
