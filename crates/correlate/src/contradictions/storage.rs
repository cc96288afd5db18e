//! Claims for a class, a size or a mode that no volume offers and nothing provisions.

use super::{Estate, Finding};
use crate::asks::Asks;
use bellbuoy_core::Text;
use bellbuoy_core::object::Entity;
use bellbuoy_core::sign::VOLUME_NOT_OFFERED;
use bellbuoy_core::spec::Storage;

/// The provisioner of classes whose volumes somebody makes by hand.
const BY_HAND: &str = "kubernetes.io/no-provisioner";

impl Estate<'_> {
    /// A claim that waits for a volume which nobody will make.
    pub(super) fn at_claim(&self, name: &Entity, asks: &Asks, found: &mut Vec<Finding>) {
        let Some(wanted) = asks.storage.as_ref().filter(|_| &*asks.phase == "Pending") else { return };
        if asks.references.iter().any(|reference| &*reference.kind == "PersistentVolume") {
            self.missing_references(name, asks, found);
            return;
        }
        let class = match &wanted.class {
            Some(class) => class.clone(),
            None => match self.default_class() {
                Some(class) => class,
                None if self.covers("StorageClass", "") => "".into(),
                None => return,
            },
        };
        let known = self.topology.names.get(&Entity::new("StorageClass", "", &class));
        let provisioner =
            known.and_then(|id| self.asking.of(id)?.storage.as_ref()).map(|storage| &*storage.provisioner);
        let is_provisioned = provisioner.is_some_and(|provisioner| provisioner != BY_HAND && !provisioner.is_empty());
        let is_known = class.is_empty() || provisioner.is_some();
        if is_provisioned || !is_known && !self.covers("StorageClass", "") {
            return;
        }
        let volumes: Vec<_> = self
            .asking
            .in_place("PersistentVolume", "")
            .filter_map(|id| {
                let offer = self.asking.of(id)?;
                Some((self.topology.names.name(id).name, offer, offer.storage.as_ref()?))
            })
            .collect();
        let is_free = |offer: &Asks| matches!(&*offer.phase, "Available" | "");
        let of_class: Vec<_> =
            volumes.iter().filter(|(_, _, offer)| offer.class.as_deref().unwrap_or("") == &*class).collect();
        if of_class.iter().any(|(_, offer, volume)| is_free(offer) && lacks(wanted, volume).is_none()) {
            return;
        }
        let message = match (is_known, of_class.first()) {
            (false, None) => format!("it asks for storage class {class:?}, which does not exist"),
            (_, None) if class.is_empty() => {
                "it names no storage class, there is no default one, and no volume without a class".to_owned()
            }
            (_, None) => format!("nothing provisions storage class {class:?}, and no volume has it"),
            (_, Some(_)) => {
                let refusals: Vec<_> = of_class
                    .iter()
                    .take(3)
                    .map(|(volume, offer, storage)| match lacks(wanted, storage) {
                        Some(lack) => format!("{volume} {lack}"),
                        None => format!("{volume} is {}", offer.phase),
                    })
                    .collect();
                format!("no volume of class {class:?} offers what it asks for: {}", refusals.join("; "))
            }
        };
        let mut finding = Finding::new(VOLUME_NOT_OFFERED, message, asks);
        finding.evidence.extend(of_class.iter().take(2).map(|(_, offer, _)| offer.evidence));
        if !is_known && of_class.is_empty() {
            finding.names = Some(Entity::new("StorageClass", "", &class));
        }
        found.push(finding);
    }

    fn default_class(&self) -> Option<Text> {
        let classes = self.asking.in_place("StorageClass", "");
        let mut defaults = classes.filter(|id| {
            self.asking.of(*id).and_then(|asks| asks.storage.as_ref()).is_some_and(|storage| storage.is_default)
        });
        defaults.next().map(|id| self.topology.names.name(id).name)
    }
}

/// What a volume lacks for a claim.
fn lacks(wanted: &Storage, offer: &Storage) -> Option<String> {
    let mode = |mode: &Text| if mode.is_empty() { "Filesystem".into() } else { mode.clone() };
    if offer.bytes > 0 && offer.bytes < wanted.bytes {
        return Some(format!("has {} of the {} asked for", size(offer.bytes), size(wanted.bytes)));
    }
    if let Some(missing) = wanted.modes.iter().find(|mode| !offer.modes.contains(mode)) {
        return Some(format!("has no access mode {missing}, only {}", offer.modes.join(", ")));
    }
    if mode(&wanted.volume_mode) != mode(&offer.volume_mode) {
        return Some(format!("is of volume mode {}, not {}", mode(&offer.volume_mode), mode(&wanted.volume_mode)));
    }
    None
}

/// Bytes as Kubernetes writes them.
fn size(bytes: u64) -> String {
    let units = [("Ti", 40), ("Gi", 30), ("Mi", 20), ("Ki", 10)];
    let unit = units.iter().find(|(_, shift)| bytes >= 1 << shift && bytes.is_multiple_of(1 << shift));
    unit.map_or_else(|| bytes.to_string(), |(unit, shift)| format!("{}{unit}", bytes >> shift))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn storage(bytes: u64, modes: &[&str]) -> Storage {
        Storage { bytes, modes: modes.iter().map(|mode| Text::from(*mode)).collect(), ..Storage::default() }
    }

    #[test]
    fn a_volume_must_be_large_enough_and_of_the_mode() {
        let wanted = storage(10 << 30, &["ReadWriteMany"]);
        let lacks = |offer| lacks(&wanted, &offer);
        assert_eq!(lacks(storage(10 << 30, &["ReadWriteOnce", "ReadWriteMany"])), None);
        assert_eq!(lacks(storage(5 << 30, &["ReadWriteMany"])).as_deref(), Some("has 5Gi of the 10Gi asked for"));
        let mode = lacks(storage(20 << 30, &["ReadWriteOnce"]));
        assert_eq!(mode.as_deref(), Some("has no access mode ReadWriteMany, only ReadWriteOnce"));
    }
}
