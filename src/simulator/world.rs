//! The world file: account, packages, networks, limits and times. Parsing only, no I/O.

use std::collections::BTreeMap;
use std::time::Duration;

use toml_edit::{Document, DocumentMut, Item, Table};

use super::gate::Gate;

/// Milliseconds by management call, on top of what the Docker beneath takes.
pub type Latency = BTreeMap<String, u64>;

/// A size that a container can have.
#[derive(Clone, Debug, PartialEq)]
pub struct Package {
    /// Its name, shown in the label `com.joyent.package`.
    pub name: String,
    /// Its UUID.
    pub id: String,
    /// Memory in MiB.
    pub memory_mib: u64,
    /// CPU shares.
    pub cpu_shares: u64,
    /// Swap in MiB.
    pub swap_mib: u64,
    /// Disk in MiB.
    pub disk_mib: u64,
}

/// A network or a pool of the account.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    /// Its name.
    pub name: String,
    /// Its UUID.
    pub id: String,
    /// overlay, external or pool.
    pub scope: String,
    /// The mtu, absent for pools.
    pub mtu: Option<u64>,
    /// The subnet, of a pool that of its first network.
    pub subnet: String,
    /// The gateway.
    pub gateway: String,
    /// Whether containers that name no network are on it.
    pub default: bool,
}

impl Network {
    /// The id that the Docker API shows: the UUID twice without dashes (catalogue: network-list-shape).
    pub fn docker_id(&self) -> String {
        self.id.replace('-', "").repeat(2)
    }
}

/// Everything that a simulator shows and that is not in the Docker beneath.
#[derive(Clone, Debug, PartialEq)]
pub struct World {
    /// The world's name, shown to the harness.
    pub name: String,
    /// The release it belongs to, if to one.
    pub release: Option<String>,
    /// The login of the account.
    pub account: String,
    /// The login of another account, and the token that stands for it.
    pub second: Option<(String, String)>,
    /// Whether it is behind TLS, and the certificate that the clients of a run show there: a file beside
    /// the test keys, or none.
    pub tls: Option<String>,
    /// The name of the data center.
    pub datacenter: String,
    /// The UUID of the zone that sdc-docker runs in.
    pub id: String,
    /// Config.Domainname when none is asked for.
    pub domain: String,
    /// The resolvers of a container.
    pub resolvers: Vec<String>,
    /// The platform of its servers, by its time.
    pub platform: String,
    /// Whether the account can see the packages.
    pub sees_packages: bool,
    /// Whether there are fabric networks.
    pub fabrics: bool,
    /// Whether there are NFS volumes.
    pub nfs_volumes: bool,
    /// The log drivers that are enabled.
    pub log_drivers: Vec<String>,
    /// The sizes of volumes in GiB.
    pub volume_sizes: Vec<u64>,
    /// The network that published ports are on.
    pub public_network: String,
    /// The memory of a container that asks for none, in MiB.
    pub default_package_mib: u64,
    /// The UUIDs that count as active SmartOS images.
    pub smartos_images: Vec<String>,
    /// The image that runs for a SmartOS image.
    pub smartos_runs_as: String,
    /// Where parts of SmartOS are mounted in a container.
    pub native_mounts: Vec<String>,
    /// How many local volumes a container may ask for.
    pub max_volumes: usize,
    /// How many containers it may take volumes from.
    pub max_volumes_from: usize,
    /// How many ports of a protocol may be published.
    pub max_ports: usize,
    /// How long a connection may be idle where a call sets no time of its own.
    pub idle: Duration,
    /// How long an attach waits for its container to be started.
    pub attachable: Duration,
    /// How large a log becomes before it is rotated, where nothing was asked for.
    pub log_bytes: u64,
    /// The packages.
    pub packages: Vec<Package>,
    /// The networks, in the order in which they are listed.
    pub networks: Vec<Network>,
    /// What stands before the calls.
    pub gate: Gate,
    /// The times of management calls.
    pub latency: Latency,
}

impl World {
    /// Reads a world from the text of its file; the error names the key.
    pub fn parse(text: &str) -> Result<World, String> {
        let document = Document::parse(text).map_err(|e| e.to_string())?;
        let root = document.as_table();
        let limits = section(root, "limits")?;
        let smartos = section(root, "smartos")?;
        let world = World {
            name: string(root, "name")?,
            release: root.get("release").map(|_| string(root, "release")).transpose()?,
            account: string(root, "account")?,
            second: root.get("second").map(|_| second(section(root, "second")?)).transpose()?,
            tls: root.get("tls").map(|_| string(root, "tls")).transpose()?,
            datacenter: string(root, "datacenter")?,
            id: string(root, "id")?,
            domain: string(root, "domain")?,
            resolvers: strings(root, "resolvers")?,
            platform: string(root, "platform")?,
            sees_packages: boolean(root, "sees-packages")?,
            fabrics: boolean(root, "fabrics")?,
            nfs_volumes: boolean(root, "nfs-volumes")?,
            log_drivers: strings(root, "log-drivers")?,
            volume_sizes: numbers(root, "volume-sizes")?,
            public_network: string(root, "public-network")?,
            default_package_mib: number(root, "default-package-mib")?,
            smartos_images: strings(smartos, "images")?,
            smartos_runs_as: string(smartos, "runs-as")?,
            native_mounts: strings(section(root, "filesystems")?, "native")?,
            max_volumes: size(limits, "volumes")?,
            max_volumes_from: size(limits, "volumes-from")?,
            max_ports: size(limits, "ports")?,
            idle: milliseconds(limits, "idle-ms")?,
            attachable: milliseconds(limits, "attachable-ms")?,
            log_bytes: number(limits, "log-bytes")?,
            packages: tables(root, "packages")?.map(package).collect::<Result<_, _>>()?,
            networks: tables(root, "networks")?.map(network).collect::<Result<_, _>>()?,
            gate: root
                .get("gate")
                .map(|_| Gate::read(section(root, "gate")?))
                .transpose()?
                .unwrap_or_default(),
            latency: latency(section(root, "latency")?)?,
        };
        if world.packages.is_empty() {
            return Err("packages: at least one is needed".to_owned());
        }
        Ok(world)
    }

    /// The name of the world that a world file goes on from, if it has a line `like = "NAME"`.
    pub fn like(text: &str) -> Option<String> {
        let document = Document::parse(text).ok()?;
        document.get("like").and_then(|item| item.as_str()).map(str::to_owned)
    }

    /// Reads a world that is like another but for what its file says: a table of it is laid over the
    /// other's, everything else takes its place.
    pub fn parse_over(base: &str, text: &str) -> Result<World, String> {
        let mut whole: DocumentMut = base.parse().map_err(|e: toml_edit::TomlError| e.to_string())?;
        let own: DocumentMut = text.parse().map_err(|e: toml_edit::TomlError| e.to_string())?;
        lay_over(whole.as_table_mut(), own.as_table());
        whole.remove("like");
        World::parse(&whole.to_string())
    }

    /// The network that containers are on when they name none.
    pub fn default_network(&self) -> Option<&Network> {
        self.networks.iter().find(|n| n.default)
    }

    /// The package that a container without a memory limit gets.
    pub fn default_package(&self) -> Option<&Package> {
        self.smallest_package(self.default_package_mib.saturating_mul(1 << 20))
    }

    /// The smallest package with at least so many bytes of memory.
    pub fn smallest_package(&self, bytes: u64) -> Option<&Package> {
        self.packages
            .iter()
            .filter(|p| p.memory_mib.saturating_mul(1 << 20) >= bytes)
            .min_by_key(|p| p.memory_mib)
    }
}

fn lay_over(base: &mut Table, own: &Table) {
    for (key, item) in own.iter() {
        match (base.get_mut(key), item) {
            (Some(Item::Table(base)), Item::Table(own)) => lay_over(base, own),
            _ => {
                base.insert(key, item.clone());
            }
        }
    }
}

fn second(table: &Table) -> Result<(String, String), String> {
    Ok((string(table, "account")?, string(table, "token")?))
}

fn package(table: &Table) -> Result<Package, String> {
    Ok(Package {
        name: string(table, "name")?,
        id: string(table, "id")?,
        memory_mib: number(table, "memory-mib")?,
        cpu_shares: number(table, "cpu-shares")?,
        swap_mib: number(table, "swap-mib")?,
        disk_mib: number(table, "disk-mib")?,
    })
}

fn network(table: &Table) -> Result<Network, String> {
    Ok(Network {
        name: string(table, "name")?,
        id: string(table, "id")?,
        scope: string(table, "scope")?,
        mtu: table.get("mtu").map(|_| number(table, "mtu")).transpose()?,
        subnet: string(table, "subnet")?,
        gateway: string(table, "gateway")?,
        default: table.get("default").is_some_and(|d| d.as_bool() == Some(true)),
    })
}

fn latency(table: &Table) -> Result<Latency, String> {
    table.iter().map(|(key, _)| Ok((key.to_owned(), number(table, key)?))).collect()
}

fn section<'a>(table: &'a Table, key: &str) -> Result<&'a Table, String> {
    table.get(key).and_then(|item| item.as_table()).ok_or_else(|| format!("{key}: a table is needed"))
}

fn tables<'a>(table: &'a Table, key: &str) -> Result<impl Iterator<Item = &'a Table>, String> {
    table
        .get(key)
        .and_then(|item| item.as_array_of_tables())
        .map(|array| array.iter())
        .ok_or_else(|| format!("{key}: a list of tables is needed"))
}

fn string(table: &Table, key: &str) -> Result<String, String> {
    table
        .get(key)
        .and_then(|item| item.as_str())
        .map(str::to_owned)
        .ok_or_else(|| format!("{key}: a string is needed"))
}

fn boolean(table: &Table, key: &str) -> Result<bool, String> {
    table.get(key).and_then(|item| item.as_bool()).ok_or_else(|| format!("{key}: true or false is needed"))
}

fn number(table: &Table, key: &str) -> Result<u64, String> {
    table
        .get(key)
        .and_then(|item| item.as_integer())
        .and_then(|n| u64::try_from(n).ok())
        .ok_or_else(|| format!("{key}: a number from 0 is needed"))
}

fn size(table: &Table, key: &str) -> Result<usize, String> {
    usize::try_from(number(table, key)?).map_err(|_| format!("{key}: too large"))
}

fn milliseconds(table: &Table, key: &str) -> Result<Duration, String> {
    number(table, key).map(Duration::from_millis)
}

fn strings(table: &Table, key: &str) -> Result<Vec<String>, String> {
    list(table, key, |v| v.as_str().map(str::to_owned))
}

fn numbers(table: &Table, key: &str) -> Result<Vec<u64>, String> {
    list(table, key, |v| v.as_integer().and_then(|n| u64::try_from(n).ok()))
}

fn list<T>(
    table: &Table,
    key: &str,
    read: impl Fn(&toml_edit::Value) -> Option<T>,
) -> Result<Vec<T>, String> {
    table
        .get(key)
        .and_then(|item| item.as_array())
        .and_then(|array| array.iter().map(read).collect())
        .ok_or_else(|| format!("{key}: a list of one kind is needed"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn default_world() -> World {
        World::parse(include_str!("../../fixtures/simulator/default.toml")).unwrap()
    }

    #[test]
    fn both_worlds_of_the_repository_load() {
        assert_eq!(default_world().name, "default");
        let old = World::parse(include_str!("../../fixtures/simulator/0.3.toml")).unwrap();
        assert_eq!(old.release.as_deref(), Some("0.3"));
        assert_eq!(old.release.as_deref(), Some("0.3"));
    }

    #[test]
    fn a_world_may_be_like_another() {
        let base = include_str!("../../fixtures/simulator/default.toml");
        for (text, fabrics, changes) in [
            (include_str!("../../fixtures/simulator/plain.toml"), false, true),
            (include_str!("../../fixtures/simulator/read-only.toml"), true, false),
        ] {
            assert_eq!(World::like(text).as_deref(), Some("default"));
            let world = World::parse_over(base, text).unwrap();
            assert_eq!((world.fabrics, world.gate.read_only.is_none()), (fabrics, changes), "{}", world.name);
            assert_eq!(world.packages, default_world().packages);
            assert_ne!(world.name, "default");
        }
        assert_eq!(World::like(base), None);
    }

    #[test]
    fn the_smallest_package_that_is_large_enough_is_chosen() {
        let world = default_world();
        let name = |bytes| world.smallest_package(bytes).map(|p| p.name.as_str());
        assert_eq!(name(300 << 20), Some("sample-512M"));
        assert_eq!(name(512 << 20), Some("sample-512M"));
        assert_eq!(name(1), Some("sample-128M"));
        assert_eq!(name(99_999_999_999), None);
        assert_eq!(world.default_package().unwrap().name, "sample-1G");
    }

    #[test]
    fn a_missing_key_is_named() {
        let error = World::parse("name = \"x\"\n").unwrap_err();
        assert!(error.contains("limits"), "{error}");
    }
}
