import os
from importlib import import_module
from pathlib import Path

import pytest

for _name in [
    name for name in os.environ if name == "NO_COLOR" or (name.startswith("TEXTUAL_") and "SNAPSHOT" not in name)
]:
    del os.environ[_name]


# How long a pilot watches, twice for each key, whether the app still computes: its own 20 ms are most of a test's time.
vars(import_module("textual._wait")).update(SLEEP_GRANULARITY=0.004, SLEEP_IDLE=0.001)


@pytest.fixture(autouse=True)
def _empty_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
