from pathlib import Path

import pytest
from boxes import Boxed, open_boxed

from hybridcode.gate.sandbox import Kind


@pytest.fixture(params=["bwrap", "landlock"])
def boxed(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Boxed:
    kind: Kind = request.param
    return open_boxed(tmp_path, kind, monkeypatch)


@pytest.fixture
def mounted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Boxed:
    return open_boxed(tmp_path, "bwrap", monkeypatch)


@pytest.fixture
def locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Boxed:
    return open_boxed(tmp_path, "landlock", monkeypatch)
