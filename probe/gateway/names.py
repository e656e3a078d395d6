"""IANA's names (IKEv2 transform types 1 and 3) of what Linux and strongSwan call otherwise.

Linux: Documentation of the crypto API and net/xfrm/xfrm_algo.c; of AEADs the salt counts into the kernel's key.
"""

from typing import Final

_SALT_GCM: Final = 32
_SALT_CCM: Final = 24
_CIPHERS: Final = {
    "cbc(aes)": ("ENCR_AES_CBC", 0),
    "cbc(des3_ede)": ("ENCR_3DES", None),
    "cbc(des)": ("ENCR_DES", None),
    "cbc(cast5)": ("ENCR_CAST", 0),
    "cbc(blowfish)": ("ENCR_BLOWFISH", 0),
    "cbc(camellia)": ("ENCR_CAMELLIA_CBC", 0),
    "rfc3686(ctr(aes))": ("ENCR_AES_CTR", _SALT_GCM),
    "ecb(cipher_null)": ("ENCR_NULL", None),
}
_AEADS: Final = {
    "rfc4106(gcm(aes))": ("ENCR_AES_GCM_{octets}", _SALT_GCM),
    "rfc4309(ccm(aes))": ("ENCR_AES_CCM_{octets}", _SALT_CCM),
    "rfc4543(gcm(aes))": ("ENCR_NULL_AUTH_AES_GMAC", _SALT_GCM),
    "rfc7539esp(chacha20,poly1305)": ("ENCR_CHACHA20_POLY1305", None),
}
_INTEGRITY: Final = {
    ("hmac(md5)", 96): "AUTH_HMAC_MD5_96",
    ("hmac(sha1)", 96): "AUTH_HMAC_SHA1_96",
    ("hmac(sha256)", 128): "AUTH_HMAC_SHA2_256_128",
    ("hmac(sha384)", 192): "AUTH_HMAC_SHA2_384_192",
    ("hmac(sha512)", 256): "AUTH_HMAC_SHA2_512_256",
    ("cmac(aes)", 96): "AUTH_AES_CMAC_96",
    ("xcbc(aes)", 96): "AUTH_AES_XCBC_96",
}
_NO_INTEGRITY: Final = "digest_null"
# strongSwan's names of groups beside those that only differ in writing: CURVE_25519, ECP_384, MODP_2048.
_GROUPS: Final = {
    "modp1024160": "modp1024s160",
    "modp2048224": "modp2048s224",
    "modp2048256": "modp2048s256",
}


def cipher(name: str, bits: int) -> tuple[str, int | None]:
    """Name and key length; of ciphers whose keys have one length only, none."""
    known, salt = _CIPHERS.get(name, (name, 0))
    return known, None if salt is None else bits - salt


def aead(name: str, bits: int, icv_bits: int) -> tuple[str, int | None]:
    """The same of one that proves integrity too."""
    known, salt = _AEADS.get(name, (name, 0))
    return known.format(octets=icv_bits // 8) if name in _AEADS else known, None if salt is None else bits - salt


def integrity(name: str, bits: int) -> str | None:
    """`bits`: what is sent of the check value."""
    return None if name == _NO_INTEGRITY else _INTEGRITY.get((name, bits), f"{name} of {bits} bits")


def of_strongswan(kind: str, name: str) -> str:
    """`kind`: encr, integ, prf or ke. AES_GCM_16, HMAC_SHA2_256_128, PRF_HMAC_SHA2_256, CURVE_25519."""
    if kind == "ke":
        written = name.replace("_", "").lower()
        return _GROUPS.get(written, written)
    name = {"AES_CBC": "AES_CBC", "3DES_CBC": "3DES", "DES_CBC": "DES", "NULL": "NULL"}.get(name, name)
    return name if kind == "prf" else f"{'ENCR' if kind == 'encr' else 'AUTH'}_{name}"
