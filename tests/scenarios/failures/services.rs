//! Services that lead nowhere.

use super::Kind;
use crate::cluster::event::{Emitter, warning};
use crate::cluster::id::Id;
use crate::cluster::service::{ServicePort, Target};
use crate::cluster::template::Fate;
use crate::stage::{Fault, Stage};

pub(super) const KINDS: &[Kind] = &[
    Kind::new("service_selects_nothing", 22, selects_nothing),
    Kind::new("service_port_closed", 22, port_closed),
    Kind::new("service_port_name_unknown", 22, port_name_unknown),
    Kind::new("service_without_backends", 22, without_backends),
    Kind::new("replicas_at_zero", 22, replicas_at_zero),
    Kind::new("load_balancer_pending", 25, load_balancer_pending),
    Kind::new("ingress_controller_down", 22, ingress_down),
];

const WORDS: &[&str] = &["service", "endpoint", "selector", "port", "backend", "zero", "scaled", "replicas"];

/// The called one, whose callers feel it.
fn called(stage: &mut Stage) -> Id {
    let id = stage.called();
    for caller in stage.cluster.direct_callers(&id.as_kind("Service")) {
        stage.make_sensitive(&caller);
    }
    id
}

fn fault(stage: &Stage, id: &Id) -> Fault {
    Fault::of(&[&id.as_kind("Service"), id], WORDS).hurting(stage.callers(id))
}

fn selects_nothing(stage: &mut Stage) -> Fault {
    let id = called(stage);
    stage.cluster.with_service(&id.as_kind("Service"), |service| {
        service.selector = vec![("app".to_owned(), format!("{}-v2", service.id.name))];
    });
    fault(stage, &id)
}

fn port_closed(stage: &mut Stage) -> Fault {
    let id = called(stage);
    stage.cluster.with_service(&id.as_kind("Service"), |service| service.ports[0].target = Target::Number(8181));
    fault(stage, &id)
}

fn port_name_unknown(stage: &mut Stage) -> Fault {
    let id = called(stage);
    stage
        .cluster
        .with_service(&id.as_kind("Service"), |service| service.ports[0].target = Target::Name("web".to_owned()));
    fault(stage, &id)
}

fn without_backends(stage: &mut Stage) -> Fault {
    let id = called(stage);
    stage.cluster.befall(&id, |template| {
        template.fate = Fate::NeverReady("HTTP probe failed with statuscode: 503".to_owned());
    });
    for pod in stage.cluster.pods_of(&id) {
        stage.cluster.deadlock(&pod);
    }
    let mut fault = fault(stage, &id);
    fault.words = &["service", "endpoint", "probe", "ready", "unhealthy"];
    fault
}

fn replicas_at_zero(stage: &mut Stage) -> Fault {
    let id = called(stage);
    stage.cluster.scale(&id, 0);
    fault(stage, &id)
}

fn load_balancer_pending(stage: &mut Stage) -> Fault {
    let of = stage.victim();
    let id = Id::new("Service", &of.namespace, &format!("{}-public", of.name));
    let selector =
        stage.cluster.workloads.get(&of).map(|workload| workload.template().labels.clone()).unwrap_or_default();
    let ports = vec![ServicePort { name: "https".to_owned(), port: 443, target: Target::Name("http".to_owned()) }];
    stage.cluster.add_service(id.clone(), selector, ports, "LoadBalancer");
    let key = id.clone();
    for at in [5, 10, 20, 40, 80, 160, 300, 600, 900, 1200] {
        let id = key.clone();
        stage.cluster.after(at, move |cluster| {
            let Some(uid) = cluster.services.get(&id).map(|service| service.uid.clone()) else { return };
            let message = "Error syncing load balancer: failed to ensure load balancer: could not find any suitable subnets for creating the ELB";
            cluster.event(&Emitter::controller("service-controller"), &id, &uid, warning("SyncLoadBalancerFailed", message));
        });
    }
    Fault::of(&[&id], &["loadbalancer", "service", "balancer", "external"])
}

fn ingress_down(stage: &mut Stage) -> Fault {
    let id = Id::new("Deployment", "ingress-nginx", "ingress-nginx-controller");
    stage.cluster.befall(&id, |template| template.fate = Fate::Exits { code: 255, reason: "Error", after_secs: 6 });
    for pod in stage.cluster.pods_of(&id) {
        stage.cluster.after(2, move |cluster| cluster.end(&pod, 255, "Error", String::new()));
    }
    let hosts: Vec<Id> = stage.cluster.others.keys().filter(|id| id.kind == "Ingress").cloned().collect();
    Fault::of(&[&id, &id.as_kind("Service")], &["ingress", "crash", "backoff", "endpoint", "service", "ready"])
        .hurting(hosts)
}
