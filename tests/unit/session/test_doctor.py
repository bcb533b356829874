import sys
from pathlib import Path

import pytest

from hybridcode.config.settings import FrontierSettings, LocalSettings, ModelSettings, Settings
from hybridcode.models.fit import physical_cores
from hybridcode.session.doctor import Finding, findings
from tests.support.gguf_files import QWEN, gguf

NAMES = ["local engine", "local model", "threads", "frontier", "sandbox", "terminal", "state folder", "git"]


def found(
    workspace: Path,
    *,
    local: LocalSettings | None = None,
    frontier: FrontierSettings | None = None,
    environ: dict[str, str] | None = None,
) -> dict[str, Finding]:
    models = ModelSettings(local=local or LocalSettings(), frontier=frontier or FrontierSettings())
    return {item.what: item for item in findings(workspace, Settings(models=models), environ or {})}


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "coder.gguf"
    path.write_bytes(gguf(QWEN))
    return path


@pytest.mark.llama
def test_everything_is_looked_at_and_each_failure_has_a_fix(tmp_path: Path) -> None:
    items = found(tmp_path)
    assert list(items) == NAMES
    assert items["local engine"].ok
    assert "loads and writes" in items["local engine"].detail
    assert all(item.fix for item in items.values() if not item.ok)


def test_a_key_is_named_and_never_printed(tmp_path: Path) -> None:
    secret = "sk-ant-0123456789abcdef"
    frontier = FrontierSettings(model="anthropic/claude-sonnet-4-5")
    items = found(tmp_path, frontier=frontier, environ={"ANTHROPIC_API_KEY": secret})
    assert items["frontier"].ok
    assert "ANTHROPIC_API_KEY" in items["frontier"].detail
    assert secret not in str(items)
    missing = found(tmp_path, frontier=frontier)["frontier"]
    assert not missing.ok
    assert "export ANTHROPIC_API_KEY" in missing.fix


def test_the_local_model_and_its_memory(tmp_path: Path, weights: Path) -> None:
    items = found(tmp_path, local=LocalSettings(path=str(weights), n_ctx=4096))
    assert items["local model"].ok
    assert "qwen2" in items["local model"].detail
    assert items["memory"].ok
    assert "4,096 tokens" in items["memory"].detail
    weights.write_bytes(weights.read_bytes()[:100])
    assert not found(tmp_path, local=LocalSettings(path=str(weights)))["local model"].ok


def test_a_model_that_does_not_fit_is_said_with_the_numbers(tmp_path: Path) -> None:
    path = tmp_path / "giant.gguf"
    huge = {**QWEN, "qwen2.embedding_length": 2**31 - 1, "qwen2.feed_forward_length": 2**31 - 1}
    path.write_bytes(gguf(huge))
    memory = found(tmp_path, local=LocalSettings(path=str(path)))["memory"]
    assert not memory.ok
    assert "GiB" in memory.detail


def test_more_threads_than_cores_are_warned_of(tmp_path: Path) -> None:
    threads = found(tmp_path, local=LocalSettings(threads=physical_cores() + 1))["threads"]
    assert not threads.ok
    assert f"threads = {max(1, physical_cores() - 1)}" in threads.fix


@pytest.mark.skipif(sys.platform == "win32", reason="permissions")
def test_without_a_frontier_a_local_model_is_enough(tmp_path: Path, weights: Path) -> None:
    assert found(tmp_path, local=LocalSettings(path=str(weights)))["frontier"].ok
    assert not found(tmp_path)["frontier"].ok


def test_further_models_are_looked_at_by_name(tmp_path: Path) -> None:
    models = ModelSettings(named_frontier={"second": FrontierSettings(model="x/y", api_key_env="OTHER")})
    found = {item.what: item for item in findings(tmp_path, Settings(models=models), {})}
    assert (found["second"].ok, found["second"].detail) == (False, "x/y: OTHER holds no key")
