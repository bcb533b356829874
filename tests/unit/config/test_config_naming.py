from pathlib import Path

import pytest

from hybridcode.config.keys import names_in
from hybridcode.config.load import Loaded, load
from hybridcode.config.rewriting import foresee
from hybridcode.config.settings import FrontierSettings, LocalSettings
from hybridcode.config.trust_effects import effects_of_trust, value_of
from hybridcode.domain.errors import ConfigError


class Desk:
    """A workspace with the user's file and the repository's."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.user = folder / "user.toml"
        self.repository = folder / "work" / ".hybridcode" / "config.toml"
        self.repository.parent.mkdir(parents=True)

    def load(self, profile: str = "", *, trust_now: bool = False, env: dict[str, str] | None = None) -> Loaded:
        return load(
            self.folder / "work",
            env=env or {},
            user_config=self.user,
            managed_config=self.folder / "managed.toml",
            trust_store=self.folder / "trust",
            trust_now=trust_now,
            profile=profile,
        )


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


NAMED = """
[models.second]
model = "openai/other"
api_key_env = "OTHER_KEY"
input_usd_per_mtok = 1.5
fallback = "shed"
[models.shed]
base_url = "http://127.0.0.1:9/v1"
name = "small"
n_ctx = 4096
[roles]
plan = "second"
draft = "shed"
"""


def test_a_model_by_name_has_the_settings_of_its_kind(desk: Desk) -> None:
    desk.user.write_text(NAMED)
    loaded = desk.load()
    models = loaded.settings.models
    assert models.of("second") == FrontierSettings(
        model="openai/other", api_key_env="OTHER_KEY", input_usd_per_mtok=1.5, fallback="shed"
    )
    assert models.of("shed") == LocalSettings(base_url="http://127.0.0.1:9/v1", name="small", n_ctx=4096)
    assert list(models.named) == ["second", "shed"]
    assert loaded.settings.roles.plan == "second"
    assert str(loaded.origin["models.second.model"]) == f"user: {desk.user}"
    assert value_of(loaded.settings, "models.shed.n_ctx") == 4096
    assert {"models.shed.base_url", "models.second.model"} <= set(names_in(loaded.settings))


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("[roles]\nplan = 'secnd'\n" + "[models.second]\nmodel = 'x/y'\n", "roles.plan = secnd", "local, second"),
        ("[models.frontier]\nfallback = 'other'\n", "models.frontier.fallback = other", "Known: frontier, local"),
        ("[models.local]\nfallback = 'local'\n", "that is the model itself", "Name another"),
        ("[models.a]\ntemperature = 0.5\n", "[models.a] names no model", "Set `model`"),
        ("[models.a]\nmodel = 'x/y'\nn_ctx = 1\n", "[models.a] n_ctx has no meaning there", "[models.frontier]"),
        ("[models.a]\npath = 'x.gguf'\nmax_retries = 1\n", "[models.a] max_retries has no meaning", "[models.local]"),
        ("[models.fronteir]\nmodel = 'x/y'\n", "no section models.fronteir", "[models.frontier]"),
        ("[models.Big_One]\nmodel = 'x/y'\n", "a to z", "[models.second-opinion]"),
        ("[models.a]\nmodle = 'x/y'\n", "no setting models.a.modle", "models.a.model?"),
        ("[models]\na = 3\n", "models.a is a section", "[models.a]"),
        ("[models.a]\napi_key_env = 'sk-not-a-variable'\n", "does not hold the name", "export"),
    ],
)
def test_what_a_named_model_cannot_be(desk: Desk, text: str, message: str, hint: str) -> None:
    desk.user.write_text(text)
    with pytest.raises(ConfigError) as caught:
        desk.load()
    assert message in caught.value.message
    assert hint in caught.value.hint


def test_a_repository_brings_no_model_before_it_is_trusted(desk: Desk) -> None:
    desk.repository.write_text(NAMED)
    loaded = desk.load()
    assert not loaded.settings.models.named
    assert loaded.settings.roles.plan == "frontier"
    assert any("models.shed.base_url is ignored" in warning for warning in loaded.warnings)
    effects = effects_of_trust(lambda trusted: desk.load(trust_now=trusted))
    assert {"models.second.model", "models.shed.base_url", "roles.draft"} <= {effect.name for effect in effects}


def test_a_repository_cannot_move_a_named_model_elsewhere(desk: Desk) -> None:
    desk.user.write_text(NAMED)
    desk.repository.write_text("[models.shed]\nbase_url = 'http://example.invalid/v1'\n[models.second]\nmodel='x/y'\n")
    assert desk.load().settings == load_without(desk)


def load_without(desk: Desk) -> object:
    desk.repository.unlink()
    return desk.load().settings


def test_a_profile_lays_its_settings_over_the_files(desk: Desk) -> None:
    desk.user.write_text("[profiles.careful.approval]\nmode = 'dontAsk'\n[profiles.careful.limits]\nmax_steps = 3\n")
    assert desk.load().settings.limits.max_steps == 50
    loaded = desk.load("careful")
    assert (loaded.settings.approval.mode, loaded.settings.limits.max_steps) == ("dontAsk", 3)
    assert str(loaded.origin["limits.max_steps"]) == f"user: {desk.user} (profile careful)"
    assert loaded.profile == "careful"


def test_a_variable_chooses_a_profile_and_the_flag_another(desk: Desk) -> None:
    desk.user.write_text("[profiles.a.limits]\nmax_steps = 3\n[profiles.b.limits]\nmax_pending = 7\n")
    by_variable = {"HYBRIDCODE_PROFILE": "a", "HYBRIDCODE_LIMITS_MAX_STEPS": "5"}
    loaded = desk.load(env={"HYBRIDCODE_PROFILE": "a"})
    assert (loaded.settings.limits.max_steps, loaded.warnings) == (3, ())
    assert desk.load(env=by_variable).settings.limits.max_steps == 5
    limits = desk.load("b", env={"HYBRIDCODE_PROFILE": "a"}).settings.limits
    assert (limits.max_steps, limits.max_pending) == (50, 7)


def test_the_built_in_profiles(desk: Desk) -> None:
    desk.user.write_text(
        NAMED + "[models.frontier]\nmodel = 'x/y'\nfallback = 'second'\n"
        "[models.local]\nbase_url = 'http://127.0.0.1:9/v1'\npool = ['http://127.0.0.1:8/v1']\nfallback = 'second'\n"
    )
    alone = desk.load("frontier-only").settings
    assert {alone.roles.plan, alone.roles.judge, alone.roles.draft, alone.roles.commit_message} == {"frontier"}
    assert (alone.models.local.base_url, alone.models.local.pool, alone.models.frontier.fallback) == ("", (), "")
    local = desk.load("local-only")
    assert {local.settings.roles.plan, local.settings.roles.draft} == {"local"}
    assert (local.settings.models.frontier.model, local.settings.models.local.fallback) == ("", "")
    assert str(local.origin["roles.plan"]) == "profile: local-only"
    assert desk.load("offline").settings.egress.mode == "offline"


def test_unknown_profiles_and_taken_names_are_errors(desk: Desk) -> None:
    desk.user.write_text("[profiles.mine.ui]\nbell = true\n")
    with pytest.raises(ConfigError) as caught:
        desk.load("mien")
    assert caught.value.hint == "Known: frontier-only, local-only, mine, offline."
    desk.user.write_text("[profiles.offline.egress]\nmode = 'allow'\n")
    with pytest.raises(ConfigError, match="built in"):
        desk.load()
    desk.user.write_text("[profiles.mine.approval]\nmode = 'bypass'\n")
    with pytest.raises(ConfigError, match="bypass"):
        desk.load("mine")
    desk.user.write_text("profiles = 3\n")
    with pytest.raises(ConfigError, match="profiles"):
        desk.load()


def test_a_profile_of_an_untrusted_repository_only_tightens(desk: Desk) -> None:
    desk.repository.write_text(
        "[profiles.team.approval]\nmode = 'acceptEdits'\n[profiles.team.limits]\nmax_steps = 3\n"
        "[profiles.team.verify]\ntest_cmd = 'make'\n"
    )
    loaded = desk.load("team")
    assert (loaded.settings.approval.mode, loaded.settings.limits.max_steps) == ("default", 3)
    assert loaded.origin["verify.test_cmd"].layer == "repository"  # nobody's consent
    assert any("approval.mode is ignored" in warning for warning in loaded.warnings)
    assert desk.load("team", trust_now=True).settings.approval.mode == "acceptEdits"


def test_a_change_from_here_leaves_profiles_and_named_models_alone(desk: Desk) -> None:
    before = "[profiles.a.limits]\nmax_steps = 3\n[models.second]\nmodel = 'x/y'\n"
    desk.user.write_text(before)
    after = foresee(desk.user, {"models.second.max_retries": 4, "ui.bell": True}).after.decode()
    assert "max_retries = 4" in after
    assert "[profiles.a.limits]\nmax_steps = 3" in after


def test_a_name_that_no_model_has_is_never_written(desk: Desk) -> None:
    desk.user.write_text("[models.second]\nmodel = 'x/y'\n[roles]\nplan = 'second'\n")
    for change in (
        {"roles.judge": "secnd"},
        {"roles.judge": ""},
        {"models.local.fallback": "local"},
        {"models.second.model": None},
        {"models.second.n_ctx": 4},
    ):
        with pytest.raises(ConfigError):
            foresee(desk.user, change)
    for change in ({"roles.judge": "second"}, {"models.local.fallback": "second"}, {"ui.bell": True}):
        assert foresee(desk.user, change).after
    elsewhere = desk.folder / "config.local.toml"
    with pytest.raises(ConfigError, match="no model of that name"):
        foresee(elsewhere, {"roles.judge": "second"}, layer="local")
    assert foresee(elsewhere, {"roles.judge": "second"}, layer="local", named=("second",)).after
