//! Sizes: a container gets a package, and shows the package's memory, swap and shares.

use serde_json::{Value, json};

use super::answer::Answer;
use super::call::Call;
use super::json::{put, take};
use super::world::Package;

/// The label that selects a package (catalogue: package-label-selects-size).
pub const LABEL: &str = "com.joyent.package";
/// Stock Docker refuses less than this.
const DOCKER_MINIMUM: u64 = 6 << 20;

/// The package that a create request gets, as far as behaviours are on.
pub fn package(call: &Call) -> Result<Option<&Package>, Answer> {
    let world = &call.service.world;
    if let Some(wanted) = call.asked.get("Labels").and_then(|l| l.get(LABEL))
        && let Some(wanted) = wanted.as_str()
    {
        // Where it is a label like others nothing is told of a package.
        return match call.on("package-label-selects-size") {
            true => labelled(&world.packages, wanted).map(Some),
            false => Ok(None),
        };
    }
    let memory = match call.asked.pointer("/HostConfig/Memory") {
        Some(Value::Number(number)) => number.as_f64().unwrap_or(0.0),
        _ => 0.0,
    };
    if memory <= 0.0 {
        return Ok(world.default_package());
    }
    match world.smallest_package(memory as u64) {
        Some(package) => Ok(Some(package)),
        None => Err(Answer::coded(
            422,
            "NoSufficientPackage",
            format!("no package supports the given container constraints: memory={}", short(memory)),
        )),
    }
}

fn labelled<'a>(packages: &'a [Package], wanted: &str) -> Result<&'a Package, Answer> {
    if !is_package_name(wanted) {
        return Err(Answer::error(500, format!("invalid value for {LABEL}: {wanted}")));
    }
    packages
        .iter()
        .find(|p| p.id == wanted)
        .or_else(|| packages.iter().find(|p| p.name == wanted))
        .or_else(|| {
            let short = |p: &&Package| wanted.len() == 8 && p.id.starts_with(wanted);
            packages.iter().find(short)
        })
        .ok_or_else(|| Answer::error(500, "no packages match parameters"))
}

/// The syntax of a package name: words joined by single dots, dashes or underscores.
pub fn is_package_name(name: &str) -> bool {
    let edge = |c: char| c.is_ascii_alphanumeric();
    name.starts_with(edge)
        && name.ends_with(edge)
        && name.chars().all(|c| edge(c) || "_.-".contains(c))
        && !["..", "__", "--"].iter().any(|twice| name.contains(twice))
}

fn short(bytes: f64) -> String {
    let units = [("g", 30), ("m", 20), ("k", 10)];
    units
        .iter()
        .find(|(_, shift)| bytes >= f64::from(1 << shift))
        .map_or(format!("{bytes}"), |(unit, shift)| {
            format!("{}{unit}", (bytes / f64::from(1 << shift)).floor())
        })
}

/// A request that no package satisfies (catalogue: memory-too-large-422).
pub fn too_large(call: &mut Call) -> Result<(), Answer> {
    match package(call) {
        Err(refused) if refused.status == 422 => Err(refused),
        _ => Ok(()),
    }
}

/// A package label that names nothing (catalogue: package-label-invalid).
pub fn bad_label(call: &mut Call) -> Result<(), Answer> {
    match package(call) {
        Err(refused) if refused.status == 500 => Err(refused),
        _ => Ok(()),
    }
}

/// A limit that is no number is none (catalogue: memory-non-numeric-uses-default).
pub fn non_numeric(call: &mut Call) -> Result<(), Answer> {
    drop_memory(call, |memory| !memory.is_number())
}

/// A limit that stock Docker finds too small (catalogue: memory-below-4m-accepted).
pub fn too_small(call: &mut Call) -> Result<(), Answer> {
    drop_memory(call, |memory| memory.as_f64().is_some_and(|m| m < DOCKER_MINIMUM as f64))
}

fn drop_memory(call: &mut Call, unfit: impl Fn(&Value) -> bool) -> Result<(), Answer> {
    if let Some(body) = &mut call.json
        && body.pointer("/HostConfig/Memory").is_some_and(unfit)
    {
        take(body, "HostConfig", "Memory");
    }
    Ok(())
}

/// The swap of the request is not read (catalogue: memory-swap-from-package).
pub fn no_swap(call: &mut Call) -> Result<(), Answer> {
    drop_option(call, "MemorySwap")
}

/// The shares of the request are not read (catalogue: cpu-shares-from-package).
pub fn no_shares(call: &mut Call) -> Result<(), Answer> {
    drop_option(call, "CpuShares")
}

fn drop_option(call: &mut Call, key: &str) -> Result<(), Answer> {
    if let Some(body) = &mut call.json {
        take(body, "HostConfig", key);
    }
    Ok(())
}

/// The package of a container that is shown; the default one if it was not made here.
pub fn shown<'a>(call: &'a Call, id: &str) -> Option<&'a Package> {
    let world = &call.service.world;
    let record = call.service.state.container(id);
    let is_plain_label = !call.on("package-label-selects-size")
        && record.as_ref().is_some_and(|c| c.asked.get("Labels").is_some_and(|l| l.get(LABEL).is_some()));
    if is_plain_label {
        return None;
    }
    let remembered = record.map(|c| c.package);
    world.packages.iter().find(|p| Some(&p.name) == remembered.as_ref()).or_else(|| world.default_package())
}

fn asked_memory(call: &Call, id: &str) -> bool {
    call.service.state.container(id).is_some_and(|c| {
        c.asked.pointer("/HostConfig/Memory").and_then(Value::as_f64).is_some_and(|m| m > 0.0)
            || c.asked.get("Labels").is_some_and(|l| l.get(LABEL).is_some())
    })
}

fn id_of(container: &Value) -> String {
    super::json::text(container, "/Id").to_owned()
}

/// HostConfig.Memory where some was asked for (catalogue: memory-rounds-up-to-package).
pub fn rounded_memory(call: &Call, container: &mut Value) {
    show_memory(call, container, true);
}

/// HostConfig.Memory where none was asked for (catalogue: memory-default-1g).
pub fn default_memory(call: &Call, container: &mut Value) {
    show_memory(call, container, false);
}

fn show_memory(call: &Call, container: &mut Value, asked: bool) {
    let id = id_of(container);
    if asked_memory(call, &id) == asked
        && let Some(package) = shown(call, &id)
    {
        put(container, "HostConfig", "Memory", json!(package.memory_mib << 20));
    }
}

/// HostConfig.MemorySwap (catalogue: memory-swap-from-package).
pub fn swap(call: &Call, container: &mut Value) {
    if let Some(package) = shown(call, &id_of(container)) {
        put(container, "HostConfig", "MemorySwap", json!(package.swap_mib << 20));
    }
}

/// The shares in both places (catalogue: cpu-shares-from-package).
pub fn shares(call: &Call, container: &mut Value) {
    if let Some(package) = shown(call, &id_of(container)) {
        put(container, "HostConfig", "CpuShares", json!(package.cpu_shares));
        put(container, "Config", "CpuShares", json!(package.cpu_shares));
    }
}

/// Config.Memory and Config.MemorySwap (catalogue: inspect-config-memory-from-vm).
pub fn config_memory(call: &Call, container: &mut Value) {
    if let Some(package) = shown(call, &id_of(container)) {
        put(container, "Config", "Memory", json!(package.memory_mib << 20));
        put(container, "Config", "MemorySwap", json!(package.swap_mib << 20));
    }
}

/// Config.Labels names the package (catalogue: inspect-labels-package).
pub fn inspect_label(call: &Call, container: &mut Value) {
    label(call, container, "Config");
}

/// Config.Labels has the name of the package whatever word it was asked for by (catalogue:
/// label-joyent-namespace).
pub fn package_name(call: &Call, container: &mut Value) {
    if call.service.world.sees_packages
        && let Some(Value::String(_)) = container.pointer("/Config/Labels").and_then(|l| l.get(LABEL))
        && let Some(package) = shown(call, &id_of(container))
    {
        put(container, "Config/Labels", LABEL, json!(package.name));
    }
}

/// Labels are null where there are none, not even that of the package (catalogue:
/// label-null-when-empty).
pub fn null_labels(call: &Call, container: &mut Value) {
    if !call.service.world.sees_packages
        && super::json::object(container, "Config/Labels").is_some_and(|labels| labels.is_empty())
    {
        put(container, "Config", "Labels", Value::Null);
    }
}

/// The labels of a list entry name the package (catalogue: list-labels-package-unknown).
pub fn list_label(call: &Call, container: &mut Value) {
    label(call, container, "");
}

fn label(call: &Call, container: &mut Value, path: &str) {
    if !call.service.world.sees_packages {
        return;
    }
    let Some(package) = shown(call, &id_of(container)) else {
        return;
    };
    let labels = if path.is_empty() { "Labels" } else { "Config/Labels" };
    if super::json::object(container, labels).is_none() {
        put(container, path, "Labels", json!({}));
    }
    if let Some(labels) = super::json::object(container, labels) {
        labels.entry(LABEL).or_insert(json!(package.name));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn package_names_have_a_syntax() {
        assert!(is_package_name("sample-1G"));
        assert!(!is_package_name(""));
        assert!(!is_package_name("_x"));
        assert!(!is_package_name("bad..x"));
    }

    #[test]
    fn memory_is_told_in_whole_units() {
        assert_eq!(short(99_999_999_999.0), "93g");
        assert_eq!(short(5_000_000.0), "4m");
        assert_eq!(short(7.0), "7");
    }
}
