//! Who gets in and who does not, against a server that wants TLS and a password or a token.

use bellbuoy_kafka::config::Connection;
use bellbuoy_kafka::error::Error;
use bellbuoy_kafka::security::{Login, Oidc, Pem, Sasl, Secret, Security, Tls};
use bellbuoy_kafka::topics::{Shape, ensure_topics};
use bellbuoy_tests::kafka_server::{KafkaServer, Setup};
use bellbuoy_tests::kafka_topics::Topics;
use bellbuoy_wire::topic::Topic;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

const PASSWORD: &str = "a-fair-wind";

/// A key for `localhost` in a store that the server reads, and its certificate as PEM, which signs itself.
fn certificate(folder: &Path) -> (String, String) {
    let store = folder.join("server.p12").display().to_string();
    let keytool = |arguments: &[&str]| {
        let mut command = Command::new("keytool");
        command.args(arguments).args(["-keystore", &store, "-storepass", PASSWORD, "-alias", "server"]);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        String::from_utf8(output.stdout).unwrap()
    };
    keytool(&[
        "-genkeypair",
        "-keyalg",
        "EC",
        "-groupname",
        "secp256r1",
        "-validity",
        "2",
        "-dname",
        "CN=localhost",
        "-ext",
        "san=dns:localhost",
        "-storetype",
        "PKCS12",
    ]);
    (store.clone(), keytool(&["-exportcert", "-rfc"]))
}

fn server(store: &str) -> KafkaServer {
    let jaas = |mechanism: &str, module: &str| {
        let name = format!("listener.name.secured.{mechanism}.sasl.jaas.config");
        (name, format!("org.apache.kafka.common.security.{module} required"))
    };
    let mut properties = vec![
        ("sasl.enabled.mechanisms".to_owned(), "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER".to_owned()),
        ("ssl.keystore.location".to_owned(), store.to_owned()),
        ("ssl.keystore.password".to_owned(), PASSWORD.to_owned()),
        ("ssl.keystore.type".to_owned(), "PKCS12".to_owned()),
    ];
    for (mechanism, module, options) in [
        ("plain", "plain.PlainLoginModule", format!(" user_bell=\"{PASSWORD}\"")),
        ("scram-sha-256", "scram.ScramLoginModule", String::new()),
        ("scram-sha-512", "scram.ScramLoginModule", String::new()),
        ("oauthbearer", "oauthbearer.OAuthBearerLoginModule", " unsecuredLoginStringClaim_sub=\"server\"".to_owned()),
    ] {
        let (name, value) = jaas(mechanism, module);
        properties.push((name, format!("{value}{options};")));
    }
    let scram = vec![("SCRAM-SHA-256", "bell", PASSWORD), ("SCRAM-SHA-512", "bell", PASSWORD)];
    KafkaServer::start(&Setup { listener: Some("SASL_SSL"), properties, scram })
}

/// A token endpoint that gives every client an unsigned token, as the server's default validator takes them.
fn token_endpoint() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/token", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0; 8_192];
            let length = stream.read(&mut request).unwrap();
            let request = String::from_utf8_lossy(&request[..length]).into_owned();
            assert!(request.starts_with("POST /token "), "{request}");
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
            let claims = format!("{{\"sub\":\"bell\",\"iat\":{now},\"exp\":{}}}", now + 3_600);
            let token = format!("{}.{}.", base64url(b"{\"alg\":\"none\"}"), base64url(claims.as_bytes()));
            let body = format!("{{\"access_token\":\"{token}\",\"token_type\":\"Bearer\",\"expires_in\":3600}}");
            let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length:";
            write!(stream, "{head} {}\r\n\r\n{body}", body.len()).unwrap();
        }
    });
    url
}

fn base64url(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for digit in 0..=chunk.len() {
            text.push(char::from(DIGITS[(bits >> (18 - 6 * digit) & 63) as usize]));
        }
    }
    text
}

#[test]
fn only_who_may_gets_in() {
    let folder = tempfile::tempdir().unwrap();
    let (store, authority) = certificate(folder.path());
    let server = server(&store);
    let topics = Topics::of(&server, "security");
    let trusting = Tls { authorities: Some(Pem::Text(Secret::new(authority))), ..Tls::default() };
    let connect = |tls: &Tls, sasl: Sasl| {
        let security = Security { tls: Some(tls.clone()), sasl: Some(sasl) };
        let connection = Connection { security, ..Connection::to(server.secured_servers.clone()) };
        let shape = Shape { partitions: 1, replication: None, request_timeout: Duration::from_secs(30) };
        ensure_topics(&connection, &topics.prefix, &[Topic::Journal], &shape)
    };
    let login = |password: &str| Login { username: "bell".into(), password: Secret::new(password) };
    let oidc = Oidc {
        token_endpoint_url: token_endpoint(),
        client_id: "bell".into(),
        client_secret: Secret::new("unused"),
        ..Oidc::default()
    };
    let may = [
        ("PLAIN", Sasl::Plain(login(PASSWORD))),
        ("SCRAM-SHA-256", Sasl::ScramSha256(login(PASSWORD))),
        ("SCRAM-SHA-512", Sasl::ScramSha512(login(PASSWORD))),
        ("OAUTHBEARER with a provider", Sasl::Oidc(oidc)),
        ("OAUTHBEARER of its own", Sasl::UnsecuredToken { principal: "bell".into() }),
    ];
    for (what, sasl) in may {
        connect(&trusting, sasl).unwrap_or_else(|error| panic!("{what}: {error}"));
    }
    for sasl in [Sasl::Plain(login("wrong")), Sasl::ScramSha256(login("wrong")), Sasl::ScramSha512(login("wrong"))] {
        let error = connect(&trusting, sasl).unwrap_err();
        assert!(matches!(error, Error::Refused { .. }), "{error}");
        let text = format!("{error} {error:?}").to_lowercase();
        assert!(text.contains("authentication") && !text.contains("wrong"), "{text}");
    }
    let error = connect(&Tls::default(), Sasl::Plain(login(PASSWORD))).unwrap_err();
    assert!(matches!(&error, Error::Refused { reason, .. } if reason.contains("certificate")), "{error}");
}
