//! Images that do not come.

use super::Kind;
use crate::cluster::id::Id;
use crate::cluster::image::{self, registry};
use crate::stage::{Fault, Stage};

pub(super) const KINDS: &[Kind] = &[
    Kind::new("image_not_found", 22, not_found),
    Kind::new("image_unauthorized", 22, unauthorized),
    Kind::new("image_name_invalid", 22, invalid_name),
    Kind::new("image_for_another_platform", 22, no_platform),
    Kind::new("image_never_pulled", 22, never_pulled),
    Kind::new("pull_secret_missing", 22, pull_secret_missing),
    Kind::new("registry_unreachable", 22, |stage| registry_fails(stage, image::UNREACHABLE)),
    Kind::new("registry_refuses", 22, |stage| registry_fails(stage, image::REFUSED)),
    Kind::new("registry_untrusted", 22, |stage| registry_fails(stage, image::UNTRUSTED)),
    Kind::new("registry_rate_limited", 22, |stage| registry_fails(stage, image::RATE_LIMITED)),
    Kind::new("registry_broken", 22, |stage| registry_fails(stage, image::BROKEN)),
    Kind::new("registry_unresolvable", 22, |stage| registry_fails(stage, image::NO_SUCH_HOST)),
];

const WORDS: &[&str] = &["image", "pull", "registry"];

/// An image is named as it was asked for, or as containerd completes it.
fn images(reference: &str) -> Vec<Id> {
    vec![Id::new("Image", "", reference), Id::new("Image", "", &image::completed(reference))]
}

fn fault(stage: &Stage, id: &Id, reference: &str) -> Fault {
    let mut fault = Fault::of(&[id], WORDS).hurting(stage.callers(id));
    fault.entities.extend(images(reference));
    fault
}

fn tag(image: &str, tag: &str) -> String {
    let stem = image.rsplit_once(':').map_or(image, |(stem, _)| stem);
    format!("{stem}:{tag}")
}

/// Rolls an image out that cannot be pulled.
fn roll_out(stage: &mut Stage, words: &str) -> Fault {
    let id = stage.victim();
    let mut reference = String::new();
    stage.cluster.apply(&id, |template| {
        reference = tag(&template.main().image, "2.99.0-rc1");
        template.main().image = reference.clone();
    });
    stage.cluster.images.insert(reference.clone(), words.to_owned());
    fault(stage, &id, &reference)
}

fn not_found(stage: &mut Stage) -> Fault {
    roll_out(stage, image::NOT_FOUND)
}

fn unauthorized(stage: &mut Stage) -> Fault {
    roll_out(stage, image::UNAUTHORIZED)
}

fn no_platform(stage: &mut Stage) -> Fault {
    roll_out(stage, image::NO_PLATFORM)
}

fn invalid_name(stage: &mut Stage) -> Fault {
    let id = stage.victim();
    let mut reference = String::new();
    stage.cluster.apply(&id, |template| {
        let image = template.main().image.clone();
        let (path, name) = image.rsplit_once('/').unwrap_or(("", &image));
        reference = format!("{path}/{}", name.to_uppercase());
        template.main().image = reference.clone();
    });
    fault(stage, &id, &reference)
}

fn never_pulled(stage: &mut Stage) -> Fault {
    let id = stage.victim();
    let mut reference = String::new();
    stage.cluster.apply(&id, |template| {
        reference = tag(&template.main().image, "local-build");
        template.main().image = reference.clone();
        template.main().pull_policy = "Never";
    });
    stage.cluster.images.insert(reference.clone(), image::NOT_FOUND.to_owned());
    fault(stage, &id, &reference)
}

fn pull_secret_missing(stage: &mut Stage) -> Fault {
    let id = stage.victim();
    let mut reference = String::new();
    stage.cluster.apply(&id, |template| {
        reference = tag(&template.main().image, "3.0.0");
        template.main().image = reference.clone();
        template.pull_secret = Some("registry-pull-credentials".to_owned());
    });
    stage.cluster.images.insert(reference.clone(), image::UNAUTHORIZED.to_owned());
    let mut fault = fault(stage, &id, &reference);
    fault.entities.push(Id::new("Secret", &id.namespace, "registry-pull-credentials"));
    fault.words = &["image", "pull", "registry", "secret"];
    fault
}

/// Several workloads are rolled out while their registry fails.
fn registry_fails(stage: &mut Stage, words: &str) -> Fault {
    let first = stage.victim();
    let host = stage
        .cluster
        .workloads
        .get(&first)
        .map(|workload| registry(&workload.template().containers[0].image).to_owned());
    let host = host.unwrap_or_default();
    stage.cluster.registries.insert(host.clone(), words.to_owned());
    let of = |id: &&Id| {
        let workload = stage.cluster.workloads.get(id);
        workload.is_some_and(|workload| registry(&workload.template().containers[0].image) == host)
    };
    let mut hit: Vec<Id> = stage.apps.deployments.iter().filter(of).cloned().collect();
    stage.cluster.random.shuffle(&mut hit);
    hit.truncate(4);
    let mut fault = Fault::of(&[&Id::new("Registry", "", &host)], WORDS);
    for (at, id) in hit.iter().enumerate() {
        let (id, wait) = (id.clone(), at as i64 * 40);
        stage.cluster.after(wait, move |cluster| {
            cluster.apply(&id, |template| {
                template.main().image = tag(&template.main().image, "5.0.1");
                template.main().pull_policy = "Always";
            });
        });
    }
    // With one or two workloads nobody can tell whose fault it is.
    if hit.len() < 3 {
        fault.entities.extend(hit.iter().cloned());
        for id in &hit {
            let image = stage.cluster.workloads.get(id).map(|workload| workload.template().containers[0].image.clone());
            fault.entities.extend(images(&tag(&image.unwrap_or_default(), "5.0.1")));
        }
    }
    // Everything that is pulled from there meets the same, bystanders too.
    let callers: Vec<Id> = hit.iter().flat_map(|id| stage.callers(id)).collect();
    fault.hurting(hit).hurting(callers).hurting(stage.apps.bystanders.clone()).everywhere()
}
