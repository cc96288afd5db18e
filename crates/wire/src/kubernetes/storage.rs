//! Claims, volumes and storage classes: what is asked for, what is offered, and who has whom.

use crate::kubernetes::quantity;
use crate::kubernetes::raw::RawPiece;
use crate::kubernetes::workload::parse;
use crate::lenient::{List, Pairs, Part, Scalar, Str, or_default};
use bellbuoy_core::report::{ObjectReport, Reference};
use bellbuoy_core::spec::Storage;
use serde::Deserialize;

/// Access modes that are kept; Kubernetes knows four.
const MODES_MAX: usize = 8;

/// Named a class before there was a field for it, and goes before the field.
const CLASS_ANNOTATION: &str = "volume.beta.kubernetes.io/storage-class";

/// Mark the class that claims get which name none, today and in clusters that were made long ago.
const DEFAULT_ANNOTATIONS: [&str; 2] =
    ["storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class"];

/// Reads a PersistentVolumeClaim or a PersistentVolume.
pub(crate) fn read_volume(report: &mut ObjectReport, piece: &RawPiece<'_>) -> Result<(), serde_json::Error> {
    let spec: RawVolumeSpec<'_> = parse(piece.spec)?;
    let annotations = annotations(piece);
    let class = match annotations.get(CLASS_ANNOTATION) {
        "" => spec.storage_class_name.as_ref().map(Str::text),
        class => Some(class.into()),
    };
    let class_name = class.clone().unwrap_or_default();
    let needed = [
        ("PersistentVolume", spec.volume_name.text()),
        ("PersistentVolumeClaim", spec.claim_ref.name.text()),
        ("StorageClass", class_name),
    ];
    let needed = needed.into_iter().filter(|(_, name)| !name.is_empty());
    report.references =
        needed.map(|(kind, name)| Reference { kind: kind.into(), name, ..Reference::default() }).collect();
    // A claim requests, a volume has a capacity.
    let requests = spec.resources.get().and_then(|resources| resources.requests.get());
    let amount = requests.or(spec.capacity.get()).map_or("", |amount| amount.storage.as_str());
    report.storage = Some(Storage {
        class,
        bytes: quantity::bytes(amount).unwrap_or(0),
        modes: spec.access_modes.texts(MODES_MAX),
        volume_mode: spec.volume_mode.text(),
        ..Storage::default()
    });
    Ok(())
}

/// Reads a StorageClass.
pub(crate) fn read_class(report: &mut ObjectReport, piece: &RawPiece<'_>) {
    let annotations = annotations(piece);
    report.storage = Some(Storage {
        provisioner: piece.provisioner.text(),
        binding: piece.volume_binding_mode.text(),
        is_default: DEFAULT_ANNOTATIONS.iter().any(|name| annotations.get(name) == "true"),
        ..Storage::default()
    });
}

/// Annotations, or none where they are of a wrong type.
fn annotations<'a>(piece: &RawPiece<'a>) -> Pairs<'a> {
    let annotations = piece.metadata.annotations.map(|raw| serde_json::from_str::<Part<Pairs<'_>>>(raw.get()));
    annotations.and_then(Result::ok).and_then(|annotations| annotations.0).unwrap_or_default()
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RawVolumeSpec<'a> {
    #[serde(borrow)]
    volume_name: Str<'a>,
    #[serde(borrow)]
    storage_class_name: Option<Str<'a>>,
    #[serde(borrow, deserialize_with = "or_default")]
    claim_ref: RawClaim<'a>,
    #[serde(borrow)]
    resources: Part<RawResources<'a>>,
    #[serde(borrow)]
    capacity: Part<RawAmount<'a>>,
    #[serde(borrow)]
    access_modes: List<Scalar<'a>>,
    #[serde(borrow)]
    volume_mode: Scalar<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RawClaim<'a> {
    #[serde(borrow)]
    name: Str<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RawResources<'a> {
    #[serde(borrow)]
    requests: Part<RawAmount<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RawAmount<'a> {
    #[serde(borrow)]
    storage: Scalar<'a>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use bellbuoy_core::Text;

    fn read(text: &str) -> ObjectReport {
        let piece: RawPiece<'_> = serde_json::from_str(text).expect("a piece");
        let mut report = ObjectReport::default();
        match piece.kind.as_str() {
            "StorageClass" => read_class(&mut report, &piece),
            _ => read_volume(&mut report, &piece).expect("a volume"),
        }
        report
    }

    fn class(text: &str) -> Option<Text> {
        read(text).storage.and_then(|storage| storage.class)
    }

    #[test]
    fn a_class_may_be_absent_or_empty_or_in_an_annotation() {
        assert_eq!(class(r#"{"kind":"PersistentVolumeClaim","spec":{}}"#), None);
        assert_eq!(class(r#"{"kind":"PersistentVolumeClaim","spec":{"storageClassName":null}}"#), None);
        assert_eq!(class(r#"{"kind":"PersistentVolumeClaim","spec":{"storageClassName":""}}"#), Some("".into()));
        assert_eq!(
            class(
                r#"{"kind":"PersistentVolumeClaim","metadata":{"annotations":{"volume.beta.kubernetes.io/storage-class":"old"}},"spec":{}}"#
            ),
            Some("old".into())
        );
    }

    #[test]
    fn claims_request_and_volumes_offer() {
        let claim = read(
            r#"{"kind":"PersistentVolumeClaim","spec":{"accessModes":["ReadWriteOnce",7,{}],"resources":{"requests":{"storage":"10Gi"}},"storageClassName":"fast","volumeMode":"Block","volumeName":"pv-1"}}"#,
        );
        let storage = claim.storage.expect("storage");
        assert_eq!((storage.bytes, &*storage.volume_mode), (10 << 30, "Block"));
        assert_eq!(storage.modes, ["ReadWriteOnce".into(), Text::from("7")]);
        let names: Vec<_> = claim.references.iter().map(|r| format!("{} {}", r.kind, r.name)).collect();
        assert_eq!(names, ["PersistentVolume pv-1", "StorageClass fast"]);
        let volume = read(
            r#"{"kind":"PersistentVolume","spec":{"capacity":{"storage":"5G"},"accessModes":"ReadWriteMany","claimRef":{"name":"data","namespace":"shop"},"resources":[]}}"#,
        );
        assert_eq!(volume.storage.map(|storage| (storage.bytes, storage.modes)), Some((5_000_000_000, vec![])));
        assert_eq!(&*volume.references[0].name, "data");
    }

    #[test]
    fn a_class_says_how_it_binds_and_whether_it_is_the_default() {
        let of = |annotations: &str| {
            read(&format!(
                r#"{{"kind":"StorageClass","metadata":{{"annotations":{annotations}}},"provisioner":"ebs.csi.aws.com","volumeBindingMode":"WaitForFirstConsumer"}}"#
            ))
            .storage
            .expect("storage")
        };
        let class = of(r#"{"storageclass.kubernetes.io/is-default-class":"true"}"#);
        assert_eq!((&*class.provisioner, &*class.binding), ("ebs.csi.aws.com", "WaitForFirstConsumer"));
        assert!(class.is_default);
        assert!(of(r#"{"storageclass.beta.kubernetes.io/is-default-class":"true"}"#).is_default);
        assert!(!of(r#"{"storageclass.kubernetes.io/is-default-class":"false"}"#).is_default);
        assert!(!of("7").is_default && !of("null").is_default);
    }
}
