//! What holds for every answer, and what the world allows.

use super::Hook::{After, Answered, Before, Woven};
use super::{Behaviour, INSPECT, LATER, LIST, always, since};
use crate::simulator::route::Route as R;
use crate::simulator::{images, inspect, lifecycle, list, system, volumes};

#[rustfmt::skip]
pub static ALL: &[Behaviour] = &[
    // Every answer.
    always(&["error-body-plain-text-with-request-id"], "Errors are plain text with the request id", &[Woven]),
    always(&["error-prefix-restcode"], "Errors begin with a class in brackets", &[Woven]),
    always(&["error-422-for-bad-input"], "Bad input is a 422", &[Answered(&[R::VolumeCreate], volumes::bad_name_is_422)]),
    always(&["error-500-for-conflicts"], "Conflicts are a 500", &[Answered(&[R::ContainerDelete], lifecycle::conflict_is_500)]),
    always(&["server-header-triton"], "The server is Triton", &[Woven]),
    always(&["extra-request-id-headers"], "Request id and response time are headers", &[Woven]),
    always(&["no-api-version-headers"], "No header tells the API version", &[Woven]),
    always(&["connection-keep-alive-header"], "Connection: keep-alive is always sent", &[Woven]),
    always(&["json-without-newline"], "JSON ends without a newline", &[Woven]),
    always(&["json-content-length"], "JSON is never chunked", &[Woven]),
    always(&["streamed-answers-chunked"], "What is streamed, and a status alone, is chunked", &[Woven]),
    always(&["no-such-container-text"], "The text for a missing container", &[Woven]),
    always(&["unknown-route-404-body"], "The answer for an unknown path", &[Woven]),
    always(&["wrong-method-405"], "A known path with another method is a 405", &[Woven]),
    always(&["head-request-405"], "HEAD is a 405", &[Woven]),
    always(&["accept-header-406"], "Accept is negotiated", &[Woven]),
    always(&["accept-version-header-rejected"], "Accept-Version is checked", &[Woven]),
    always(&["upgrade-error-bare-response"], "An upgrade that fails has a bare answer", &[Woven]),
    always(&["uncaught-exception-drops-connection"], "Some input drops the connection", &[
        Before(&[R::Rename], lifecycle::rename_needs_name), Before(&[R::Resize], lifecycle::resize_needs_size),
        Before(&[R::Commit], images::commit_needs_container), Before(LIST, list::all_twice)]),
    always(&["api-version-minimum"], "API versions below 1.20 are refused", &[Woven]),
    always(&["api-version-no-maximum"], "No API version is too new", &[Woven]),
    always(&["api-version-compared-as-text"], "API versions are compared as text", &[Woven]),
    always(&["api-version-unparsable"], "A word in the place of a version is a 400", &[Woven]),
    always(&["api-version-unversioned-default"], "No version means 1.21", &[After(&[R::Version], system::api_version)]),
    always(&["api-version-does-not-change-shapes"], "All versions have one shape", &[After(INSPECT, inspect::one_shape)]),
    always(&["supported-client-range"], "The clients of Docker 1.9", &[After(&[R::Version], system::engine_version)]),
    always(&["ping-and-events-skip-checks"], "Ping and events are not checked", &[Woven]),
    always(&["ca-pem-route"], "The certificate of the server", &[Woven]),
    always(&["ping-without-cache-headers"], "A ping may be cached", &[Answered(&[R::Ping], system::ping)]),
    always(&["version-fields"], "The version is that of Docker 1.9", &[After(&[R::Version], system::version_fields)]),
    always(&["info-driver-values"], "Info describes the data center", &[After(&[R::Info], system::info_values)]),
    always(&["no-tls-means-admin"], "The account without TLS", &[After(&[R::Info], system::info_account)]),
    always(&["info-counts-are-per-account"], "Containers of the account", &[After(&[R::Info], system::info_counts)]),
    always(&["account-isolation"], "Containers of other accounts", &[Woven]),
    always(&["info-kernel-version-fixed"], "Info has a constant kernel", &[After(&[R::Info], system::info_kernel)]),
    always(&["info-missing-fields"], "Info has sixteen fields", &[After(&[R::Info], system::info_fields)]),
    since(LATER, &["info-images-count-legacy-only"], "Info counts no images", &[After(&[R::Info], system::no_images)]),
    // Before a call, as the world is.
    always(&["read-only-mode-503"], "Maintenance", &[Woven]),
    always(&["service-unavailable-503"], "A service behind is out", &[Woven]),
    since(LATER, &["x-auth-token-header"], "Tokens of accounts", &[Woven]),
    always(&["tls-client-cert-is-the-account"], "The certificate is the account", &[Woven]),
    always(&["version-and-info-need-auth"], "Only an account learns the version", &[Woven]),
    always(&["auth-before-version-check"], "The account comes before the version", &[Woven]),
    always(&["sub-user-logins-unsupported"], "Users of accounts", &[Woven]),
    since(LATER, &["client-cert-expiry"], "Certificates that ended", &[Woven]),
    since(LATER, &["half-close-only-tls-upgraded"], "Half-closed connections", &[Woven]),
    always(&["account-forbidden-403"], "An account that may not use the data center", &[Woven]),
];
