//! Gathers the addresses of named settings: variables of a container, keys of a config map, lines of a file in one.

use crate::kubernetes::address::{self, Target, Trust};
use crate::lenient::capped;
use bellbuoy_core::spec::Address;

/// Addresses of one object that are kept, in its own order.
pub(crate) const ADDRESSES_MAX: usize = 64;

/// Bytes of one value that is read; no list of addresses is longer.
pub(crate) const VALUE_BYTES_MAX: usize = 4_096;

/// Findings of one object before equal ones fold, and ports that wait for their host.
const FINDINGS_MAX: usize = 4 * ADDRESSES_MAX;

/// Last words of names that promise an address.
const ADDRESS_WORDS: [&str; 20] = [
    "HOST",
    "HOSTS",
    "HOSTNAME",
    "HOSTNAMES",
    "ADDR",
    "ADDRS",
    "ADDRESS",
    "ADDRESSES",
    "SERVICE",
    "SERVICES",
    "URL",
    "URLS",
    "URI",
    "URIS",
    "ENDPOINT",
    "ENDPOINTS",
    "SERVER",
    "SERVERS",
    "BROKER",
    "BROKERS",
];

/// Words of names that promise something else.
const OTHER_WORDS: [&str; 33] = [
    "IMAGE",
    "IMAGES",
    "TAG",
    "VERSION",
    "USER",
    "USERNAME",
    "UID",
    "GID",
    "OWNER",
    "GROUP",
    "PASSWORD",
    "PASSWD",
    "PASS",
    "PWD",
    "SECRET",
    "TOKEN",
    "CREDENTIAL",
    "CREDENTIALS",
    "KEY",
    "LIMIT",
    "LIMITS",
    "TIMEOUT",
    "TTL",
    "LEVEL",
    "LEVELS",
    "WEIGHT",
    "WEIGHTS",
    "QUOTA",
    "SIZE",
    "RATIO",
    "TIME",
    "FORMAT",
    "PATTERN",
];

/// Words of names of what a program itself listens on.
const LISTENER_WORDS: [&str; 4] = ["LISTEN", "LISTENER", "LISTENERS", "BIND"];

/// Settings that stand together, so that a host and a port of one prefix are one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Section(u32);

/// Where a setting stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'p> {
    /// What stands beside it.
    pub(crate) section: Section,
    /// The variable or key that people will look for.
    pub(crate) key: &'p str,
    /// Whether a name such as `host` promises an address without a word before it. A variable of that name says where
    /// the program itself listens; a line of that name stands below the name of what it is about.
    pub(crate) is_line: bool,
}

/// The addresses found so far.
#[derive(Debug, Default)]
pub(crate) struct Settings {
    findings: Vec<Finding>,
    ports: Vec<(Section, String, u16)>,
    sections: u32,
}

#[derive(Debug)]
struct Finding {
    address: Address,
    section: Section,
    /// What a setting with its port would begin with.
    awaits: Option<String>,
}

impl Settings {
    /// Begins a section.
    pub(crate) fn section(&mut self) -> Section {
        self.sections += 1;
        Section(self.sections)
    }

    /// Takes a setting.
    pub(crate) fn take(&mut self, place: Place<'_>, name: &str, value: &str) {
        self.read(place, &Name::of(name), value, true);
    }

    fn read(&mut self, place: Place<'_>, name: &Name, value: &str, may_hold_options: bool) {
        let value = bare(value);
        if value.is_empty() || value.len() > VALUE_BYTES_MAX {
            return;
        }
        if name.last() == "PORT" {
            if let Some(port) = value.parse().ok().filter(|port| *port > 0)
                && self.ports.len() < FINDINGS_MAX
            {
                self.ports.push((place.section, name.prefix().to_owned(), port));
            }
            return;
        }
        let targets = address::read(value, name.trust(place.is_line));
        if targets.is_empty() && may_hold_options {
            return self.options(place, value);
        }
        let is_alone = targets.len() == 1;
        for Target { scheme, host, port } in targets {
            let may_wait = is_alone && port == 0 && (scheme.is_empty() || name.last().starts_with("HOST"));
            let awaits = may_wait.then(|| name.prefix().to_owned());
            let address = Address { key: capped(place.key), scheme: scheme.into(), host: host.into(), port };
            if self.findings.len() < FINDINGS_MAX {
                self.findings.push(Finding { address, section: place.section, awaits });
            }
        }
    }

    /// Reads a value that holds settings: `host=pg port=5432`, `-Dcart.url=http://cart`, `Server=mssql;Database=shop`.
    fn options(&mut self, place: Place<'_>, value: &str) {
        // A URL that was not understood may hold a password of any shape.
        if !value.contains('=') || address::begins_with_scheme(value) {
            return;
        }
        let place = Place { section: self.section(), is_line: true, ..place };
        // Commas part settings where nothing else does; in a list of hosts they part those.
        let is_spaced = value.contains([' ', '\t', ';']);
        let parts = |letter: char| matches!(letter, ' ' | '\t' | ';') || (letter == ',' && !is_spaced);
        let words = value.split(parts).filter(|word| !word.is_empty());
        for (name, value) in words.filter_map(|word| word.split_once('=')) {
            let name = name.trim().trim_start_matches('-');
            let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
            if !name.is_empty() && name.bytes().all(is_name) {
                self.read(place, &Name::of(name), value, false);
            }
        }
    }

    /// The addresses, sorted, each once, with the ports that stood beside them.
    pub(crate) fn addresses(self) -> Vec<Address> {
        let mut addresses: Vec<Address> = Vec::new();
        for Finding { mut address, section, awaits } in self.findings {
            if let Some(prefix) = awaits {
                let port = self.ports.iter().find(|(at, name, _)| *at == section && *name == prefix);
                address.port = port.map_or(0, |(_, _, port)| *port);
            }
            if addresses.len() < ADDRESSES_MAX && !addresses.contains(&address) {
                addresses.push(address);
            }
        }
        addresses.sort();
        addresses
    }
}

/// A value without the quotes around it and the mark behind it.
fn bare(value: &str) -> &str {
    let value = value.trim().trim_end_matches([',', ';']).trim_end();
    let quoted = |quote: char| value.strip_prefix(quote).and_then(|value| value.strip_suffix(quote));
    quoted('"').or_else(|| quoted('\'')).unwrap_or(value).trim()
}

/// The name of a setting as capital words with underscores between: `CART_DB_HOST` for `cart.dbHost` too.
struct Name(String);

impl Name {
    fn of(name: &str) -> Self {
        let mut words = String::with_capacity(name.len().min(VALUE_BYTES_MAX) + 4);
        let mut was_small = false;
        // No name of a variable or key is longer than this.
        for letter in name.bytes().take(253) {
            if !letter.is_ascii_alphanumeric() {
                if !words.is_empty() && !words.ends_with('_') {
                    words.push('_');
                }
                was_small = false;
                continue;
            }
            if letter.is_ascii_uppercase() && was_small {
                words.push('_');
            }
            words.push(char::from(letter.to_ascii_uppercase()));
            was_small = !letter.is_ascii_uppercase();
        }
        words.truncate(words.trim_end_matches('_').len());
        Self(words)
    }

    fn last(&self) -> &str {
        self.0.rsplit('_').next().unwrap_or_default()
    }

    /// What stands before the last word.
    fn prefix(&self) -> &str {
        self.0.rsplit_once('_').map_or("", |(prefix, _)| prefix)
    }

    fn trust(&self, is_line: bool) -> Trust {
        let has = |words: &[&str]| self.0.split('_').any(|word| words.contains(&word));
        let promises = ADDRESS_WORDS.contains(&self.last()) && (is_line || !self.prefix().is_empty());
        match () {
            () if has(&LISTENER_WORDS) => Trust::Denied,
            () if promises => Trust::Promised,
            () if has(&OTHER_WORDS) => Trust::Denied,
            () => Trust::Unknown,
        }
    }
}

#[cfg(test)]
pub(crate) fn shown(addresses: &[Address]) -> Vec<String> {
    let show = |address: &Address| {
        let scheme = if address.scheme.is_empty() { String::new() } else { format!("{}://", address.scheme) };
        let port = if address.port == 0 { String::new() } else { format!(":{}", address.port) };
        format!("{} {scheme}{}{port}", address.key, address.host)
    };
    addresses.iter().map(show).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(settings: &[(&str, &str)], expect: &[&str]) {
        let mut found = Settings::default();
        let section = found.section();
        for (name, value) in settings {
            found.take(Place { section, key: name, is_line: false }, name, value);
        }
        assert_eq!(shown(&found.addresses()), expect, "{settings:?}");
    }

    #[test]
    fn the_name_says_what_to_expect() {
        check(&[("CART_ADDR", "cart")], &["CART_ADDR cart"]);
        check(&[("CART", "cart")], &[]);
        check(&[("CART", "cart:80")], &["CART cart:80"]);
        check(&[("cartUrl", "cart")], &["cartUrl cart"]);
        check(&[("bootstrap.servers", "a:9092,b:9092")], &["bootstrap.servers a:9092", "bootstrap.servers b:9092"]);
        for name in ["CART_IMAGE", "RUN_AS_USER", "DB_PASSWORD", "API_KEY", "RATE_LIMIT", "LISTEN_ADDR", "BIND_HOST"] {
            check(&[(name, "cart:8080")], &[]);
        }
        check(
            &[("TOKEN_URL", "auth:8080"), ("USER_SERVICE_HOST", "users")],
            &["TOKEN_URL auth:8080", "USER_SERVICE_HOST users"],
        );
        check(&[("HOST", "cart"), ("SERVER", "cart")], &[]);
        check(&[("A_URL", "\"http://cart\""), ("B_URL", "'cart:80',")], &["A_URL http://cart", "B_URL cart:80"]);
    }

    #[test]
    fn a_host_and_a_port_of_one_prefix_are_one_address() {
        check(&[("REDIS_HOST", "redis"), ("REDIS_PORT", "6379")], &["REDIS_HOST redis:6379"]);
        check(&[("REDIS_PORT", "6379"), ("REDIS_HOST", "redis")], &["REDIS_HOST redis:6379"]);
        check(&[("DB_SERVICE_HOST", "db"), ("DB_SERVICE_PORT", "5432")], &["DB_SERVICE_HOST db:5432"]);
        check(&[("spring.redis.host", "redis"), ("spring.redis.port", "6379")], &["spring.redis.host redis:6379"]);
        check(&[("DB_HOST", "http://db"), ("DB_PORT", "81")], &["DB_HOST http://db:81"]);
        check(&[("DB_URL", "http://db"), ("DB_PORT", "81")], &["DB_URL http://db"]);
        check(&[("DB_HOST", "db:5432"), ("DB_PORT", "81")], &["DB_HOST db:5432"]);
        check(&[("DB_HOST", "a,b"), ("DB_PORT", "81")], &["DB_HOST a", "DB_HOST b"]);
        check(&[("DB_HOST", "db"), ("PORT", "81"), ("CART_PORT", "82")], &["DB_HOST db"]);
        for port in ["0", "65536", "http", "-1", "tcp://10.0.0.1:80"] {
            check(&[("DB_HOST", "db"), ("DB_PORT", port)], &["DB_HOST db"]);
        }
    }

    #[test]
    fn a_value_may_hold_settings() {
        check(&[("DSN", "host=pg port=5432 user=app password=hush:99 dbname=shop")], &["DSN pg:5432"]);
        check(&[("DB", "Host=pg;Port=5432;Username=app;Password=hush")], &["DB pg:5432"]);
        check(&[("DB", "host=pg,port=5432")], &["DB pg:5432"]);
        check(
            &[("JAVA_OPTS", "-Xmx1g -Dcart.url=http://cart:80 -Ddb.host=pg -Ddb.port=5432 -verbose")],
            &["JAVA_OPTS pg:5432", "JAVA_OPTS http://cart:80"],
        );
        check(&[("OTEL_RESOURCE_ATTRIBUTES", "service.name=cart,service.version=1.2")], &[]);
        check(&[("OPTS", "--a=b --c=d:e")], &[]);
    }

    #[test]
    fn there_is_a_limit_on_everything() {
        let many: Vec<String> = (0..1_000).map(|n| format!("h{n}:80")).collect();
        let mut found = Settings::default();
        let section = found.section();
        let place = Place { section, key: "K", is_line: false };
        many.iter().for_each(|value| found.take(place, "K", value));
        found.take(place, "K", &"h:80,".repeat(10_000));
        assert!(found.findings.len() <= FINDINGS_MAX);
        assert_eq!(found.addresses().len(), ADDRESSES_MAX);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn nothing_panics(settings in proptest::collection::vec(("\\PC{0,20}|[A-Za-z_.]{0,12}(HOST|PORT|url)", "\\PC{0,40}|[a-z:=;, \"'0-9./@-]{0,40}"), 0..20)) {
            let mut found = Settings::default();
            let section = found.section();
            for (name, value) in &settings {
                found.take(Place { section, key: name, is_line: name.len() % 2 == 0 }, name, value);
            }
            prop_assert!(found.addresses().len() <= ADDRESSES_MAX);
        }
    }
}
