//! How a client proves who it is and checks whom it talks to.

use rdkafka::ClientConfig;
use std::fmt;
use std::path::PathBuf;

/// A text that is never printed.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Keeps a text from being printed.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// How a client connects. The default is neither encrypted nor authenticated.
#[derive(Clone, Debug, Default)]
pub struct Security {
    /// Encryption; none speaks plain text.
    pub tls: Option<Tls>,
    /// Authentication; none is anonymous, or by certificate.
    pub sasl: Option<Sasl>,
}

/// Encryption, and certificates.
#[derive(Clone, Debug, Default)]
pub struct Tls {
    /// Whose signature a broker's certificate needs; none takes the machine's own list.
    pub authorities: Option<Pem>,
    /// The client's own certificate, with its key.
    pub certificate: Option<Certificate>,
    /// Takes a certificate for another host name. For test clusters.
    pub any_host_name: bool,
}

/// A PEM text or where it lies.
#[derive(Clone, Debug)]
pub enum Pem {
    /// In a file (certificate authorities: or in a folder).
    File(PathBuf),
    /// The text itself.
    Text(Secret),
}

/// A client's certificate.
#[derive(Clone, Debug)]
pub struct Certificate {
    /// The certificate with its chain.
    pub chain: Pem,
    /// Its private key.
    pub key: Pem,
    /// What the key is encrypted with.
    pub key_password: Option<Secret>,
}

/// Authentication.
#[derive(Clone, Debug)]
pub enum Sasl {
    /// Name and password in the clear: only sensible over TLS.
    Plain(Login),
    /// SCRAM-SHA-256.
    ScramSha256(Login),
    /// SCRAM-SHA-512.
    ScramSha512(Login),
    /// OAUTHBEARER with tokens of an OpenID Connect provider, by the client credentials grant.
    Oidc(Oidc),
    /// OAUTHBEARER with unsigned tokens that the client makes for itself. For test clusters.
    UnsecuredToken {
        /// The principal that the token names.
        principal: String,
    },
}

/// A name and its password.
#[derive(Clone, Debug)]
pub struct Login {
    /// The name.
    pub username: String,
    /// Its password.
    pub password: Secret,
}

/// Where tokens come from.
#[derive(Clone, Debug, Default)]
pub struct Oidc {
    /// The provider's token endpoint.
    pub token_endpoint_url: String,
    /// The client's name at the provider.
    pub client_id: String,
    /// Its secret.
    pub client_secret: Secret,
    /// The scope to ask for; empty asks for none.
    pub scope: String,
    /// Extensions for the broker, `key=value` with commas; empty sends none.
    pub extensions: String,
    /// Whose signature the provider's certificate needs; none takes the machine's own list.
    pub authorities: Option<Pem>,
}

impl Security {
    /// Sets what librdkafka needs.
    pub(crate) fn apply(&self, client: &mut ClientConfig) {
        let protocol = match (&self.tls, &self.sasl) {
            (None, None) => "plaintext",
            (Some(_), None) => "ssl",
            (None, Some(_)) => "sasl_plaintext",
            (Some(_), Some(_)) => "sasl_ssl",
        };
        client.set("security.protocol", protocol);
        if let Some(tls) = &self.tls {
            tls.apply(client);
        }
        if let Some(sasl) = &self.sasl {
            sasl.apply(client);
        }
    }
}

impl Tls {
    fn apply(&self, client: &mut ClientConfig) {
        set_authorities(client, "ssl", self.authorities.as_ref());
        if let Some(certificate) = &self.certificate {
            set_pem(client, "ssl.certificate", &certificate.chain);
            set_pem(client, "ssl.key", &certificate.key);
            if let Some(Secret(password)) = &certificate.key_password {
                client.set("ssl.key.password", password);
            }
        }
        client.set("ssl.endpoint.identification.algorithm", if self.any_host_name { "none" } else { "https" });
    }
}

impl Sasl {
    fn apply(&self, client: &mut ClientConfig) {
        let mechanism = match self {
            Sasl::Plain(_) => "PLAIN",
            Sasl::ScramSha256(_) => "SCRAM-SHA-256",
            Sasl::ScramSha512(_) => "SCRAM-SHA-512",
            Sasl::Oidc(_) | Sasl::UnsecuredToken { .. } => "OAUTHBEARER",
        };
        client.set("sasl.mechanism", mechanism);
        match self {
            Sasl::Plain(login) | Sasl::ScramSha256(login) | Sasl::ScramSha512(login) => {
                client.set("sasl.username", &login.username).set("sasl.password", &login.password.0);
            }
            Sasl::Oidc(oidc) => oidc.apply(client),
            Sasl::UnsecuredToken { principal } => {
                client.set("enable.sasl.oauthbearer.unsecure.jwt", "true");
                client.set("sasl.oauthbearer.config", format!("principal={principal}"));
            }
        }
    }
}

impl Oidc {
    fn apply(&self, client: &mut ClientConfig) {
        client
            .set("sasl.oauthbearer.method", "oidc")
            .set("sasl.oauthbearer.token.endpoint.url", &self.token_endpoint_url)
            .set("sasl.oauthbearer.client.id", &self.client_id)
            .set("sasl.oauthbearer.client.secret", &self.client_secret.0);
        for (name, value) in [("scope", &self.scope), ("extensions", &self.extensions)] {
            if !value.is_empty() {
                client.set(format!("sasl.oauthbearer.{name}"), value);
            }
        }
        set_authorities(client, "https", self.authorities.as_ref());
    }
}

/// OpenSSL is built in and knows no list of this machine; `probe` looks where the usual systems keep theirs.
fn set_authorities(client: &mut ClientConfig, protocol: &str, authorities: Option<&Pem>) {
    match authorities {
        Some(pem) => set_pem(client, &format!("{protocol}.ca"), pem),
        None => drop(client.set(format!("{protocol}.ca.location"), "probe")),
    }
}

fn set_pem(client: &mut ClientConfig, name: &str, pem: &Pem) {
    match pem {
        Pem::File(path) => client.set(format!("{name}.location"), path.to_string_lossy()),
        Pem::Text(Secret(text)) => client.set(format!("{name}.pem"), text),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_printed() {
        let login = Login { username: "bell".into(), password: Secret::new("hunter2") };
        let oidc = Oidc { client_secret: Secret::new("hunter2"), ..Oidc::default() };
        let key = Certificate {
            chain: Pem::File("/tls/chain.pem".into()),
            key: Pem::Text(Secret::new("hunter2")),
            key_password: Some(Secret::new("hunter2")),
        };
        let tls = Tls { certificate: Some(key), ..Tls::default() };
        for sasl in [Sasl::Plain(login.clone()), Sasl::ScramSha256(login), Sasl::Oidc(oidc)] {
            let text = format!("{:?}", Security { tls: Some(tls.clone()), sasl: Some(sasl) });
            assert!(!text.contains("hunter2") && text.contains("/tls/chain.pem"), "{text}");
        }
    }

    #[test]
    fn the_protocol_follows_from_what_is_given() {
        let sasl = Some(Sasl::UnsecuredToken { principal: "bell".into() });
        for (tls, sasl, protocol) in [
            (None, None, "plaintext"),
            (Some(Tls::default()), None, "ssl"),
            (None, sasl.clone(), "sasl_plaintext"),
            (Some(Tls::default()), sasl, "sasl_ssl"),
        ] {
            let mut client = ClientConfig::new();
            Security { tls, sasl }.apply(&mut client);
            assert_eq!(client.get("security.protocol"), Some(protocol));
        }
    }
}
