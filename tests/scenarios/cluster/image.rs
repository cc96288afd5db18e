//! Where images come from, and why they do not.

use super::Cluster;
use super::id::Id;
use super::template::Container;

/// The host of an image's registry, as containerd completes it.
pub(crate) fn registry(image: &str) -> &str {
    match image.split_once('/') {
        Some((host, _)) if host.contains(['.', ':']) || host == "localhost" => host,
        _ => "docker.io",
    }
}

/// An image reference as containerd completes it.
pub(crate) fn completed(image: &str) -> String {
    match (registry(image), image.contains('/')) {
        ("docker.io", false) => format!("docker.io/library/{image}"),
        ("docker.io", true) if !image.starts_with("docker.io/") => format!("docker.io/{image}"),
        _ => image.to_owned(),
    }
}

impl Cluster {
    /// Why an image cannot be pulled: the waiting reason, and the words.
    pub(crate) fn pull_fault(&self, id: &Id, container: &Container) -> Option<(&'static str, String)> {
        let image = &container.image;
        if image.contains(' ') || image.split(':').next().is_some_and(|name| name.chars().any(char::is_uppercase)) {
            let why = format!(
                "couldn't parse image name \"{image}\": invalid reference format: repository name must be lowercase"
            );
            return Some(("InvalidImageName", format!("Failed to apply default image tag \"{image}\": {why}")));
        }
        let host = registry(image);
        let node = self.pods.get(id).and_then(|pod| self.nodes.get(&pod.node));
        let of_node = node.and_then(|node| node.pull_fault.clone());
        let why = of_node.or_else(|| self.registries.get(host).cloned()).or_else(|| self.images.get(image).cloned())?;
        if container.pull_policy == "Never" {
            let why = format!("Container image \"{image}\" is not present with pull policy of Never");
            return Some(("ErrImageNeverPull", why));
        }
        let (name, tag) = match image.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => (name, tag),
            _ => (image.as_str(), "latest"),
        };
        let path = name.strip_prefix(host).unwrap_or(name).trim_start_matches('/');
        let path = if host == "docker.io" && !path.contains('/') { format!("library/{path}") } else { path.to_owned() };
        let words = why
            .replace("{image}", &completed(image))
            .replace("{host}", if host == "docker.io" { "registry-1.docker.io" } else { host })
            .replace("{path}", &path)
            .replace("{tag}", tag);
        Some(("ErrImagePull", words))
    }
}

/// What containerd says of an image that its registry does not have.
pub(crate) const NOT_FOUND: &str = "rpc error: code = NotFound desc = failed to pull and unpack image \"{image}\": failed to resolve reference \"{image}\": {image}: not found";
/// Of a registry that wants other credentials.
pub(crate) const UNAUTHORIZED: &str = "rpc error: code = Unknown desc = failed to pull and unpack image \"{image}\": failed to resolve reference \"{image}\": failed to authorize: failed to fetch anonymous token: unexpected status from GET request to https://{host}/token?scope=repository%3A{path}%3Apull&service={host}: 401 Unauthorized";
/// Of a registry whose certificate nobody trusts.
pub(crate) const UNTRUSTED: &str = "rpc error: code = Unknown desc = failed to pull and unpack image \"{image}\": failed to resolve reference \"{image}\": failed to do request: Head \"https://{host}/v2/{path}/manifests/{tag}\": tls: failed to verify certificate: x509: certificate signed by unknown authority";
/// Of a registry that does not answer.
pub(crate) const UNREACHABLE: &str = "rpc error: code = Unknown desc = failed to pull and unpack image \"{image}\": failed to resolve reference \"{image}\": failed to do request: Head \"https://{host}/v2/{path}/manifests/{tag}\": dial tcp 10.96.40.17:443: i/o timeout";
/// Of a registry that refuses connections.
pub(crate) const REFUSED: &str = "rpc error: code = Unknown desc = failed to pull and unpack image \"{image}\": failed to resolve reference \"{image}\": failed to do request: Head \"https://{host}/v2/{path}/manifests/{tag}\": dial tcp 10.96.40.17:443: connect: connection refused";
/// Of a registry that counts pulls.
pub(crate) const RATE_LIMITED: &str = "rpc error: code = Unknown desc = failed to pull and unpack image \"{image}\": failed to copy: httpReadSeeker: failed open: unexpected status code https://{host}/v2/{path}/manifests/sha256:5f0c8a1e2b: 429 Too Many Requests - Server message: toomanyrequests: You have reached your pull rate limit. You may increase the limit by authenticating and upgrading: https://www.docker.com/increase-rate-limit";
/// Of a registry that is broken.
pub(crate) const BROKEN: &str = "rpc error: code = Unknown desc = failed to pull and unpack image \"{image}\": failed to resolve reference \"{image}\": unexpected status from HEAD request to https://{host}/v2/{path}/manifests/{tag}: 503 Service Unavailable";
/// Of an image without a manifest for the node's architecture.
pub(crate) const NO_PLATFORM: &str = "rpc error: code = NotFound desc = failed to pull and unpack image \"{image}\": no match for platform in manifest: not found";
/// Of a registry whose name does not resolve.
pub(crate) const NO_SUCH_HOST: &str = "rpc error: code = Unknown desc = failed to pull and unpack image \"{image}\": failed to resolve reference \"{image}\": failed to do request: Head \"https://{host}/v2/{path}/manifests/{tag}\": dial tcp: lookup {host} on 169.254.169.253:53: no such host";
