//! What a conversation in the clear shows beside its protocol: who logged in, and whether HTTP only leads to HTTPS.

use crate::hash_key::{HashKey, SecretHmac};
use crate::json;
use transitproof_wire::Protocol;
use transitproof_wire::app::credentials::{self, Credential};
use transitproof_wire::app::http;
use transitproof_wire::app::upgrade::{self, Chance};

/// Worked out once, when the bytes are about to be dropped; the secret stays behind with them.
#[derive(Debug, Default)]
pub struct Clear {
    login: Option<Login>,
    http: Option<Http>,
    /// What became of the chance of TLS.
    chance: Option<Chance>,
}

#[derive(Debug)]
struct Login {
    kind: &'static str,
    account: Option<Box<[u8]>>,
    secret_hmac: Option<SecretHmac>,
}

#[derive(Debug)]
struct Http {
    host: Option<Box<[u8]>>,
    status: Option<u16>,
    redirect_to_https: bool,
    hsts: bool,
    /// What a request carried, in the words of `http.request_carries`.
    carries: Vec<&'static str>,
}

/// A longer name is none (RFC 1035 section 2.3.4), but for a port.
const MAX_HOST: usize = 261;

impl Clear {
    /// None if nothing is shown.
    pub fn of(protocol: Protocol, client: &[u8], server: &[u8], key: Option<&HashKey>) -> Option<Box<Self>> {
        let login = credentials::credentials(protocol, client, server).map(|found| Login::of(found, key));
        let http = (protocol == Protocol::Http).then(|| Http::of(&http::exchange(client, server)));
        let chance = upgrade::chance(protocol, client, server);
        (login.is_some() || http.is_some() || chance.is_some()).then(|| Box::new(Self { login, http, chance }))
    }

    /// A login by itself, in a connection that was told of before.
    pub fn of_login(found: Credential<'_>, key: Option<&HashKey>) -> Self {
        Self { login: Some(Login::of(found, key)), http: None, chance: None }
    }

    pub fn has_login(&self) -> bool {
        self.login.is_some()
    }

    /// `"credentials":[…],"http":{…}`.
    pub fn write_record(&self, out: &mut Vec<u8>) {
        if let Some(login) = &self.login {
            json::key(out, "credentials");
            out.extend_from_slice(b"[{");
            login.write(out, ["kind", "account", "secret_hmac"]);
            out.extend_from_slice(b"}]");
        }
        if let Some(http) = self.http.as_ref().filter(|http| http.host.is_some() || http.status.is_some()) {
            json::key(out, "http");
            out.push(b'{');
            if let Some(host) = &http.host {
                json::string(out, "host", host);
            }
            if let Some(status) = http.status {
                json::number(out, "status", u64::from(status));
            }
            http.write_flags(out, ["redirect_to_https", "hsts"]);
            out.push(b'}');
        }
    }

    pub fn write_facts(&self, out: &mut Vec<u8>) {
        if let Some(login) = &self.login {
            login.write(out, ["plaintext.credentials", "plaintext.account", "plaintext.secret_hmac"]);
        }
        if let Some(chance) = self.chance {
            json::word(out, "tls.starttls", chance.word());
        }
        if let Some(http) = &self.http {
            http.write_flags(out, ["http.redirect_to_https", "http.hsts"]);
            if http.redirect_to_https && !http.carries.is_empty() {
                json::words(out, "http.request_carries", http.carries.iter().copied());
            }
        }
    }
}

impl Login {
    fn of(found: Credential<'_>, key: Option<&HashKey>) -> Self {
        Self {
            kind: found.kind,
            account: found.account.map(|account| account.into_owned().into()),
            secret_hmac: key.and_then(|key| key.hash(found.secret)),
        }
    }

    fn write(&self, out: &mut Vec<u8>, [kind, account, secret_hmac]: [&str; 3]) {
        json::word(out, kind, self.kind);
        if let Some(name) = &self.account {
            json::string(out, account, name);
        }
        if let Some(hash) = &self.secret_hmac {
            json::key(out, secret_hmac);
            out.push(b'"');
            json::hex(out, hash);
            out.push(b'"');
        }
    }
}

impl Http {
    fn of(seen: &http::Exchange<'_>) -> Self {
        let carries = [(seen.cookie, "cookie"), (seen.body, "body")];
        Self {
            host: seen.host.filter(|host| (1..=MAX_HOST).contains(&host.len())).map(Into::into),
            status: seen.status,
            redirect_to_https: seen.redirect_to_https,
            hsts: seen.hsts,
            carries: carries.into_iter().filter(|(carried, _)| *carried).map(|(_, word)| word).collect(),
        }
    }

    fn write_flags(&self, out: &mut Vec<u8>, names: [&str; 2]) {
        for (name, holds) in names.into_iter().zip([self.redirect_to_https, self.hsts]) {
            if holds {
                json::boolean(out, name, true);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(protocol: Protocol, client: &[u8], server: &[u8], key: &[u8]) -> (String, String) {
        let clear = Clear::of(protocol, client, server, HashKey::new(key).as_ref()).unwrap();
        let shown = format!("{clear:?}");
        assert!(!shown.contains("sesame") && !shown.contains("115, 101, 115"));
        let (mut record, mut facts) = (Vec::new(), Vec::new());
        clear.write_record(&mut record);
        clear.write_facts(&mut facts);
        (String::from_utf8(record).unwrap(), String::from_utf8(facts).unwrap())
    }

    #[test]
    fn one_password_looks_the_same_wherever_it_is_used() {
        // openssl dgst -sha256 -hmac 0123456789abcdef over "sesame", the first 32 digits.
        let hash = "6316629e2ef4774d39ed1a4bc4bbc62e";
        let (record, facts) = written(Protocol::Ftp, b"USER joe\r\nPASS sesame\r\n", b"", b"0123456789abcdef");
        assert_eq!(
            record,
            format!("\"credentials\":[{{\"kind\":\"ftp_pass\",\"account\":\"joe\",\"secret_hmac\":\"{hash}\"}}]")
        );
        assert_eq!(
            facts,
            format!(
                "\"plaintext.credentials\":\"ftp_pass\",\"plaintext.account\":\"joe\",\"plaintext.secret_hmac\":\"{hash}\""
            )
        );
        let (redis, _) = written(Protocol::Redis, b"AUTH sesame\r\n", b"", b"0123456789abcdef");
        assert_eq!(redis, format!("\"credentials\":[{{\"kind\":\"redis_auth\",\"secret_hmac\":\"{hash}\"}}]"));
        let (record, _) = written(Protocol::Ftp, b"USER joe\r\nPASS sesame\r\n", b"", b"");
        assert_eq!(record, "\"credentials\":[{\"kind\":\"ftp_pass\",\"account\":\"joe\"}]");
    }

    #[test]
    fn http_that_leads_away() {
        let moved =
            b"HTTP/1.1 301 Moved\r\nContent-Length: 0\r\nLocation: https://a/\r\nStrict-Transport-Security: x\r\n\r\n";
        let (record, facts) = written(Protocol::Http, b"GET / HTTP/1.1\r\nHost: a\r\nCookie: x\r\n\r\n", moved, b"");
        assert_eq!(record, "\"http\":{\"host\":\"a\",\"status\":301,\"redirect_to_https\":true,\"hsts\":true}");
        assert_eq!(facts, "\"http.redirect_to_https\":true,\"http.hsts\":true,\"http.request_carries\":[\"cookie\"]");
    }
}
