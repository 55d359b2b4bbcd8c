//! Networks and volumes.

use super::Hook::{After, Answered, Before, Woven};
use super::{Behaviour, CREATE, INSPECT, VOLUMES, always};
use crate::simulator::route::Route as R;
use crate::simulator::{container_volumes, network, volume_filters, volumes};

#[rustfmt::skip]
pub static ALL: &[Behaviour] = &[
    // Networks.
    always(&["network-list-shape", "network-no-predefined", "network-list-filters-ignored"], "Networks of the account", &[
        Before(&[R::NetworkList], network::list), Before(&[R::NetworkInspect], network::inspect)]),
    always(&["network-create-not-implemented"], "docker network create", &[Before(&[R::NetworkCreate], network::create)]),
    always(&["network-rm-not-implemented"], "docker network rm", &[Before(&[R::NetworkDelete], network::rm)]),
    always(&["network-connect-not-implemented"], "docker network connect", &[Before(&[R::NetworkConnect], network::connect)]),
    always(&["network-disconnect-not-implemented"], "docker network disconnect", &[Before(&[R::NetworkDisconnect], network::disconnect)]),
    always(&["network-prune-not-implemented"], "docker network prune", &[Before(&[R::NetworkPrune], network::prune)]),
    // Volumes.
    always(&["volumes-disabled"], "Volumes are off", &[Before(VOLUMES, volumes::disabled)]),
    always(&["volume-driver-rules"], "Drivers of volumes", &[Before(&[R::VolumeCreate], volumes::driver)]),
    always(&["volume-name-rules"], "Names of volumes", &[
        Before(&[R::VolumeCreate, R::VolumeDelete, R::VolumeInspect], volumes::name_rules)]),
    always(&["volume-size-option"], "Sizes of volumes", &[Before(&[R::VolumeCreate], volumes::size)]),
    always(&["volume-network-option"], "Networks of volumes", &[Before(&[R::VolumeCreate], volumes::network)]),
    always(&["volume-list-filters"], "Filters of volumes", &[
        Before(&[R::VolumeList], volume_filters::check), After(&[R::VolumeList], volume_filters::whole_names)]),
    always(&["volume-not-reachable"], "Volumes of another network", &[Before(CREATE, container_volumes::reachable)]),
    always(&["volume-content-copy"], "New volumes are empty", &[Before(CREATE, container_volumes::no_content)]),
    always(&["volumes-from-own-volumes-only"], "Only volumes of one's own are taken over", &[After(INSPECT, container_volumes::show_sources)]),
    always(&["volume-create-duplicate"], "A volume that is there", &[Woven]),
    always(&["volume-create-slow"], "Making a volume takes its time", &[Woven]),
    always(&["volume-create-response"], "Making a volume tells its name", &[Answered(&[R::VolumeCreate], volumes::create_response)]),
    always(&["local-volumes-not-listed"], "Volumes without a name", &[After(&[R::VolumeList], volumes::list_named)]),
    always(&["volume-list-fields", "volume-auto-create"], "What volumes tell", &[
        After(&[R::VolumeInspect], volumes::fields), After(&[R::VolumeList], volumes::list_fields)]),
    always(&["volume-inspect-missing-404-empty"], "A missing volume", &[Woven]),
    always(&["volume-delete-errors"], "Removing a missing volume", &[Woven]),
];
