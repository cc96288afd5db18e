//! What a reference to an image says: where it comes from, and which it is.

/// The registry host of an image reference, by the rule of the reference grammar: the part before the first slash is a
/// host if it has a dot or a colon or is `localhost`; otherwise the image comes from Docker Hub.
pub(crate) fn registry_of(image: &str) -> Option<&str> {
    if image.is_empty() {
        return None;
    }
    match image.split_once('/') {
        Some((host, _)) if host.contains(['.', ':']) || host == "localhost" => Some(host),
        _ => Some("docker.io"),
    }
}

/// The image that a pull message names: kubelet quotes it.
pub(crate) fn image_in(message: &str) -> Option<&str> {
    let rest = message.split_once("image \"")?.1;
    rest.split_once('"').map(|(image, _)| image).filter(|image| !image.is_empty())
}

/// An image without its tag and its digest.
pub(crate) fn untagged(image: &str) -> &str {
    let image = image.split_once('@').map_or(image, |(image, _)| image);
    // A colon before the last slash stands before the port of a registry.
    match image.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => name,
        _ => image,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registries_follow_the_reference_grammar() {
        for (image, host) in [
            ("nginx", "docker.io"),
            ("library/nginx:1.27", "docker.io"),
            ("localhost/app", "localhost"),
            ("registry:5000/app", "registry:5000"),
            ("ghcr.io/acme/app@sha256:00", "ghcr.io"),
        ] {
            assert_eq!(registry_of(image), Some(host), "{image}");
        }
        assert_eq!(registry_of(""), None);
    }

    #[test]
    fn pull_messages_name_their_image() {
        assert_eq!(image_in("Back-off pulling image \"acme/app:2\""), Some("acme/app:2"));
        assert_eq!(image_in("Back-off restarting failed container"), None);
    }
}
