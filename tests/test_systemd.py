"""The shipped units, as systemd itself reads and rates them."""

import shutil
import subprocess
from pathlib import Path

import pytest

from probe import config

UNIT = Path(__file__).parents[1] / "systemd" / "transitproof.service"
UNITS = [UNIT, *map(UNIT.with_name, ("transitproof-collector.service", "transitproof-gateway.service"))]
EXPOSURE = 20  # tenths; most agents of this kind stand at 96

pytestmark = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_exposure_stays_low(unit: Path) -> None:
    command = ["systemd-analyze", "security", "--offline=true", f"--threshold={EXPOSURE}", "--no-pager", str(unit)]
    rated = subprocess.run(command, check=False, capture_output=True, text=True)
    assert rated.returncode == 0, rated.stdout + rated.stderr


@pytest.mark.parametrize("shipped", UNITS, ids=lambda unit: unit.stem)
def test_every_line_is_understood(tmp_path: Path, shipped: Path) -> None:
    """`verify` succeeds whatever it ignores, so that anything it says is a failure; only the program is not here."""
    unit = tmp_path / shipped.name
    program = shutil.which("true") or "/bin/true"
    unit.write_text(shipped.read_text().replace("/opt/transitproof/bin/transitproof", program))
    command = ["systemd-analyze", "verify", "--man=false", "--recursive-errors=no", str(unit)]
    said = subprocess.run(command, check=False, capture_output=True, text=True)
    assert said.stdout + said.stderr == ""


@pytest.mark.parametrize("name", ["gateway.conf", "broker.conf", "bypass.conf"])
def test_every_drop_in_is_understood_and_lets_nothing_slip(tmp_path: Path, name: str) -> None:
    unit = tmp_path / UNIT.name
    whole = UNIT.read_text().partition("[Install]")[0] + UNIT.with_name(name).read_text()
    unit.write_text(whole.replace("/opt/transitproof/bin/transitproof", shutil.which("true") or "/bin/true"))
    verify = ["systemd-analyze", "verify", "--man=false", "--recursive-errors=no", str(unit)]
    said = subprocess.run(verify, check=False, capture_output=True, text=True)
    assert said.stdout + said.stderr == ""
    rate = ["systemd-analyze", "security", "--offline=true", f"--threshold={EXPOSURE}", "--no-pager", str(unit)]
    assert subprocess.run(rate, check=False, capture_output=True).returncode == 0


@pytest.mark.parametrize("name", ["gateway.conf", "bypass.conf"])
def test_what_a_dropin_changes_are_the_units_own_settings(name: str) -> None:
    settings = {line.split("=")[0] for line in UNIT.read_text().splitlines() if "=" in line}
    dropin = UNIT.with_name(name).read_text().splitlines()
    assert {line.split("=")[0] for line in dropin if "=" in line and not line.startswith("#")} <= settings


def test_the_shipped_configuration_is_in_order_and_says_what_holds_anyway() -> None:
    path = str(UNIT.with_suffix(".toml"))
    assert config.load(path) == config.Config()
