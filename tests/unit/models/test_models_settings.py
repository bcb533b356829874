from math import isclose

import pytest

from hybridcode.config.settings import FrontierSettings
from hybridcode.domain.errors import ConfigError, ModelUnauthorised
from hybridcode.domain.model import Usage
from hybridcode.models.framing import LoadFrontier
from hybridcode.models.frontier import FrontierModel, provider_of
from hybridcode.models.host import child_environment
from hybridcode.models.pricing import Price
from hybridcode.models.problems import seconds_to_wait, shortened, trouble_of_status

TABLE = {
    "claude-x": {"input_cost_per_token": 3e-6, "output_cost_per_token": 15e-6, "cache_read_input_token_cost": 3e-7},
    "openai/plain": {"input_cost_per_token": 1e-6, "output_cost_per_token": 2e-6},
    "nameless": {"max_tokens": 5},
}


class Spy(FrontierModel):
    @property
    def load(self) -> LoadFrontier:
        load = self._command.load
        assert isinstance(load, LoadFrontier)
        return load

    @property
    def environment(self) -> dict[str, str]:
        return dict(self._command.environment)


@pytest.mark.parametrize(
    ("model", "provider"),
    [("anthropic/claude-x", "anthropic"), ("gpt-5", "openai"), ("claude-x", "anthropic"), ("mystery", "unknown")],
)
def test_the_provider_is_in_the_name(model: str, provider: str) -> None:
    assert provider_of(model) == provider


def test_a_provider_is_remote_and_a_loopback_server_is_not() -> None:
    info = FrontierModel(FrontierSettings(model="anthropic/claude-x"), {}).info
    assert (info.backend, info.host, info.is_remote) == ("frontier", "anthropic", True)
    info = FrontierModel(FrontierSettings(model="openai/x", api_base="http://127.0.0.1:4000"), {}).info
    assert (info.host, info.is_remote) == ("127.0.0.1:4000", False)
    assert not FrontierModel(FrontierSettings(model="ollama/x"), {}).info.is_remote


def test_an_address_in_the_environment_is_recorded_and_passed_openly() -> None:
    model = Spy(FrontierSettings(model="openai/x"), {"OPENAI_BASE_URL": "https://gateway.example.invalid/v1"})
    assert model.info.host == "gateway.example.invalid:443"
    assert model.load.api_base == "https://gateway.example.invalid/v1"
    assert "OPENAI_BASE_URL" not in model.environment


def test_the_child_gets_its_own_key_and_no_other() -> None:
    environ = {"ANTHROPIC_API_KEY": "a", "OPENAI_API_KEY": "o", "MY_KEY": "m", "HTTPS_PROXY": "p", "EDITOR": "vi"}
    usual = Spy(FrontierSettings(model="anthropic/claude-x"), environ)
    assert usual.environment == {"ANTHROPIC_API_KEY": "a", "HTTPS_PROXY": "p"}
    named = Spy(FrontierSettings(model="anthropic/claude-x", api_key_env="MY_KEY"), environ)
    assert named.environment == {"MY_KEY": "m", "HTTPS_PROXY": "p"}


def test_a_childs_environment_is_short() -> None:
    seen = child_environment({"MY_KEY": "m"}, {"PATH": "/bin", "OPENAI_API_KEY": "o", "PYTHONPATH": "/evil"})
    assert seen["PATH"] == "/bin"
    assert seen["MY_KEY"] == "m"
    assert seen["GGML_NO_BACKTRACE"] == "1"
    assert "OPENAI_API_KEY" not in seen
    assert seen.get("PYTHONPATH") != "/evil"


def test_settings_that_cannot_work_are_refused_at_once() -> None:
    with pytest.raises(ConfigError, match="model is empty"):
        FrontierModel(FrontierSettings(), {})
    with pytest.raises(ModelUnauthorised, match="MY_KEY"):
        FrontierModel(FrontierSettings(model="openai/x", api_key_env="MY_KEY"), {"MY_KEY": ""})
    with pytest.raises(ConfigError, match="api_base"):
        FrontierModel(FrontierSettings(model="openai/x", api_base="nonsense"), {})


def test_a_price_is_configured_or_listed_or_unknown() -> None:
    usage = Usage(input_tokens=1_000, output_tokens=100, cached_tokens=400)
    listed = Price.listed(TABLE, "anthropic/claude-x")
    assert listed is not None
    assert isclose(listed.of(usage), 600 * 3e-6 + 400 * 3e-7 + 100 * 15e-6)
    plain = Price.listed(TABLE, "openai/plain")
    assert plain is not None
    assert isclose(plain.of(usage), 1_000 * 1e-6 + 100 * 2e-6)
    assert Price.listed(TABLE, "openai/unheard-of") is None
    assert Price.listed(TABLE, "nameless") is None
    assert Price.configured(FrontierSettings(input_usd_per_mtok=1.0)) is None


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("3", 3.0),
        ("0.5", 0.5),
        ("-3", 0.0),
        ("nan", None),
        ("soon", None),
        (None, None),
        ("Thu, 01 Jan 1970 00:01:40 GMT", 40.0),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str | None, seconds: float | None) -> None:
    assert seconds_to_wait(header, now=60.0) == seconds


@pytest.mark.parametrize(
    ("status", "kind"), [(401, "unauthorised"), (402, "unauthorised"), (404, "unavailable"), (408, "transient"),
                         (413, "overflow"), (422, "invalid"), (429, "transient"), (529, "transient")]
)  # fmt: skip
def test_each_status_has_its_kind(status: int, kind: str) -> None:
    assert trouble_of_status(status, "words", who="it").kind == kind


def test_long_words_are_cut_with_the_count() -> None:
    assert shortened("a \n b") == "a b"
    assert shortened("x" * 700).endswith("... (100 more characters)")
