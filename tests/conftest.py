"""One clean environment for all tests, and the choice of what runs by default."""

import gc
import importlib.util
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

_GIT_IDENTITY = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "Test",
    "GIT_AUTHOR_EMAIL": "test@example.invalid",
    "GIT_COMMITTER_NAME": "Test",
    "GIT_COMMITTER_EMAIL": "test@example.invalid",
}

_MEMORY = Path("/dev/shm")
"""Temporary files lie here unless TMPDIR says where: a third of what the tests took was waiting for a disk to say that
it wrote, and none of them cuts the power. Not where the tests themselves lie among temporary files, which a sandbox
hides from what lies elsewhere."""
_ROOM = 1 << 30
"""Bytes that must be free there."""
_OBJECTS_BETWEEN_COLLECTIONS = 20_000
"""As the program has it itself."""
_ROOT = Path(__file__).resolve().parent.parent

settings.register_profile("hybridcode", deadline=None, database=None, print_blob=True, derandomize="CI" in os.environ)
settings.load_profile("hybridcode")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="also run tests marked slow")


def pytest_configure(config: pytest.Config) -> None:
    """The user's settings, keys and colours never reach a test, and no test reaches the user's files.

    `python3` is the interpreter of the tests: what a version manager puts in its place starts ten times slower.
    """
    for name in [name for name in os.environ if _is_personal(name)]:
        del os.environ[name]
    usual = tempfile.gettempdir()
    is_among_them = _ROOT.is_relative_to(usual) or Path(sys.prefix).is_relative_to(usual)
    if "TMPDIR" not in os.environ and _has_room(_MEMORY) and not is_among_them:
        os.environ["TMPDIR"] = tempfile.tempdir = str(_MEMORY)
    home = tempfile.TemporaryDirectory(prefix="hybridcode-tests-")
    config.add_cleanup(home.cleanup)
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
    for kind in ("CONFIG", "DATA", "STATE", "CACHE"):
        os.environ[f"XDG_{kind}_HOME"] = str(Path(home.name) / kind.lower())
    os.environ |= _GIT_IDENTITY
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out slow tests unless asked for, and llama tests where llama.cpp is missing and not required."""
    left_out = set[str]()
    if not (config.getoption("--slow") or config.getoption("markexpr") or _names_a_test(config)):
        left_out.add("slow")
    if not (_has_llama() or os.environ.get("HYBRIDCODE_REQUIRE_LOCAL")):
        left_out.add("llama")
    dropped = [item for item in items if any(item.get_closest_marker(marker) for marker in left_out)]
    if dropped:
        config.hook.pytest_deselected(items=dropped)
        items[:] = [item for item in items if item not in dropped]


def pytest_report_header() -> list[str]:
    return [] if _has_llama() else ["llama.cpp is not installed: tests marked llama are left out"]


@pytest.fixture(scope="session", autouse=True)
def _memory_given_back(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What tests that all passed wrote goes at the end, not with each test: a path that came again would find what is
    kept under its name elsewhere, as an index is."""
    yield
    folder = tmp_path_factory.getbasetemp()
    if folder.is_relative_to(_MEMORY) and not request.session.testsfailed:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def repository_root() -> Path:
    """The checkout that the tests stand in."""
    return _ROOT


def _is_personal(name: str) -> bool:
    if name in ("HYBRIDCODE_REQUIRE_LOCAL", "HYBRIDCODE_PYTHONS") or name.startswith("TEXTUAL_SNAPSHOT_"):
        return False
    return name.startswith(("HYBRIDCODE_", "TEXTUAL_", "GIT_")) or name.endswith("_API_KEY") or name == "NO_COLOR"


def _has_room(folder: Path) -> bool:
    return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK) and shutil.disk_usage(folder).free > _ROOM


def _names_a_test(config: pytest.Config) -> bool:
    return any("::" in argument for argument in config.args)


def _has_llama() -> bool:
    return importlib.util.find_spec("llama_cpp") is not None
