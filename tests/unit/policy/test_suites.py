"""Properties of suites, on names from the IANA registry of every shape."""

import pytest

from probe.policy.suites import properties


@pytest.mark.parametrize(
    ("suite", "expected"),
    [
        ("TLS_AES_128_GCM_SHA256", "aead"),
        ("TLS_CHACHA20_POLY1305_SHA256", "aead"),
        ("TLS_SHA256_SHA256", "null"),
        ("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "aead ecdhe"),
        ("TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "aead ecdhe"),
        ("TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", "cbc ecdhe"),
        ("TLS_ECDHE_RSA_WITH_NULL_SHA", "ecdhe null"),
        ("TLS_RSA_WITH_NULL_MD5", "null static_rsa"),
        ("TLS_NULL_WITH_NULL_NULL", "null"),
        ("TLS_RSA_WITH_RC4_128_SHA", "rc4 static_rsa"),
        ("TLS_RSA_WITH_3DES_EDE_CBC_SHA", "3des cbc static_rsa"),
        ("TLS_RSA_WITH_DES_CBC_SHA", "cbc des static_rsa"),
        ("TLS_RSA_WITH_IDEA_CBC_SHA", "cbc idea static_rsa"),
        ("TLS_RSA_EXPORT_WITH_RC4_40_MD5", "export rc4 static_rsa"),
        ("TLS_RSA_EXPORT_WITH_DES40_CBC_SHA", "cbc des export static_rsa"),
        ("TLS_RSA_EXPORT_WITH_RC2_CBC_40_MD5", "cbc export rc2 static_rsa"),
        ("TLS_DHE_RSA_WITH_AES_256_GCM_SHA384", "aead dhe"),
        ("TLS_DH_RSA_WITH_AES_256_CBC_SHA", "cbc static_dh"),
        ("TLS_ECDH_ECDSA_WITH_AES_128_GCM_SHA256", "aead static_dh"),
        ("TLS_DH_anon_WITH_AES_128_CBC_SHA", "anon cbc dhe"),
        ("TLS_DH_anon_EXPORT_WITH_RC4_40_MD5", "anon dhe export rc4"),
        ("TLS_ECDH_anon_WITH_AES_128_CBC_SHA", "anon cbc ecdhe"),
        ("TLS_PSK_WITH_AES_128_CCM_8", "aead psk"),
        ("TLS_RSA_PSK_WITH_AES_128_CBC_SHA", "cbc psk static_rsa"),
        ("TLS_KRB5_WITH_DES_CBC_MD5", "cbc des"),
        ("SSL_CK_DES_192_EDE3_CBC_WITH_MD5", "3des cbc static_rsa"),
        ("SSL_CK_RC4_128_EXPORT40_WITH_MD5", "export rc4 static_rsa"),
        ("TLS_FALLBACK_SCSV", ""),
        ("0x1a2b", ""),
    ],
)
def test_properties(suite: str, expected: str) -> None:
    assert " ".join(properties(suite)) == expected
