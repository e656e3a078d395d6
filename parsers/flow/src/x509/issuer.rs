//! Which service issued a certificate, as probe/trust/services.py tells it.

/// The word of the record, `None` for an issuer that is none of those known.
pub fn service(issuer: &str, private_ca: bool) -> Option<&'static str> {
    if private_ca {
        return Some("aws_private_ca");
    }
    // Amazon Trust Services: https://www.amazontrust.com/repository/
    issuer.split([',', '+']).any(|attribute| attribute == "O=Amazon").then_some("aws_certificate_manager")
}

/// Whether an address in a certificate, of an OCSP responder or a revocation list, is one that AWS Private CA puts there.
pub fn is_of_private_ca(url: &[u8]) -> bool {
    let Some(url) = std::str::from_utf8(url).ok().map(str::to_ascii_lowercase) else { return false };
    let Some(rest) = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://")) else { return false };
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let aws = host.ends_with(".amazonaws.com") || host.ends_with(".amazonaws.com.cn");
    if host.starts_with("acm-pca-ocsp.") {
        return host.ends_with(".api.aws");
    }
    aws && (host.starts_with("ocsp.acm-pca.") || host.contains(".s3.") && is_list(path))
}

/// `/crl/` and the authority's UUID, which a part of a list may follow.
fn is_list(path: &str) -> bool {
    let Some(name) = path.strip_prefix("/crl/") else { return false };
    let Some((uuid, rest)) = name.split_at_checked(36) else { return false };
    let digit = |(at, b): (usize, u8)| if [8, 13, 18, 23].contains(&at) { b == b'-' } else { b.is_ascii_hexdigit() };
    uuid.bytes().enumerate().all(digit) && (rest == ".crl" || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_aws_private_ca() {
        let list = "http://b.s3.eu-west-1.amazonaws.com/crl/01234567-89ab-cdef-0123-456789abcdef";
        for (url, expected) in [
            ("http://ocsp.acm-pca.us-east-1.amazonaws.com", true),
            ("HTTP://OCSP.acm-pca.cn-north-1.amazonaws.com.cn/", true),
            ("http://acm-pca-ocsp.us-east-1.api.aws", true),
            (&format!("{list}.crl"), true),
            (&format!("{list}/part.crl"), true),
            (list, false),
            ("http://b.s3.eu-west-1.amazonaws.com/crl/mine.crl", false),
            ("http://ocsp.acm-pca.example", false),
            ("http://acm-pca-ocsp.example", false),
            ("ldap://ocsp.acm-pca.us-east-1.amazonaws.com", false),
            ("http://x/crl/üüüüüüüüüüüüüüüüüüüüü", false),
        ] {
            assert_eq!(is_of_private_ca(url.as_bytes()), expected, "{url}");
        }
    }

    #[test]
    fn names_of_amazon_trust_services() {
        for (issuer, private_ca, expected) in [
            ("CN=Amazon RSA 2048 M02,O=Amazon,C=US", false, Some("aws_certificate_manager")),
            ("CN=Our CA,O=Amazon", true, Some("aws_private_ca")),
            ("CN=Amazon RSA 2048 M02,O=Amazonas,C=BR", false, None),
        ] {
            assert_eq!(service(issuer, private_ca), expected, "{issuer}");
        }
    }
}
