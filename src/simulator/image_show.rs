//! How images are listed, shown, told the history of and removed
//! (sdc-docker `lib/backends/sdc/images.js`, `lib/backends/sdc/utils.js:826-873`).

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::answer::Answer;
use super::call::Call;
use super::create::fault_text;
use super::filters;
use super::json::{put, strings, take, text};
use super::{dockerfile, names};

/// Lists images by filters of its own (sdc-docker `lib/backends/sdc/images.js:241-275`).
pub async fn list(call: &mut Call) -> Answer {
    let asked = match filters::read(call) {
        Ok(asked) => asked.unwrap_or_default(),
        Err(refused) => return refused,
    };
    let known = ["dangling", "label"];
    if call.on("image-list-unknown-filter") && asked.iter().any(|(name, _)| !known.contains(&name.as_str())) {
        return Answer::error(500, "problem loading images");
    }
    let (mut beneath, mut labels, mut nothing) = (filters::Filters::new(), Vec::new(), false);
    for (name, values) in asked {
        match name.as_str() {
            "label" if call.on("image-list-label-filter") => labels = values,
            "dangling" if call.on("image-list-dangling-empty") => {
                nothing = values.last().is_some_and(|value| is_true(value));
            }
            _ => beneath.push((name, values)),
        }
    }
    let is_read = serde_json::from_str::<Value>(call.param("filters").unwrap_or("{}")).is_ok();
    if is_read {
        filters::write(call, &beneath);
    }
    let mut answer = call.forward().await;
    if let Some(Value::Array(images)) = answer.value() {
        if call.on("image-list-size") {
            compressed(call, images).await;
        }
        images.retain(|image| !nothing && labels.iter().all(|label| has_label(image, label)));
    }
    answer
}

/// Sizes are those of the compressed layers in the manifest, to which an empty file adds as well (catalogue:
/// image-list-size; sdc-docker `lib/backends/sdc/images.js:1386`). There is no manifest here: half of
/// the files and a header a layer is about what comes out.
async fn compressed(call: &Call, images: &mut [Value]) {
    const HEADER: u64 = 120;
    for image in images {
        let size = image.get("Size").and_then(Value::as_u64).unwrap_or(0);
        // Only where there are no bytes does it matter whether there are layers.
        let layers = match size {
            0 => match call.service.docker.image(text(image, "/Id")).await {
                Ok(whole) => strings(&whole, "/RootFS/Layers").len() as u64,
                Err(_) => 0,
            },
            _ => 1,
        };
        let size = size / 2 + layers * HEADER;
        put(image, "", "Size", json!(size));
        put(image, "", "VirtualSize", json!(size));
    }
}

/// Whether a flag is set (`boolFromQueryParam`, sdc-docker `lib/common.js`).
fn is_true(text: &str) -> bool {
    !matches!(text.to_lowercase().as_str(), "" | "0" | "no" | "false" | "none")
}

/// A label counts with its value only, and a value ends at a second `=` (catalogue: image-list-label-filter).
fn has_label(image: &Value, wanted: &str) -> bool {
    let mut parts = wanted.split('=');
    let (name, value) = (parts.next().unwrap_or_default(), parts.next());
    let found = image.get("Labels").and_then(|labels| labels.get(name)).and_then(Value::as_str);
    value.is_some() && found == value
}

/// The name that restricts a list is not read (catalogue: image-list-filter-param-ignored).
pub fn list_parameters(call: &mut Call) -> Result<(), Answer> {
    call.query.retain(|(key, _)| key != "filter" && key != "digests");
    Ok(())
}

/// An entry has eight fields (sdc-docker `lib/backends/sdc/images.js:322-341`).
pub fn list_fields(_: &Call, image: &mut Value) {
    take(image, "", "Containers");
    take(image, "", "SharedSize");
}

/// Digests are made of the id, and always told (catalogue: image-list-ids-and-digests).
pub fn list_digests(_: &Call, image: &mut Value) {
    let id = text(image, "/Id").to_owned();
    let tags = strings(image, "/RepoTags");
    let digests: Vec<String> = match tags.iter().any(|tag| tag == "<none>:<none>") {
        true => vec!["<none>@<none>".to_owned()],
        false => tags.iter().filter_map(|tag| Some(format!("{}@{id}", tag.rsplit_once(':')?.0))).collect(),
    };
    put(image, "", "RepoDigests", json!(digests));
}

/// How an image shows itself (catalogue: image-inspect-fields).
pub fn inspect_fields(_: &Call, image: &mut Value) {
    put(image, "", "Os", json!("Linux"));
    put(image, "", "GraphDriver", json!({"Data": null, "Name": "sdc-docker"}));
    put(image, "", "Container", json!(""));
    take(image, "", "VirtualSize");
    take(image, "", "Metadata");
    for key in ["Author", "Comment"] {
        if text(image, &format!("/{key}")).is_empty() {
            take(image, "", key);
        }
    }
}

/// Every image has a manifest, and so every name a digest (sdc-docker `lib/backends/sdc/utils.js:855-861`).
pub fn inspect_digests(_: &Call, image: &mut Value) {
    if !strings(image, "/RepoDigests").is_empty() {
        return;
    }
    // The digest of a manifest that only the data center has.
    let hash = Sha256::digest(format!("manifest of {}", text(image, "/Id")).as_bytes());
    let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    let tags = strings(image, "/RepoTags");
    let digests: Vec<String> =
        tags.iter().filter_map(|tag| Some(format!("{}@sha256:{hash}", tag.rsplit_once(':')?.0))).collect();
    put(image, "", "RepoDigests", json!(digests));
}

/// Names that only sdc-docker takes (see `images::tag`).
pub fn odd_names(call: &Call, image: &mut Value) {
    let id = text(image, "/Id").trim_start_matches("sha256:").to_owned();
    let odd = call.service.state.read(|memory| {
        let of_image = memory.odd_tags.iter().filter(|(_, its)| id.starts_with(its.as_str()));
        of_image.map(|(name, _)| name.clone()).collect::<Vec<_>>()
    });
    let names = [strings(image, "/RepoTags"), odd].concat();
    put(image, "", "RepoTags", json!(names));
}

/// What is built from nothing has no environment (`DEFAULT_IMAGE_CONFIG`, sdc-docker-build `lib/build.js:43`).
pub fn environment(call: &Call, image: &mut Value) {
    let id = text(image, "/Id").trim_start_matches("sha256:").to_owned();
    let built =
        call.service.state.read(|memory| memory.from_scratch.iter().any(|short| id.starts_with(short)));
    if built {
        let env = strings(image, "/Config/Env");
        let own: Vec<&String> =
            env.iter().filter(|pair| !pair.starts_with("PATH=/usr/local/sbin:")).collect();
        let env = if own.is_empty() { Value::Null } else { json!(own) };
        put(image, "Config", "Env", env);
    }
}

/// The history of an image, newest first (catalogue: image-history-shape). What was pulled tells its
/// instructions as its own configuration does; below it, Docker knows no ids.
pub fn history(call: &Call, entries: &mut Value) {
    let Value::Array(entries) = entries else { return };
    let is_nameless = |entry: &Value| text(entry, "/Id") == "<missing>";
    // Of what was built from nothing, everything was.
    let from_scratch = call.service.state.read(|memory| {
        let ids = entries.iter().map(|entry| text(entry, "/Id").trim_start_matches("sha256:"));
        ids.into_iter().any(|id| memory.from_scratch.iter().any(|short| id.starts_with(short)))
    });
    let is_built: Vec<bool> = (0..entries.len())
        .map(|at| entries.get(at + 1).map_or(from_scratch, |below| !is_nameless(below)))
        .collect();
    for (entry, is_built) in entries.iter_mut().zip(is_built).filter(|(entry, _)| !is_nameless(entry)) {
        take(entry, "", "Comment");
        if is_built {
            let by = created_by(text(entry, "/CreatedBy"));
            put(entry, "", "CreatedBy", json!(by));
        }
        if entry.get("Tags") == Some(&Value::Null) {
            put(entry, "", "Tags", json!([]));
        }
    }
}

/// An instruction in a history, told by its words (`getNopCmdForCommand`, sdc-docker-build `lib/build.js:506`).
fn created_by(text: &str) -> String {
    const NOP: &str = "/bin/sh -c #(nop) ";
    match text.strip_prefix(NOP).map(str::trim) {
        Some(line) if line.starts_with("COPY ") || line.starts_with("ADD ") => format!("{NOP}{line}"),
        Some(line) => match dockerfile::parse(line).first() {
            Some(instruction) => format!("{NOP}{}", instruction.told()),
            None => text.to_owned(),
        },
        None => text.to_owned(),
    }
}

/// Parents go with their image, whatever is asked (catalogue: rmi-noprune-ignored).
pub fn no_noprune(call: &mut Call) -> Result<(), Answer> {
    call.query.retain(|(key, _)| key != "noprune");
    Ok(())
}

/// Removes an image; its children are looked for whenever its last name would go
/// (sdc-docker `lib/backends/sdc/images.js:1960-2029`).
pub async fn remove(call: &mut Call) -> Answer {
    let name = names::parse(call.name()).map(|name| name.whole()).unwrap_or_default();
    if call.on("tag-names-unchecked")
        && call.service.state.change(|memory| memory.odd_tags.remove(&name)).is_some()
    {
        return Answer::json(200, json!([{ "Untagged": name }]));
    }
    if call.on("rmi-parent-by-name")
        && let Ok(image) = call.service.docker.image(call.name()).await
        && strings(&image, "/RepoTags") == [name]
        && has_children(call, text(&image, "/Id")).await
    {
        let short: String = text(&image, "/Id").trim_start_matches("sha256:").chars().take(12).collect();
        return Answer::conflict(format!(
            "conflict: unable to delete {short} (cannot be forced) - image has dependent child images"
        ));
    }
    call.forward().await
}

async fn has_children(call: &Call, id: &str) -> bool {
    let ask = super::docker::Ask::new(hyper::Method::GET, "/v1.41/images/json?all=1");
    let all = call.service.docker.json(ask).await.unwrap_or(Value::Null);
    all.as_array().is_some_and(|all| all.iter().any(|image| text(image, "/ParentId") == id))
}

/// An image in use is a 500 (catalogue: rmi-conflict-500).
pub fn conflict(_: &Call, answer: &mut Answer) {
    if answer.status == 409 {
        *answer = Answer::conflict(fault_text(answer).to_owned());
    }
}

/// Why an image cannot be removed, in the words of sdc-docker (`lib/backends/sdc/images.js:1983-2110`).
pub fn conflict_text(call: &Call, answer: &mut Answer) {
    if !answer.is_error() || !fault_text(answer).starts_with("conflict: ") {
        return;
    }
    let name = names::parse(call.name()).map(|name| name.whole()).unwrap_or_default();
    let text = fault_text(answer)
        .replace("is referenced in multiple repositories", "is referenced in one or more repositories")
        .replace(&format!("\"{}\"", call.name()), &format!("\"{name}\""));
    answer.retell(text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_match_as_the_catalogue_says() {
        let image = json!({"Labels": {"tier": "gold", "rule": "a=b"}});
        let table = [("tier=gold", true), ("tier", false), ("tier=silver", false), ("rule=a=b", false)];
        for (wanted, expected) in table {
            assert_eq!(has_label(&image, wanted), expected, "{wanted}");
        }
    }

    #[test]
    fn instructions_in_a_history_are_told_by_their_words() {
        let table = [
            ("/bin/sh -c #(nop)  CMD [\"none\"]", "/bin/sh -c #(nop) CMD none"),
            ("/bin/sh -c #(nop) COPY file:12 in / ", "/bin/sh -c #(nop) COPY file:12 in /"),
            ("/bin/sh -c echo hi", "/bin/sh -c echo hi"),
        ];
        for (docker, sdc) in table {
            assert_eq!(created_by(docker), sdc);
        }
    }
}
