//! Probes at ports, or in schemes, that no container of the pod serves.

use super::{Estate, Finding};
use crate::asks::{Asks, Serving};
use bellbuoy_core::sign::{PROBE_PORT_UNSERVED, PROBE_SCHEME};
use bellbuoy_core::spec::{ContainerPort, Probe};

/// Ports on which the sidecars of service meshes answer probes for the program behind them.
const MESH_PORTS: [u16; 4] = [15_020, 15_021, 4_191, 20_001];

impl Estate<'_> {
    /// Probes that cannot succeed.
    pub(super) fn at_probes(&self, asks: &Asks, found: &mut Vec<Finding>) {
        // A probe goes to the pod's address: any container of it may answer.
        let all: Vec<&ContainerPort> = asks.containers.iter().flat_map(|container| &container.ports).collect();
        for container in &asks.containers {
            for probe in container.probes.iter().filter(|probe| !probe.port.is_empty()) {
                found.extend(at_port(container, probe, &all, asks));
                found.extend(in_scheme(container, probe, asks));
            }
        }
    }
}

fn at_port(container: &Serving, probe: &Probe, all: &[&ContainerPort], asks: &Asks) -> Option<Finding> {
    let served = match probe.port.parse::<u16>() {
        // Who declares no port may serve any.
        Ok(number) => {
            container.ports.is_empty() || MESH_PORTS.contains(&number) || all.iter().any(|port| port.number == number)
        }
        Err(_) => container.ports.iter().any(|port| port.name == probe.port),
    };
    if served {
        return None;
    }
    let message = format!(
        "the {} probe of container {} goes to port {}, which it does not declare; it declares {}",
        probe.kind,
        container.name,
        probe.port,
        listed(&container.ports)
    );
    Some(Finding::new(PROBE_PORT_UNSERVED, message, asks))
}

/// A probe in HTTPS at a port that other probes or its name call HTTP, or the other way round.
fn in_scheme(container: &Serving, probe: &Probe, asks: &Asks) -> Option<Finding> {
    let wants_tls = match &*probe.scheme {
        "HTTP" => false,
        "HTTPS" => true,
        _ => return None,
    };
    let port = container.ports.iter().find(|port| is_port(port, &probe.port));
    let others = container.probes.iter().filter(|other| *other != probe && is_same_port(container, other, probe));
    let contradicts = |other: &&Probe| matches!(&*other.scheme, "HTTP" | "HTTPS") && other.scheme != probe.scheme;
    let other = others.into_iter().find(contradicts);
    let named = port.and_then(|port| speaks_tls(&port.name));
    let says = match (other, named) {
        // Of two probes that differ, the one that the port's name does not bear out is wrong; else the plainer is right.
        (Some(other), None) if wants_tls => format!("its {} probe speaks {}", other.kind, other.scheme),
        (_, Some(tls)) if tls != wants_tls => {
            format!("the port is called {}", port.map_or("", |port| &*port.name))
        }
        _ => return None,
    };
    let message = format!(
        "the {} probe of container {} speaks {} to port {}, but {says}",
        probe.kind, container.name, probe.scheme, probe.port
    );
    Some(Finding::new(PROBE_SCHEME, message, asks))
}

fn is_same_port(container: &Serving, a: &Probe, b: &Probe) -> bool {
    a.port == b.port || container.ports.iter().any(|port| is_port(port, &a.port) && is_port(port, &b.port))
}

/// Whether a port goes by a number or a name.
pub(super) fn is_port(port: &ContainerPort, wanted: &str) -> bool {
    !wanted.is_empty() && (*port.name == *wanted || wanted.parse() == Ok(port.number))
}

/// Whether a port's name says that it speaks TLS, or that it does not.
pub(super) fn speaks_tls(name: &str) -> Option<bool> {
    match name.split(['-', '_']).next() {
        Some("https") => Some(true),
        Some("http" | "http2" | "h2c") => Some(false),
        _ => None,
    }
}

/// Ports as a person would list them.
pub(super) fn listed(ports: &[ContainerPort]) -> String {
    let words = ports.iter().take(8).map(|port| match port.name.is_empty() {
        true => port.number.to_string(),
        false => format!("{} ({})", port.number, port.name),
    });
    let words: Vec<_> = words.collect();
    if words.is_empty() { "none".to_owned() } else { words.join(", ") }
}
