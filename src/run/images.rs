//! Images for a run: made from recipes, or the engine's own. What was made goes after the run.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::housekeeping::House;
use super::ledger::{Entry, Ledger, Left, Thing};
use super::recipe::Recipe;
use crate::engine::{Endpoint, PREFIX};

/// How long an import or a pull may take, before the timeout factor.
const LIMIT: Duration = Duration::from_secs(120);
/// What is used where no static busybox is at hand.
const STAND_IN: &str = "busybox:latest";

/// The images of a run on one engine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prepared {
    /// The engine's names, by capability; they belong into [`Endpoint::images`].
    pub images: BTreeMap<String, String>,
    /// The capabilities that cannot be had, with the reason.
    pub missing: BTreeMap<String, String>,
    /// Those that were made for this run.
    pub made: Vec<String>,
}

/// Sees to it that the engine has these images: those that it is configured with, else made from
/// `<fixtures>/images/`.
pub async fn prepare_images(
    endpoint: &Endpoint,
    names: &[String],
    fixtures: &Path,
    ledger: &Ledger,
) -> Prepared {
    let mut prepared = Prepared::default();
    let mut maker = match House::of(endpoint, LIMIT) {
        Ok(house) => Maker { house, endpoint, ledger, made: Vec::new() },
        Err(reason) => {
            prepared.missing = names.iter().map(|name| (name.clone(), reason.clone())).collect();
            return prepared;
        }
    };
    for name in names {
        let _wait = endpoint.waiting.begin(format!("image {name}"));
        let had = match endpoint.images.get(name) {
            Some(own) => maker.present(own).await.map(|()| own.clone()),
            None => maker.make(name, fixtures).await,
        };
        match had {
            Ok(image) => {
                prepared.images.insert(name.clone(), image);
            }
            Err(reason) => {
                prepared.missing.insert(name.clone(), reason);
            }
        }
    }
    prepared.made = maker.made;
    prepared
}

/// Removes the images that were made for the run; what stays is told to the ledger.
pub async fn remove_images(endpoint: &Endpoint, prepared: &Prepared, ledger: &Ledger) {
    let house = House::of(endpoint, LIMIT);
    for image in &prepared.made {
        let removed = match &house {
            Ok(house) => house.remove(Thing::Image, image).await,
            Err(reason) => Err(reason.clone()),
        };
        if let Err(reason) = removed {
            let (name, engine) = (image.clone(), endpoint.address.place());
            let entry = Entry { kind: Thing::Image, name, tag: String::new(), engine };
            ledger.leave(Left { entry, reason });
        }
    }
}

/// Who has images made on one engine.
struct Maker<'a> {
    house: House<'a>,
    endpoint: &'a Endpoint,
    ledger: &'a Ledger,
    made: Vec<String>,
}

impl Maker<'_> {
    /// Makes an image from its recipe.
    async fn make(&mut self, name: &str, fixtures: &Path) -> Result<String, String> {
        let recipe = Recipe::load(fixtures, name).map_err(|error| error.to_string())?;
        let repo = match recipe.repo.as_deref() {
            Some("uuid") => uuid_of(self.ledger.run_id()),
            Some(repo) => repo.to_owned(),
            None if self.endpoint.prefix == PREFIX => format!("divergence-{}-{name}", self.ledger.run_id()),
            None => format!("{}{}-{name}", self.endpoint.prefix, self.ledger.run_id()),
        };
        let image = format!("{repo}:latest");
        if self.house.has_image(&image).await? {
            return Ok(image);
        }
        let binary = match recipe.find_binary() {
            Ok(binary) => binary,
            // Without a configuration of its own any busybox will do.
            Err(reason) if name == recipe.binary => {
                let stand_in = self.present(STAND_IN).await;
                return stand_in.map(|()| STAND_IN.to_owned()).map_err(|other| format!("{reason}; {other}"));
            }
            Err(reason) => return Err(reason),
        };
        let archive = recipe.archive(&binary).map_err(|error| format!("pack image {name}: {error}"))?;
        self.note(&image)?;
        // From here on it may be there, whatever is answered.
        self.made.push(image.clone());
        let imported = self.house.import(&repo, &recipe.changes, archive).await;
        imported.map_err(|error| format!("the engine cannot import an image: {error}"))?;
        match self.house.has_image(&image).await? {
            true => Ok(image),
            false => Err("the engine took an image to import, and has none".to_owned()),
        }
    }

    /// Sees to it that an image is there, from a registry if need be; what is pulled goes after the run.
    async fn present(&mut self, image: &str) -> Result<(), String> {
        if self.house.has_image(image).await? {
            return Ok(());
        }
        self.note(image)?;
        self.made.push(image.to_owned());
        let pulled = self.house.pull(image).await;
        pulled.map_err(|error| format!("{image} is not there and cannot be pulled: {error}"))?;
        match self.house.has_image(image).await? {
            true => Ok(()),
            false => Err(format!("the engine took {image} to pull, and has none")),
        }
    }

    /// The tag stays empty: an image is told by its name alone, and its containers inherit labels.
    fn note(&self, image: &str) -> Result<(), String> {
        let noted = self.ledger.note(Thing::Image, image, "", &self.endpoint.address);
        noted.map_err(|error| format!("write the ledger: {error}"))
    }
}

/// A UUID of the run's own, for an image that is called by one.
fn uuid_of(run: &str) -> String {
    let digest = Sha256::digest(run.as_bytes());
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{}-{}-4{}-a{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..32])
}
