//! What counts as an address in a setting's value, and what is kept of it: scheme, host and port.
//!
//! An address is `scheme://host[:port]…`, or `host:port`, or a bare host where the setting's name promises one; lists
//! give several. User names, passwords, paths and queries are never kept: they hold secrets. Where it is not certain
//! which part is which, nothing is kept at all. Not addresses: what a program listens on at any address or at its own
//! loopback, IPv6 (no Service is named by it), buckets and files behind a scheme, images, times and ratios.

use std::net::Ipv4Addr;

/// What the name of a setting says of its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trust {
    /// An address is promised: a bare host counts, and so do numeric hosts and paths behind the port.
    Promised,
    /// Nothing is said: `host:port` counts where it looks like nothing else.
    Unknown,
    /// Something else is promised, an image or a password: only what has a scheme counts.
    Denied,
}

/// An address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Target {
    /// In lower case; empty for none.
    pub(crate) scheme: String,
    /// In lower case, without a final dot.
    pub(crate) host: String,
    /// 0 for none.
    pub(crate) port: u16,
}

/// Words that a setting may have instead of a host.
const NO_HOSTS: [&str; 18] = [
    "all", "any", "auto", "default", "disable", "disabled", "enable", "enabled", "false", "n", "nil", "no", "none",
    "null", "off", "on", "true", "yes",
];

/// Schemes with a bucket, a file or a runtime's own name where others have a host.
const NO_HOST_SCHEMES: [&str; 18] = [
    "abfs",
    "abfss",
    "classpath",
    "containerd",
    "cos",
    "cri-o",
    "docker",
    "docker-pullable",
    "file",
    "gs",
    "jar",
    "oss",
    "s3",
    "s3a",
    "s3n",
    "unix",
    "wasb",
    "wasbs",
];

/// Schemes of name resolution, with the address in the path: `dns:///cart:8080`.
const NAMING_SCHEMES: [&str; 2] = ["dns", "passthrough"];

/// The least port that a host of one word is believed to have where nothing promises an address; nothing listens below.
const PORT_MIN: u16 = 20;

/// Reads a value, without the quotes around it: a URL, an address, or a list of them. A list holds nothing else, save
/// for options such as `ssl=true`.
pub(crate) fn read(value: &str, trust: Trust) -> Vec<Target> {
    let mut targets = Vec::new();
    // A driver's own notation: `user:password@tcp(host:3306)/database`.
    if let Some((_, rest)) = value.split_once("@tcp(") {
        let inside = rest.split_once(')').map_or("", |(inside, _)| inside);
        targets.extend(endpoint(inside, Trust::Promised));
        return targets;
    }
    // Words without commas between are a sentence, unless each has a port or a scheme.
    let is_sentence = value.contains([' ', '\t', '\n']) && !value.contains(',');
    let trust = if is_sentence && trust == Trust::Promised { Trust::Unknown } else { trust };
    for word in value.split_whitespace() {
        let word = word.trim_matches(',');
        let before = targets.len();
        match begins_with_scheme(word) {
            true => urls(word, &mut targets),
            false if trust != Trust::Denied => list(word, trust, &mut targets),
            false => {}
        }
        if targets.len() == before {
            return Vec::new();
        }
    }
    targets
}

/// Whether a word is a URL, also one with the name of an interface before its scheme, such as `jdbc:`.
pub(crate) fn begins_with_scheme(word: &str) -> bool {
    word.split_once("://").is_some_and(|(scheme, _)| {
        scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.bytes().all(|byte| is_of_scheme(byte) || byte == b':')
    })
}

fn is_of_scheme(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.')
}

/// Reads URLs with commas between.
fn urls(word: &str, targets: &mut Vec<Target>) {
    let mut rest = Some(word);
    while let Some((scheme, behind)) = rest.and_then(|rest| rest.split_once("://")) {
        let next = next_url(behind);
        let scheme = scheme.rsplit(':').next().unwrap_or_default().to_ascii_lowercase();
        authority(scheme, next.map_or(behind, |next| &behind[..next - 1]), targets);
        rest = next.map(|next| &behind[next..]);
    }
}

/// Where another URL begins behind a comma. A URL in the query of this one is a part of it.
fn next_url(text: &str) -> Option<usize> {
    text.match_indices("://").find_map(|(at, _)| {
        let scheme = text[..at].bytes().rev().take_while(|byte| is_of_scheme(*byte) || *byte == b':').count();
        let begin = at - scheme;
        (scheme > 0 && begin > 0 && text.as_bytes()[begin - 1] == b',').then_some(begin)
    })
}

/// Reads what stands behind a scheme.
fn authority(scheme: String, text: &str, targets: &mut Vec<Target>) {
    let is_naming = NAMING_SCHEMES.contains(&&*scheme) && text.starts_with('/');
    let (scheme, text) = if is_naming { (String::new(), &text[1..]) } else { (scheme, text) };
    if NO_HOST_SCHEMES.contains(&&*scheme) {
        return;
    }
    let hosts = match text.rsplit_once('@') {
        // A password may hold anything, and nobody can tell it from a path any more; save for `/@scope` behind a host.
        Some((before, _)) if before.contains(['/', '?', '#', ';']) => {
            let host = text.split('/').next().unwrap_or_default();
            let are_scopes = text.matches('@').count() == text.matches("/@").count();
            if !are_scopes || host.contains([':', '?', '#', ';']) {
                return;
            }
            host
        }
        Some((_, behind)) => behind,
        None => text,
    };
    let end = hosts.find(['/', '?', '#', ';', '\\', '"', '\'', '<', '>', '`']).unwrap_or(hosts.len());
    for part in hosts[..end].split(',') {
        let (host, port) = part.split_once(':').unwrap_or((part, "0"));
        if let (Some(host), Some(port)) = (read_host(host, Trust::Promised), read_port(port)) {
            targets.push(Target { scheme: scheme.clone(), host, port });
        }
    }
}

/// Reads addresses without a scheme, with commas between; none where something else is among them.
fn list(word: &str, trust: Trust, targets: &mut Vec<Target>) {
    let before = targets.len();
    // What stands before is somebody's name and password, whatever it holds.
    let word = match word.rsplit_once('@') {
        // An address of mail, unless there is a port.
        Some((_, behind)) if !behind.contains(':') => return,
        Some((_, behind)) => behind,
        None => word,
    };
    for part in word.split([',', ';']).filter(|part| !part.is_empty() && !part.contains('=')) {
        match endpoint(part, trust) {
            Some(target) => targets.push(target),
            None => return targets.truncate(before),
        }
    }
}

/// Reads `host:port`, or a bare host where one is promised.
fn endpoint(text: &str, trust: Trust) -> Option<Target> {
    let text = match (text.find(['/', '?']), trust) {
        (None, _) => text,
        (Some(end), Trust::Promised) => &text[..end],
        // `team/app:1.2`, `ghcr.io:443/team/app`: an image, or a path.
        (Some(_), _) => return None,
    };
    let (host, port) = text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port)));
    match (port, trust) {
        (None, Trust::Promised) if !NO_HOSTS.contains(&&*host.to_ascii_lowercase()) => {
            read_host(host, trust).map(|host| Target { host, ..Target::default() })
        }
        (None, _) => None,
        (Some(port), _) => {
            let port = read_port(port).filter(|port| *port > 0)?;
            let is_likely = trust == Trust::Promised || host.contains('.') || port >= PORT_MIN;
            let host = read_host(host, trust).filter(|_| is_likely)?;
            Some(Target { scheme: String::new(), host, port })
        }
    }
}

/// A port in decimal digits; 0 for none.
fn read_port(text: &str) -> Option<u16> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

/// A name that DNS may have, or an IPv4 address where an address is promised; in lower case. Underscores are let through
/// there too: a program that is told one is told a name that no Service can have.
fn read_host(text: &str, trust: Trust) -> Option<String> {
    let text = text.strip_suffix('.').unwrap_or(text);
    let is_promised = trust == Trust::Promised;
    let is_part = |byte: u8| {
        byte.is_ascii_lowercase()
            || byte.is_ascii_digit()
            || byte == b'-'
            || (is_promised && (byte == b'_' || byte.is_ascii_uppercase()))
    };
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(is_part)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if text.len() > 253 || !text.split('.').all(is_label) {
        return None;
    }
    let host = text.to_ascii_lowercase();
    if host.bytes().any(|byte| byte.is_ascii_lowercase()) {
        let is_own = matches!(&*host, "localhost" | "localhost.localdomain" | "ip6-localhost" | "ip6-loopback")
            || host.ends_with(".localhost");
        return (!is_own).then_some(host);
    }
    let address: Ipv4Addr = host.parse().ok().filter(|_| is_promised)?;
    (!address.is_loopback() && !address.is_unspecified()).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(value: &str, trust: Trust) -> String {
        let show = |target: &Target| {
            let scheme = if target.scheme.is_empty() { String::new() } else { format!("{}://", target.scheme) };
            let port = if target.port == 0 { String::new() } else { format!(":{}", target.port) };
            format!("{scheme}{}{port}", target.host)
        };
        read(value, trust).iter().map(show).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn urls_are_addresses_whatever_the_setting_is_called() {
        for (value, expect) in [
            ("http://cart", "http://cart"),
            ("HTTP://Cart.Shop.svc.cluster.local.:8080/v1/items?key=1#x", "http://cart.shop.svc.cluster.local:8080"),
            ("https://api.example.com/v2", "https://api.example.com"),
            ("http://10.0.3.7:9090/metrics", "http://10.0.3.7:9090"),
            ("http://cart_service:8080", "http://cart_service:8080"),
            ("grpc://cart:7070", "grpc://cart:7070"),
            ("postgres://app:s3cret@pg.data:5432/shop?sslmode=disable", "postgres://pg.data:5432"),
            ("postgresql+asyncpg://app@pg/shop", "postgresql+asyncpg://pg"),
            ("redis://:p%40ss@redis-master:6379/0", "redis://redis-master:6379"),
            ("redis://user:p@ss:word@redis:6379", "redis://redis:6379"),
            ("amqp://guest:gu,est@rabbitmq:5672/%2f", "amqp://rabbitmq:5672"),
            ("amqp://u:$(PASSWORD)@rabbitmq:5672", "amqp://rabbitmq:5672"),
            ("jdbc:mysql://mysql:3306/shop?useSSL=false", "mysql://mysql:3306"),
            ("jdbc:postgresql://pg/shop", "postgresql://pg"),
            ("jdbc:sqlserver://mssql:1433;databaseName=shop", "sqlserver://mssql:1433"),
            ("r2dbc:pool:postgresql://pg:5432/shop", "postgresql://pg:5432"),
            (
                "mongodb://a:27017,b:27017,c.data:27018/db?replicaSet=rs0",
                "mongodb://a:27017 mongodb://b:27017 mongodb://c.data:27018",
            ),
            ("mongodb://u:p@a:27017,b:27017/db", "mongodb://a:27017 mongodb://b:27017"),
            ("PLAINTEXT://k-0.k:9092,PLAINTEXT://k-1.k:9092", "plaintext://k-0.k:9092 plaintext://k-1.k:9092"),
            ("PLAINTEXT://:9092,PLAINTEXT_HOST://0.0.0.0:29092", ""),
            ("amqp://u:p@a:5672,amqp://u:p@b:5672", "amqp://a:5672 amqp://b:5672"),
            ("http://a:1 https://b:2", "http://a:1 https://b:2"),
            ("nats://nats-0.nats:4222, nats://nats-1.nats:4222", "nats://nats-0.nats:4222 nats://nats-1.nats:4222"),
            ("dns:///cart:8080", "cart:8080"),
            ("tcp://172.20.0.1:443", "tcp://172.20.0.1:443"),
            ("http://cart:8080/go?next=http://other:1", "http://cart:8080"),
            ("https://cdn.example.com/npm/@scope/pkg", "https://cdn.example.com"),
            ("ldap://ldap.corp.example:389/dc=example,dc=com", "ldap://ldap.corp.example:389"),
        ] {
            for trust in [Trust::Promised, Trust::Unknown, Trust::Denied] {
                assert_eq!(shown(value, trust), expect, "{value} {trust:?}");
            }
        }
    }

    #[test]
    fn nothing_is_kept_of_what_may_be_a_secret_or_is_no_host() {
        for value in [
            "http://localhost:8080",
            "http://127.0.0.1:8080",
            "http://127.8.0.1",
            "http://0.0.0.0:80",
            "http://[::1]:80",
            "http://[2001:db8::1]/",
            "http://${HOST}:8080",
            "http://$(HOST):8080",
            "http://{{ .Host }}/",
            "http://<host>/",
            "http://:8080",
            "http:///path",
            "http://",
            "://cart:80",
            "http://cart:99999",
            "http://cart:http",
            "http://-cart",
            "http://a..b",
            "http://1234:80",
            "redis://user:pa/ss@redis:6379",
            "redis://user:12/34@redis:6379",
            "https://token/abc@github.com",
            "https://h/login?as=root@corp.example",
            "file:///etc/cart.yaml",
            "unix:///run/containerd.sock",
            "s3://bucket/prefix",
            "gs://bucket",
            "docker-pullable://cart@sha256:00",
            "see http://cart for more",
            "http",
        ] {
            for trust in [Trust::Promised, Trust::Unknown, Trust::Denied] {
                if value == "http" && trust == Trust::Promised {
                    continue;
                }
                assert_eq!(shown(value, trust), "", "{value} {trust:?}");
            }
        }
    }

    #[test]
    fn hosts_with_a_port_are_addresses_unless_something_else_is_promised() {
        for (value, expect) in [
            ("redis:6379", "redis:6379"),
            ("cart.shop.svc.cluster.local:80", "cart.shop.svc.cluster.local:80"),
            ("cart.shop:7", "cart.shop:7"),
            ("kafka-0.kafka:9092,kafka-1.kafka:9092", "kafka-0.kafka:9092 kafka-1.kafka:9092"),
            ("a:9092, b:9092", "a:9092 b:9092"),
            ("a:9092 b:9092", "a:9092 b:9092"),
            ("redis:6379,ssl=False,abortConnect=False", "redis:6379"),
            ("user:secret@db:5432", "db:5432"),
        ] {
            assert_eq!(shown(value, Trust::Unknown), expect, "{value}");
            assert_eq!(shown(value, Trust::Promised), expect, "{value}");
            assert_eq!(shown(value, Trust::Denied), "", "{value}");
        }
        assert_eq!(shown("shop:s3cret@tcp(mysql:3306)/shop?parseTime=true", Trust::Unknown), "mysql:3306");
    }

    #[test]
    fn other_things_with_a_colon_are_no_addresses() {
        for value in [
            "nginx:1.25",
            "nginx:latest",
            "registry.example/team/app:1.2",
            "ghcr.io/team/app:7",
            "registry:5000/team/app",
            "team/app",
            "app@sha256:0123456789abcdef",
            "12:30",
            "10:30:00",
            "2026-11-21T10:00:00Z",
            "1:2",
            "level:3",
            "redis:7",
            "127.0.0.1:8080",
            "0.0.0.0:8080",
            "10.0.0.1:8080",
            ":8080",
            "localhost:8080",
            "::1",
            "fe80::1:80",
            "[::1]:80",
            "zoo1:2888:3888",
            "cart:0",
            "cart:65536",
            "cart:-1",
            "cart:+80",
            "cart:",
            "cart",
            "Cart:8080",
            "a b:80",
            "k=v:80",
            "/var/run:80",
            "$HOST:80",
            "",
            " ",
            ",",
            "a:80,b",
        ] {
            assert_eq!(shown(value, Trust::Unknown), "", "{value}");
        }
    }

    #[test]
    fn a_promised_address_may_be_bare_or_numeric_or_have_a_path() {
        for (value, expect) in [
            ("redis", "redis"),
            ("Redis.Data", "redis.data"),
            ("pg.data.svc.cluster.local.", "pg.data.svc.cluster.local"),
            ("a,b,c", "a b c"),
            ("cart:8080/v1", "cart:8080"),
            ("cart/v1", "cart"),
            ("10.0.3.7", "10.0.3.7"),
            ("10.0.3.7:5432", "10.0.3.7:5432"),
            ("redis:7", "redis:7"),
            ("zk-0:2181,zk-1:2181/kafka", "zk-0:2181 zk-1:2181"),
            ("cart_db", "cart_db"),
        ] {
            assert_eq!(shown(value, Trust::Promised), expect, "{value}");
        }
        for value in [
            "true",
            "None",
            "0",
            "8080",
            "127.0.0.1",
            "0.0.0.0",
            "localhost",
            "::",
            "ops@example.com",
            "/api/v1",
            "*",
            "a,,:",
        ] {
            assert_eq!(shown(value, Trust::Promised), "", "{value}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn nothing_panics_and_what_is_found_is_sound(
            value in "([a-zA-Z0-9.:/@,;=?#_ $()\\[\\]{}-]|://|@tcp\\(|\\PC){0,60}",
            trust in prop::sample::select(vec![Trust::Promised, Trust::Unknown, Trust::Denied]),
        ) {
            for Target { scheme, host, .. } in read(&value, trust) {
                prop_assert!(!host.is_empty() && host.len() <= 253);
                prop_assert!(host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b)), "{host}");
                prop_assert!(scheme.bytes().all(is_of_scheme), "{scheme}");
            }
        }

        #[test]
        fn no_password_is_kept(password in "[a-zA-Z0-9!:;,/?#@$%&*()_+=-]{4,20}") {
            for value in [
                format!("redis://app:{password}@zzz-redis:6379/0"),
                format!("app:{password}@zzz-redis:6379"),
                format!("app:{password}@tcp(zzz-redis:6379)/db"),
            ] {
                for target in read(&value, Trust::Promised) {
                    let is_theirs = target.host == "zzz-redis" && [0, 6379].contains(&target.port);
                    prop_assert!(is_theirs, "{value}: {target:?}");
                }
            }
        }
    }
}
