//! Named volumes on NFS (sdc-docker `lib/endpoints/volumes.js`), really made beneath.

use serde_json::{Value, json};

use super::answer::{Answer, Body};
use super::call::Call;
use super::json::{keep, put, take, text};
use super::network;
use super::route::Route;
use super::state::{Memory, Volume};

/// Whether a volume may be called so.
pub fn is_name(name: &str) -> bool {
    name.len() >= 2
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c))
}

/// The feature is off in a data center unless the operator turned it on
/// (catalogue: volumes-disabled).
pub fn disabled(call: &mut Call) -> Result<(), Answer> {
    match call.service.world.nfs_volumes {
        true => Ok(()),
        false => Err(Answer::error(500, "Volumes are not supported")),
    }
}

/// Names of volumes; one that is missing is noticed later (catalogue: volume-name-rules).
pub fn name_rules(call: &mut Call) -> Result<(), Answer> {
    let name = match call.route {
        Some(Route::VolumeCreate) => match call.json.as_ref().and_then(|body| body.get("Name")) {
            None => return Ok(()),
            Some(Value::String(name)) if name.is_empty() => return Ok(()),
            Some(Value::String(name)) => name.clone(),
            Some(_) => return Err(Answer::invalid("volume name must be a string")),
        },
        _ => call.name().to_owned(),
    };
    let is_made = call.route == Some(Route::VolumeCreate);
    match () {
        () if !is_name(&name) => Err(Answer::invalid(format!("{name} is not a valid volume name"))),
        () if is_made && name.len() > 256 => Err(Answer::invalid("volume name is too long")),
        () => Ok(()),
    }
}

/// Only the driver of Triton, which local means as well (catalogue: volume-driver-rules).
pub fn driver(call: &mut Call) -> Result<(), Answer> {
    let body = call.json.get_or_insert_with(|| json!({}));
    match body.get("Driver") {
        Some(Value::String(driver)) if driver == "local" || driver == "tritonnfs" => {
            put(body, "", "Driver", json!("local"));
            Ok(())
        }
        Some(Value::String(driver)) => Err(Answer::invalid(format!(
            "{driver} is not a supported volume driver. Supported volume drivers are: tritonnfs"
        ))),
        _ => Err(Answer::invalid("volume driver must be a string")),
    }
}

/// Sizes are whole gigabytes that the data center offers; of the other options only the network
/// counts (catalogue: volume-size-option; sdc-docker `lib/validate.js:662-677`).
pub fn size(call: &mut Call) -> Result<(), Answer> {
    let Some(body) = &mut call.json else { return Ok(()) };
    let size = take(body, "DriverOpts", "size");
    keep(body, "DriverOpts", &["network"]);
    let Some(size) = size else { return Ok(()) };
    let told = size.as_str().map_or_else(|| size.to_string(), str::to_owned);
    let Some(gigabytes) = size.as_str().and_then(gigabytes) else {
        return Err(Answer::invalid(format!("Volume size: \"{told}\" is not a valid volume size")));
    };
    let sizes = &call.service.world.volume_sizes;
    if sizes.contains(&gigabytes) {
        return Ok(());
    }
    let offered: Vec<String> = sizes.iter().map(|size| format!("{size}G")).collect();
    let message = format!("Volume size not available. Available sizes: {}", offered.join(", "));
    Err(Answer::coded(500, "Error", message))
}

/// The number of a size such as `10G` (sdc-docker `lib/volumes.js:30-49`).
fn gigabytes(size: &str) -> Option<u64> {
    let digits = size.strip_suffix('G')?;
    let is_number = !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit());
    is_number.then(|| digits.parse().unwrap_or(u64::MAX))
}

/// The network of a volume is one of the account's (catalogue: volume-network-option).
pub fn network(call: &mut Call) -> Result<(), Answer> {
    let Some(body) = &mut call.json else { return Ok(()) };
    let Some(network) = take(body, "DriverOpts", "network") else { return Ok(()) };
    network::resolve(&call.service.world.networks, network.as_str().unwrap_or_default()).map(|_| ())
}

/// Serves the volume calls.
pub async fn serve(call: &mut Call, route: Route) -> Answer {
    match route {
        Route::VolumeCreate => create(call).await,
        Route::VolumeDelete => {
            call.service.pause("volume-create-slow", "volume-rm").await;
            let mut answer = call.forward().await;
            let name = call.name().to_owned();
            if answer.status == 404 && call.on("volume-delete-errors") {
                answer = Answer::error(500, format!("Could not find volume with name: {name}"));
            } else if answer.status == 409 && call.on("volume-delete-errors") {
                let message = format!("problem deleting volume: Volume with name {name} is used");
                answer = Answer::coded(409, "VolumeInUse", message);
            } else if !answer.is_error() {
                call.service.state.change(|memory| memory.volumes.remove(&name));
            }
            answer
        }
        Route::VolumeInspect => {
            let answer = call.forward().await;
            match answer.status == 404 && call.on("volume-inspect-missing-404-empty") {
                true => Answer::empty(404),
                false => answer,
            }
        }
        _ => call.forward().await,
    }
}

/// Whether the fields of a create are of types that its handler takes (sdc-docker
/// `lib/endpoints/volumes.js:51-58`; catalogue: uncaught-exception-drops-connection).
fn is_taken(body: &Value) -> bool {
    let is_object = |key: &str| body.get(key).is_none_or(|value| value.is_null() || value.is_object());
    body.get("Name").is_some() && is_object("DriverOpts") && is_object("Labels")
}

async fn create(call: &mut Call) -> Answer {
    let taken = call.json.as_ref().is_none_or(is_taken);
    if !taken && call.on("uncaught-exception-drops-connection") {
        return Answer::new(0, Body::Drop);
    }
    call.service.pause("volume-create-slow", "volume-create").await;
    let name = call.json.as_ref().map(|body| text(body, "/Name").to_owned()).unwrap_or_default();
    let labels = call.json.as_ref().and_then(|body| body.get("Labels")).cloned();
    if call.on("volume-create-duplicate") && !name.is_empty() {
        let target = format!("/v1.41/volumes/{}", super::route::encode(&name));
        let ask = super::docker::Ask::new(hyper::Method::GET, target);
        if call.service.docker.json(ask).await.is_ok() {
            let message = format!("problem creating volume: Volume with name {name} already exists");
            return Answer::coded(409, "VolumeAlreadyExists", message);
        }
    }
    if let Some(Value::Object(labels)) = call.json.as_mut().and_then(|body| body.get_mut("Labels")) {
        // Nobody checks what a label holds; Docker takes texts only, and shows none of them.
        labels
            .values_mut()
            .filter(|value| !value.is_string())
            .for_each(|value| *value = json!(value.to_string()));
    }
    let asked = text(&call.asked, "/DriverOpts/network");
    let network = network::resolve(&call.service.world.networks, asked).ok();
    let network = network.filter(|_| call.on("volume-network-option")).map(|network| network.name.clone());
    let mut answer = call.forward().await;
    if let Some(name) = answer.value().map(|value| text(value, "/Name").to_owned()) {
        call.service.state.change(|memory| {
            memory.addresses += 1;
            let number = memory.addresses;
            memory.volumes.entry(name).or_insert(Volume { labels, number, network });
        });
    }
    answer
}

/// A bad name in Docker's own words, where those of sdc-docker are switched off, is a 422 all the same
/// (catalogue: error-422-for-bad-input).
pub fn bad_name_is_422(_: &Call, answer: &mut Answer) {
    let why = super::create::fault_text(answer);
    if answer.status == 400
        && ["characters for a local volume name", "name is too short"].iter().any(|rule| why.contains(rule))
    {
        *answer = Answer::invalid(why.to_owned());
    }
}

/// The name alone, with 200 (catalogue: volume-create-response).
pub fn create_response(_: &Call, answer: &mut Answer) {
    if answer.status == 201 {
        answer.status = 200;
        if let Some(value) = answer.value() {
            *value = json!({ "Name": text(value, "/Name") });
        }
    }
}

/// What a volume tells (catalogue: volume-list-fields).
pub fn fields(call: &Call, volume: &mut Value) {
    let name = text(volume, "/Name").to_owned();
    let known = call.service.state.read(|memory| memory.volumes.get(&name).cloned()).unwrap_or_default();
    let mut told = json!({"Name": name, "Driver": "tritonnfs"});
    if let Some(labels) = known.labels.filter(|labels| !labels.is_null()) {
        put(&mut told, "", "Labels", labels);
    }
    put(&mut told, "", "Mountpoint", json!(format!("192.168.128.{}:/exports/data", known.number % 200)));
    *volume = told;
}

/// The same in a list, which has no warnings (catalogue: volume-list-fields).
pub fn list_fields(call: &Call, list: &mut Value) {
    let mut volumes = list.get("Volumes").and_then(Value::as_array).cloned().unwrap_or_default();
    // In the order in which they were made (recorded so).
    volumes.sort_by_key(|volume| {
        let number = |memory: &Memory| memory.volumes.get(text(volume, "/Name")).map(|known| known.number);
        call.service.state.read(number)
    });
    volumes.iter_mut().for_each(|volume| fields(call, volume));
    *list = json!({ "Volumes": volumes });
}

/// Volumes without a name belong to their zone (catalogue: local-volumes-not-listed).
pub fn list_named(_: &Call, list: &mut Value) {
    if let Some(volumes) = list.get_mut("Volumes").and_then(Value::as_array_mut) {
        volumes.retain(|volume| !is_anonymous(text(volume, "/Name")));
    }
}

/// Whether a volume belongs to the one container that it was made for.
pub fn is_anonymous(name: &str) -> bool {
    name.len() == 64 && name.chars().all(|c| c.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_whole_gigabytes() {
        assert_eq!(gigabytes("10G"), Some(10));
        for bad in ["10", "G", "10g", "-1G", "1.5G", "10GB"] {
            assert_eq!(gigabytes(bad), None, "{bad}");
        }
    }
}
