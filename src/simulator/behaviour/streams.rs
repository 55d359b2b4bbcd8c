//! Execs, streams and archives.

use super::Hook::{After, Answered, Before, Woven};
use super::{Behaviour, CREATE, INSPECT, LATER, always, since};
use crate::simulator::route::Route as R;
use crate::simulator::{archive, exec, log_config};

#[rustfmt::skip]
pub static ALL: &[Behaviour] = &[
    // Execs and streams.
    always(&["exec-create-status-200"], "Making an exec is a 200", &[Answered(&[R::ExecCreate], exec::status_200)]),
    always(&["exec-create-not-running"], "An exec needs a running container", &[Woven]),
    always(&["exec-create-empty-cmd"], "An exec without a command", &[Woven]),
    always(&["exec-user-privileged-ignored"], "The user of an exec", &[Woven]),
    always(&["exec-attach-flags-ignored"], "Both streams of an exec", &[Woven]),
    always(&["exec-detached-runs-at-create", "exec-start-detached-201"], "Detached execs", &[Woven]),
    always(&["exec-start-always-101"], "Starting an exec is a 101", &[Woven]),
    always(&["exec-start-options-ignored"], "Options of the start of an exec", &[Woven]),
    always(&["exec-tty-needs-stdin"], "A terminal needs an input", &[Woven]),
    always(&["exec-start-twice"], "Starting an exec again", &[Woven]),
    always(&["exec-start-unknown-404-empty"], "Starting an unknown exec", &[Woven]),
    always(&["exec-missing-command"], "An exec of a missing command", &[Woven]),
    always(&["exec-exit-code-signal-null"], "An exec that a signal ends", &[Woven]),
    always(&["exec-inspect-fields"], "What an exec tells", &[Woven]),
    always(&["exec-inspect-only-once"], "An exec is inspected once", &[Woven]),
    always(&["exec-inspect-unknown-hangs"], "Inspecting an unknown exec", &[Woven]),
    always(&["exec-resize-status-200"], "Resizing an exec", &[Woven]),
    always(&["attach-always-101"], "Attaching is a 101", &[Woven]),
    always(&["attach-flags-by-presence"], "Flags of attaching", &[Woven]),
    always(&["attach-session-keyed-by-path-id"], "Attaching by the same name again", &[Woven]),
    always(&["attach-waits-for-start"], "Attaching before the start", &[Woven]),
    always(&["attach-close-after-wait"], "The end of a stream is polled", &[Woven]),
    always(&["attach-detach-keys"], "Keys to detach with", &[Woven]),
    always(&["stream-error-after-101"], "Errors after the status line", &[Woven]),
    always(&["stream-not-binary-safe"], "Streams are text", &[Woven]),
    always(&["stream-frame-length-in-characters"], "Lengths in characters", &[Woven]),
    always(&["logs-response-framing"], "Logs are raw", &[Woven]),
    always(&["logs-stream-selection-ignored"], "Logs of both streams", &[Woven]),
    always(&["logs-since-details-ignored"], "Logs since", &[Woven]),
    always(&["logs-tail-missing-or-invalid"], "Logs need a tail", &[Woven]),
    always(&["logs-timestamps-format"], "Times in logs", &[Woven]),
    always(&["logs-current-file-only"], "One file of logs", &[
        Before(CREATE, log_config::one_file), After(INSPECT, log_config::show_files)]),
    always(&["log-max-size-default"], "Logs have a size", &[
        Before(CREATE, log_config::default_size), After(INSPECT, log_config::show_size)]),
    since(LATER, &["log-opt-defaults-in-inspect"], "Options of logs that nobody asked for", &[
        Before(CREATE, log_config::known_beneath), After(INSPECT, log_config::defaults)]),
    // Archives.
    always(&["archive-missing-path-param"], "Copying without a path", &[
        Before(&[R::ArchiveGet, R::ArchiveHead, R::ArchivePut], archive::needs_path)]),
    always(&["archive-stopped-container"], "Copying while the container is down", &[
        Before(&[R::ArchiveGet, R::ArchiveHead, R::ArchivePut, R::Copy], archive::needs_running)]),
    always(&["archive-serialised"], "One copy after the other", &[Woven]),
    always(&["archive-content-type"], "application/tar", &[
        Answered(&[R::ArchiveGet, R::Copy], archive::content_type), Answered(&[R::ArchivePut], archive::put_content_type)]),
    always(&["archive-path-stat-header"], "The header of a path", &[Answered(&[R::ArchiveGet, R::ArchiveHead], archive::path_stat)]),
    always(&["archive-missing-file"], "A missing file", &[
        Answered(&[R::ArchiveGet, R::ArchiveHead, R::ArchivePut], archive::missing_file)]),
    always(&["archive-put-to-file"], "Unpacking into a file", &[Woven]),
    always(&["archive-put-bad-tar-200"], "A broken archive", &[Answered(&[R::ArchivePut], archive::bad_tar)]),
    always(&["archive-no-overwrite"], "A file in the place of a directory", &[Answered(&[R::ArchivePut], archive::never_refused)]),
    always(&["archive-put-read-only-rules"], "Unpacking where it is read-only", &[Answered(&[R::ArchivePut], archive::never_refused)]),
    always(&["archive-follow-link"], "Links are not followed", &[Woven]),
    always(&["copy-endpoint-still-there"], "The older copy", &[Woven]),
];
