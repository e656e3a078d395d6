"""Configuration: what it says, and what is refused and how."""

from pathlib import Path
from typing import Any

import pytest

from probe.publish.settings import AWS_ALPN, SettingsError, load, read

MQTT = {"host": "broker.example"}
BASE: dict[str, Any] = {"identity": {"id": "gw-1", "site": "fra1"}, "mqtt": MQTT}


def test_the_defaults_are_tls_and_bounded() -> None:
    settings = read(BASE)
    assert settings.mqtt is not None
    assert (settings.mqtt.where, settings.mqtt.tls, settings.mqtt.plain) == (8883, "1.2", False)
    assert settings.mqtt.rate == (None, None)
    assert settings.spool.size == 64 << 20
    assert settings.probe == "gw-1"


def test_the_profile_of_aws() -> None:
    mqtt = read({**BASE, "mqtt": {**MQTT, "profile": "aws-iot-core", "port": 443}}).mqtt
    assert mqtt is not None
    assert (mqtt.protocols, mqtt.rate) == ((AWS_ALPN,), (50.0, 320 * 1024))


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "unknown key": ({"mqtt": {**MQTT, "hots": 1}}, "mqtt: .*hots"),
    "unknown section": ({"mqqt": {}}, "mqqt"),
    "clear": ({"mqtt": {**MQTT, "plain": True}}, "under TLS only"),
    "clear syslog": ({"syslog": {"host": "192.0.2.1", "plain": True}}, "under TLS only"),
    "clear web": ({"http": {"url": "http://hooks.example/x"}}, "under TLS only"),
    "password in the address": ({"http": {"url": "https://a:b@hooks.example/x"}}, "would be shown"),
    "no web address": ({"http": {"url": "ftp://x"}}, "no address of a web server"),
    "half a client": ({"mqtt": {**MQTT, "key": "/k"}}, "go together"),
    "id": ({"identity": {"id": "a/b"}}, "identity.id"),
    "site": ({"identity": {"id": "a", "site": "+"}}, "identity.site"),
    "prefix": ({"mqtt": {**MQTT, "prefix": "/a"}}, "mqtt.prefix"),
    "deep prefix": ({"mqtt": {**MQTT, "prefix": "a/b/c/d/e/f"}}, "mqtt.prefix"),
    "long prefix": ({"mqtt": {**MQTT, "prefix": "a" * 250}}, "longer than 256"),
    "kinds": ({"publish": {"kinds": ["flows"]}}, "there is no flows"),
    "redaction without a key": ({"publish": {"redact": ["names"]}}, "redact_key is missing"),
    "payload": ({"mqtt": {**MQTT, "max_payload": "1MiB"}}, "max_payload"),
    "spool": ({"spool": {"size": "1KiB"}}, "spool.size"),
    "units": ({"mqtt": {**MQTT, "timeout": 5}}, "no duration"),
    "relative": ({"spool": {"directory": "spool"}}, "no absolute path"),
    "client id": ({"mqtt": {**MQTT, "client_id": "x" * 129}}, "client_id"),
    "password alone": ({"mqtt": {**MQTT, "password": "/p"}}, "user is missing"),
    "port": ({"mqtt": {**MQTT, "port": 0}}, "mqtt.port"),
    "facility": ({"syslog": {"host": "::1", "facility": 24}}, "syslog.facility"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_refused(what: str) -> None:
    tables, message = REFUSED[what]
    with pytest.raises(SettingsError, match=message):
        read({**BASE, **tables})


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1", "localhost"])
def test_in_the_clear_only_to_this_host(host: str) -> None:
    assert read({**BASE, "mqtt": {"host": host, "plain": True}}).mqtt is not None


def test_files(tmp_path: Path) -> None:
    path = tmp_path / "publish.toml"
    path.write_text('[mqtt]\nhost = "broker.example"\ntimeout = "5s"\n[capture]\ninterfaces = ["eth0"]\n')
    settings = load(str(path))
    assert settings.mqtt is not None
    assert settings.mqtt.timeout == 5
    path.write_text("[mqtt\n")
    with pytest.raises(SettingsError, match=str(path)):
        load(str(path))
    with pytest.raises(SettingsError, match="no such file"):
        load(str(tmp_path / "none"))
