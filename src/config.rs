//! `engines.toml`: the endpoints of a user. Values only; nothing is asked here.

use std::collections::BTreeMap;

use crate::engine::Endpoint;
use crate::engine::address::Address;
use crate::mistake::{Mistake, Mistakes};
use crate::suite::reader::{Reader, root};

/// One entry of `engines.toml`.
#[derive(Clone, Debug)]
pub struct EngineConfig {
    /// Where it listens.
    pub address: Address,
    /// By how much its deadlines are longer.
    pub timeout_factor: f64,
    /// How many cases it can serve at a time.
    pub jobs: Option<usize>,
    /// Its own names of the images that scenarios need.
    pub images: BTreeMap<String, String>,
    /// The registry that it can push to and pull from.
    pub registry: Option<String>,
    /// The capabilities that it lacks, with the reasons.
    pub lacks: BTreeMap<String, String>,
}

impl EngineConfig {
    /// The endpoint that it describes.
    pub fn endpoint(&self) -> Endpoint {
        let mut endpoint = Endpoint::new(self.address.clone());
        endpoint.timeout_factor = self.timeout_factor;
        endpoint.images.clone_from(&self.images);
        if let Some(registry) = &self.registry {
            endpoint.registry.clone_from(registry);
        }
        endpoint.lacks.clone_from(&self.lacks);
        endpoint
    }
}

/// The keys of an entry.
pub const ENGINE_KEYS: &[&str] = &["address", "timeout-factor", "jobs", "images", "registry", "lacks"];

/// Reads the text of `engines.toml`: tables `[engines.NAME]`.
pub fn parse(file: &str, text: &str) -> Result<BTreeMap<String, EngineConfig>, Vec<Mistake>> {
    let mut mistakes = Mistakes::of(file);
    let mut found = BTreeMap::new();
    if let Some(table) = root(text, &mut mistakes) {
        let reader = Reader::new(&table, Some(0..0));
        reader.only(&["engines"], &mut mistakes);
        for (name, entry) in reader.named_tables("engines", &mut mistakes) {
            entry.only(ENGINE_KEYS, &mut mistakes);
            entry.need("address", "write address = \"tcp://host:port\"", &mut mistakes);
            let Some(text) = entry.string("address", &mut mistakes) else { continue };
            let address = match text.parse::<Address>() {
                Ok(address) => address,
                Err(error) => {
                    let help = "write unix:///path or tcp://host:port";
                    mistakes.add(entry.span_of("address"), error.to_string(), help);
                    continue;
                }
            };
            let pairs = |key: &str, mistakes: &mut Mistakes| {
                let pairs = entry.pairs(key, mistakes).into_iter();
                pairs.map(|(name, value, _)| (name, value.to_owned())).collect()
            };
            let config = EngineConfig {
                address,
                timeout_factor: entry.number("timeout-factor", &mut mistakes).unwrap_or(1.0),
                jobs: entry.count("jobs", &mut mistakes).and_then(|jobs| usize::try_from(jobs).ok()),
                images: pairs("images", &mut mistakes),
                registry: entry.string("registry", &mut mistakes).map(str::to_owned),
                lacks: pairs("lacks", &mut mistakes),
            };
            found.insert(name, config);
        }
    }
    if mistakes.found.is_empty() { Ok(found) } else { Err(mistakes.found) }
}
