//! What the configuration says about Kafka, in the words of the crate that talks to it.

use anyhow::{Context, bail};
use bellbuoy_kafka::config::{Cadence, Config, Connection};
use bellbuoy_kafka::security as to;
use bellbuoy_wire::rules::settings as from;
use std::path::Path;
use std::time::Duration;

/// How to reach the cluster of the configuration.
///
/// # Errors
/// When the security settings lack something, or a secret cannot be read; the secret itself is never said.
pub(crate) fn connection(kafka: &from::Kafka) -> anyhow::Result<Connection> {
    let servers: Vec<&str> = kafka.bootstrap_servers.iter().map(|server| &**server).collect();
    let security = security(&kafka.security).context("failed to set kafka.security up")?;
    Ok(Connection { bootstrap_servers: servers.join(","), security, properties: kafka.properties.clone() })
}

/// The settings with what the command line names instead.
pub(crate) fn named(kafka: &from::Kafka, servers: Option<&str>, prefix: Option<&str>) -> from::Kafka {
    let mut kafka = kafka.clone();
    if let Some(servers) = servers {
        kafka.bootstrap_servers = servers.split(',').map(|server| server.trim().into()).collect();
    }
    if let Some(prefix) = prefix {
        kafka.topic_prefix = prefix.into();
    }
    kafka
}

/// How this process runs a stage.
pub(crate) fn runner(kafka: &from::Kafka, connection: Connection, member_id: String) -> Config {
    Config {
        connection,
        prefix: kafka.topic_prefix.to_string(),
        member_id,
        commit: Cadence {
            interval: duration(kafka.commit_every),
            records_max: usize::try_from(kafka.commit_records_max).unwrap_or(usize::MAX),
            bytes_max: usize::try_from(kafka.commit_bytes_max).unwrap_or(usize::MAX),
        },
        transaction_timeout: duration(kafka.transaction_timeout),
        session_timeout: duration(kafka.session_timeout),
        request_timeout: duration(kafka.request_timeout),
    }
}

/// A length of time for those who ask a clock.
pub(crate) fn duration(span: bellbuoy_core::time::Span) -> Duration {
    Duration::from_micros(u64::try_from(span.0).unwrap_or(0))
}

fn security(security: &from::Security) -> anyhow::Result<to::Security> {
    use from::Protocol;
    let tls = matches!(security.protocol, Protocol::Ssl | Protocol::SaslSsl).then(|| tls(&security.tls)).transpose()?;
    let has_sasl = matches!(security.protocol, Protocol::SaslPlaintext | Protocol::SaslSsl);
    let sasl = has_sasl.then(|| sasl(&security.sasl, &security.tls)).transpose()?;
    Ok(to::Security { tls, sasl })
}

fn tls(tls: &from::Tls) -> anyhow::Result<to::Tls> {
    let certificate = match (&tls.certificate_file, &tls.key_file) {
        (Some(chain), Some(key)) => Some(to::Certificate {
            chain: pem(chain)?,
            key: pem(key)?,
            key_password: secret("tls.key_password", &tls.key_password)?,
        }),
        (None, None) => None,
        (Some(_), None) => bail!("tls.certificate_file is given without tls.key_file: give both, or neither"),
        (None, Some(_)) => bail!("tls.key_file is given without tls.certificate_file: give both, or neither"),
    };
    let authorities = tls.ca_file.as_deref().map(pem).transpose()?;
    Ok(to::Tls { authorities, certificate, any_host_name: !tls.verify_hostname })
}

fn sasl(sasl: &from::Sasl, tls: &from::Tls) -> anyhow::Result<to::Sasl> {
    let login = || -> anyhow::Result<to::Login> {
        let password = secret("sasl.password", &sasl.password)?;
        match password {
            Some(password) if !sasl.username.is_empty() => {
                Ok(to::Login { username: sasl.username.to_string(), password })
            }
            _ => bail!("sasl.mechanism is {}, which needs sasl.username and sasl.password", sasl.mechanism.word()),
        }
    };
    Ok(match sasl.mechanism {
        from::Mechanism::Plain => to::Sasl::Plain(login()?),
        from::Mechanism::ScramSha256 => to::Sasl::ScramSha256(login()?),
        from::Mechanism::ScramSha512 => to::Sasl::ScramSha512(login()?),
        from::Mechanism::OauthBearer => {
            if sasl.token_url.is_empty() || sasl.client_id.is_empty() {
                bail!("sasl.mechanism is OAUTHBEARER, which needs sasl.token_url and sasl.client_id");
            }
            to::Sasl::Oidc(to::Oidc {
                token_endpoint_url: sasl.token_url.to_string(),
                client_id: sasl.client_id.to_string(),
                client_secret: secret("sasl.client_secret", &sasl.client_secret)?.unwrap_or_default(),
                scope: sasl.scope.to_string(),
                extensions: sasl.extensions.to_string(),
                authorities: tls.ca_file.as_deref().map(pem).transpose()?,
            })
        }
    })
}

/// A file that librdkafka will read: whether it is there is better said now, by its name.
fn pem(file: &Path) -> anyhow::Result<to::Pem> {
    std::fs::metadata(file).with_context(|| format!("failed to find the PEM file {}", file.display()))?;
    Ok(to::Pem::File(file.to_owned()))
}

fn secret(name: &str, secret: &from::Secret) -> anyhow::Result<Option<to::Secret>> {
    Ok(match secret {
        from::Secret::None => None,
        from::Secret::File(file) => {
            let text = std::fs::read_to_string(file);
            let text = text.with_context(|| format!("failed to read {name} from the file {}", file.display()))?;
            Some(to::Secret::new(text.trim_end_matches(['\r', '\n'])))
        }
        from::Secret::Env(variable) => match std::env::var(variable) {
            Ok(text) => Some(to::Secret::new(text)),
            Err(_) => bail!("{name} is to be read from the environment variable {variable}, which is not set to text"),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn a_secret_is_read_without_its_line_end_and_never_said() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"hunter2\r\n").unwrap();
        let read = secret("sasl.password", &from::Secret::File(file.path().to_owned())).unwrap().unwrap();
        assert_eq!(read, to::Secret::new("hunter2"));
        assert!(!format!("{read:?}").contains("hunter2"));
    }

    #[test]
    fn what_is_missing_is_named() {
        let with = |change: fn(&mut from::Security)| {
            let mut settings = from::Security { protocol: from::Protocol::SaslSsl, ..from::Security::default() };
            change(&mut settings);
            format!("{:#}", security(&settings).unwrap_err())
        };
        assert!(with(|_| {}).contains("sasl.username"));
        assert!(with(|s| s.sasl.mechanism = from::Mechanism::OauthBearer).contains("sasl.token_url"));
        assert!(with(|s| s.tls.ca_file = Some("/nowhere/ca.pem".into())).contains("/nowhere/ca.pem"));
        let variable = with(|s| s.sasl.password = from::Secret::Env("BELLBUOY_NO_SUCH_VARIABLE".into()));
        assert!(variable.contains("BELLBUOY_NO_SUCH_VARIABLE"), "{variable}");
        let key = with(|s| s.tls.key_file = Some("key.pem".into()));
        assert!(key.contains("tls.certificate_file"), "{key}");
    }
}
