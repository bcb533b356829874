import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import pytest
import tomlkit
from hypothesis import given, settings
from hypothesis import strategies as st

from hybridcode.config.keys import KEYS
from hybridcode.config.layers import Origin, parse_file
from hybridcode.config.load import Loaded, load
from hybridcode.config.tighten import COLLECTED, DATA, TIGHTER, is_tighter
from hybridcode.config.trust import describe, read_repository, trust
from hybridcode.domain.errors import ConfigError


class Desk:
    """One workspace with its layers as files below a temporary folder."""

    def __init__(self, folder: Path) -> None:
        self.workspace = folder / "work"
        self.user = folder / "user" / "config.toml"
        self.managed = folder / "etc" / "config.toml"
        self.store = folder / "trust"
        self.repository = self.workspace / ".hybridcode" / "config.toml"
        self.local = self.workspace / ".hybridcode" / "config.local.toml"
        for file in (self.user, self.managed, self.repository):
            file.parent.mkdir(parents=True)

    def load(
        self,
        *,
        flags: Mapping[str, object] | None = None,
        env: Mapping[str, str] | None = None,
        config_file: Path | None = None,
        trust_now: bool = False,
    ) -> Loaded:
        return load(
            self.workspace,
            flags=flags,
            env=env or {},
            config_file=config_file,
            user_config=self.user,
            managed_config=self.managed,
            trust_store=self.store,
            trust_now=trust_now,
        )


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_without_files_everything_is_default(desk: Desk) -> None:
    loaded = desk.load()
    assert {str(loaded.origin[name]) for name in KEYS} == {"default"}
    assert loaded.settings.approval.mode == "default"
    assert loaded.warnings == ()


def test_stronger_layers_win_and_say_so(desk: Desk, tmp_path: Path) -> None:
    desk.user.write_text("[ui]\ntheme = 'user'\n[models.local]\nseed = 1\nthreads = 1\nn_ctx = 1\n")
    extra = tmp_path / "extra.toml"
    extra.write_text("[models.local]\nthreads = 3\nn_ctx = 3\n")
    loaded = desk.load(env={"HYBRIDCODE_MODELS_LOCAL_SEED": "2"}, config_file=extra, flags={"models.local.n_ctx": 4})
    local = loaded.settings.models.local
    assert (loaded.settings.ui.theme, local.seed, local.threads, local.n_ctx) == ("user", 2, 3, 4)
    assert loaded.origin["ui.theme"] == Origin("user", file=desk.user)
    assert str(loaded.origin["models.local.seed"]) == "environment: HYBRIDCODE_MODELS_LOCAL_SEED"
    assert loaded.origin["models.local.threads"] == Origin("command line", file=extra)
    assert loaded.origin["models.local.n_ctx"] == Origin("command line")


def test_managed_beats_the_command_line_but_tighter_wishes_stay(desk: Desk) -> None:
    desk.managed.write_text("[approval]\nmode = 'default'\n[limits]\nmax_cost_usd = 5.0\n[egress]\nmode = 'ask'\n")
    flags = {"approval.mode": "bypass", "limits.max_cost_usd": 1.0, "egress.mode": "offline"}
    loaded = desk.load(flags=flags)
    assert loaded.settings.approval.mode == "default"
    assert loaded.settings.limits.max_cost_usd == 1.0
    assert loaded.settings.egress.mode == "offline"
    assert loaded.origin["approval.mode"].layer == "managed"


def test_managed_config_can_loosen_a_default(desk: Desk) -> None:
    desk.managed.write_text("[approval]\nmode = 'acceptEdits'\n")
    assert desk.load().settings.approval.mode == "acceptEdits"


def test_managed_allow_rules_are_the_only_ones(desk: Desk) -> None:
    desk.user.write_text("[approval]\nallow = ['Bash(make)']\ndeny = ['Bash(rm *)']\n")
    desk.managed.write_text("[approval]\nallow = []\ndeny = ['Bash(curl *)']\n")
    approval = desk.load(flags={"approval.allow": ("Bash(ls)",)}).settings.approval
    assert approval.allow == ()
    assert approval.deny == ("Bash(curl *)", "Bash(rm *)")


def test_lists_collect_with_the_origin_of_each_rule(desk: Desk) -> None:
    desk.user.write_text("[approval]\ndeny = ['Bash(rm *)', 'Edit(ci/**)']\n")
    desk.repository.write_text("[approval]\ndeny = ['Edit(ci/**)', 'Edit(db/**)']\n")
    loaded = desk.load()
    assert loaded.settings.approval.deny == ("Edit(ci/**)", "Edit(db/**)", "Bash(rm *)")
    assert loaded.origin["approval.deny[1]"] == Origin("repository", file=desk.repository)
    assert loaded.origin["approval.deny[2]"] == Origin("user", file=desk.user)


LOOSE = """
[models.frontier]
api_base = "http://127.0.0.1:9/v1"
[models.local]
base_url = "http://127.0.0.1:9/v1"
pool = ["http://127.0.0.1:9/v1"]
[approval]
mode = "acceptEdits"
allow = ["Bash(*)"]
sandbox = "off"
[audit]
state_dir = "elsewhere"
[limits]
max_steps = 500
[egress]
redact = false
"""


def test_an_untrusted_repository_loosens_nothing(desk: Desk) -> None:
    desk.repository.write_text(LOOSE)
    desk.local.write_text(LOOSE)
    loaded = desk.load()
    assert loaded.settings == Desk.load(desk, trust_now=False).settings
    assert {origin.layer for origin in loaded.origin.values()} == {"default"}
    assert len(loaded.warnings) == 18
    assert all(str(desk.workspace) in warning and "hybridcode trust" in warning for warning in loaded.warnings)


def test_an_untrusted_repository_adds_no_server_to_the_users_own(desk: Desk) -> None:
    desk.user.write_text("[models.local]\nbase_url = 'http://a/v1'\npool = ['http://b/v1']\n")
    desk.repository.write_text("[models.local]\npool = ['http://evil/v1']\n")
    loaded = desk.load()
    assert loaded.settings.models.local.pool == ("http://b/v1",)
    assert "models.local.pool is ignored" in loaded.warnings[0]
    trusted = desk.load(trust_now=True)
    assert trusted.settings.models.local.pool == ("http://evil/v1",)


@pytest.mark.parametrize(
    ("stronger", "pool"),
    [
        ({"models.local.base_url": "http://c/v1"}, ()),
        ({"models.local.pool": ("http://d/v1",)}, ("http://d/v1",)),
        ({"models.local.pool": ("http://d/v1",), "models.local.base_url": "http://c/v1"}, ("http://d/v1",)),
        ({"models.local.seed": 3}, ("http://b/v1", "http://bb/v1")),
    ],
)
def test_a_layer_that_names_servers_means_these_alone(
    desk: Desk, stronger: Mapping[str, object], pool: tuple[str, ...]
) -> None:
    desk.user.write_text("[models.local]\nbase_url = 'http://a/v1'\npool = ['http://b/v1', 'http://bb/v1']\n")
    assert desk.load(flags=stronger).settings.models.local.pool == pool


def test_managed_servers_are_the_only_ones(desk: Desk) -> None:
    desk.user.write_text("[models.local]\npool = ['http://b/v1']\n")
    desk.managed.write_text("[models.local]\nbase_url = 'http://office/v1'\n")
    local = desk.load(flags={"models.local.pool": ("http://c/v1",)}).settings.models.local
    assert (local.base_url, local.pool) == ("http://office/v1", ())


def test_an_untrusted_repository_tightens(desk: Desk) -> None:
    desk.repository.write_text(
        "[approval]\nmode = 'plan'\nask = ['Edit(db/**)']\n[egress]\nmode = 'offline'\ndeny_paths = ['secrets/**']\n"
        "[limits]\nmax_steps = 3\nmax_cost_usd = 0.5\n[verify]\ntest_cmd = 'make test'\n"
    )
    loaded = desk.load()
    settings = loaded.settings
    assert (settings.approval.mode, settings.approval.ask) == ("plan", ("Edit(db/**)",))
    assert (settings.egress.mode, settings.egress.deny_paths) == ("offline", ("secrets/**",))
    assert (settings.limits.max_steps, settings.limits.max_cost_usd) == (3, 0.5)
    assert settings.verify.test_cmd == "make test"
    assert loaded.origin["verify.test_cmd"].layer == "repository"
    assert loaded.warnings == ()


def test_the_local_file_cannot_undo_what_the_repository_tightened(desk: Desk) -> None:
    desk.repository.write_text("[limits]\nmax_steps = 3\n")
    desk.local.write_text("[limits]\nmax_steps = 30\n")
    loaded = desk.load()
    assert loaded.settings.limits.max_steps == 3
    assert str(desk.local) in loaded.warnings[0]


def test_no_limit_is_looser_than_any(desk: Desk) -> None:
    desk.repository.write_text("[limits]\nmax_steps = 0\n")
    assert desk.load().settings.limits.max_steps == 50


def test_trust_ends_with_the_first_changed_byte(desk: Desk) -> None:
    desk.repository.write_text("[ui]\nbell = true\n")
    trust(read_repository(desk.workspace), store=desk.store)
    assert desk.load().settings.ui.bell
    desk.repository.write_text("[ui]\nbell = true \n")
    loaded = desk.load()
    assert not loaded.settings.ui.bell
    assert describe(loaded.repository, store=desk.store).was_trusted


def test_trust_covers_every_file_of_ours(desk: Desk) -> None:
    desk.repository.write_text("[ui]\nbell = true\n")
    trust(read_repository(desk.workspace), store=desk.store)
    commands = desk.repository.parent / "commands"
    commands.mkdir()
    (commands / "deploy.md").write_text("deploy")
    assert not desk.load().is_trusted


def test_trust_does_not_move_to_another_folder(desk: Desk, tmp_path: Path) -> None:
    desk.repository.write_text("[ui]\nbell = true\n")
    trust(read_repository(desk.workspace), store=desk.store)
    copy = tmp_path / "copy"
    desk.workspace.rename(copy)
    assert not describe(read_repository(copy), store=desk.store).is_trusted


def test_trust_needs_files_and_a_sound_store(desk: Desk) -> None:
    with pytest.raises(ConfigError, match="holds no file"):
        trust(read_repository(desk.workspace), store=desk.store)
    desk.repository.write_text("[ui]\nbell = true\n")
    trust(read_repository(desk.workspace), store=desk.store)
    next(desk.store.iterdir()).write_text("{")
    with pytest.raises(ConfigError, match="damaged"):
        desk.load()


def test_trust_for_one_call_leaves_no_trace(desk: Desk) -> None:
    desk.repository.write_text("[ui]\nbell = true\n")
    assert desk.load(trust_now=True).settings.ui.bell
    assert not desk.load().settings.ui.bell
    assert not desk.store.exists()


def test_bypass_stands_in_no_file_and_no_variable(desk: Desk) -> None:
    desk.repository.write_text("[approval]\nmode = 'bypass'\n")
    loaded = desk.load(trust_now=True)
    assert loaded.settings.approval.mode == "default"
    assert "--unsafe" in loaded.warnings[0]
    with pytest.raises(ConfigError, match="HYBRIDCODE_APPROVAL_MODE"):
        desk.load(env={"HYBRIDCODE_APPROVAL_MODE": "bypass"})
    desk.user.write_text("[approval]\nmode = 'bypass'\n")
    with pytest.raises(ConfigError, match=str(desk.user)):
        desk.load()
    desk.user.unlink()
    assert desk.load(flags={"approval.mode": "bypass"}).settings.approval.mode == "bypass"


def test_a_misspelt_variable_is_not_silent(desk: Desk) -> None:
    loaded = desk.load(env={"HYBRIDCODE_EGRESS_MOD": "offline", "HYBRIDCODE_NO_LOCAL": "1", "PATH": "/bin"})
    assert loaded.warnings == (
        "HYBRIDCODE_EGRESS_MOD is ignored: there is no such setting; did you mean HYBRIDCODE_EGRESS_MODE?",
    )


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("[ui]\nthme = 'x'\n", "there is no setting ui.thme", "ui.theme"),
        ("[limits]\nmode = 'plan'\n", "there is no setting limits.mode", "mode"),
        ("ui = 3\n", "ui is a section", "[ui]"),
        ("[ui]\nbell = 'yes'\n", "ui.bell: Expected `bool`, got `str`", "false"),
        ("[egress]\nmode = 'off'\n", "egress.mode: Invalid enum value 'off'", "allow, ask, offline"),
        ("[limits]\nmax_steps = -1\n", "limits.max_steps = -1 is out of range", "0"),
        ("[limits]\ntimeout_s = inf\n", "limits.timeout_s = inf is out of range", "0"),
        ("[ui\n", "is not TOML", "Correct"),
        ("[ui]\ntheme = '\\xff'\n", "is not TOML", "Correct"),
    ],
)
def test_errors_name_file_key_and_remedy(desk: Desk, text: str, message: str, hint: str) -> None:
    desk.user.write_bytes(text.encode().replace(b"\\xff", b"\xff"))
    with pytest.raises(ConfigError) as caught:
        desk.load()
    assert str(desk.user) in caught.value.message
    assert message in caught.value.message
    assert hint in caught.value.hint


def test_a_key_in_the_wrong_place_is_refused_and_not_repeated(desk: Desk) -> None:
    desk.user.write_text("[models.frontier]\napi_key_env = 'sk-not-a-variable'\n")
    with pytest.raises(ConfigError) as caught:
        desk.load()
    assert "sk-not" not in caught.value.message + caught.value.hint


def test_odd_files_are_errors_and_not_absences(desk: Desk, tmp_path: Path) -> None:
    desk.user.mkdir()
    with pytest.raises(ConfigError, match="not an ordinary file"):
        desk.load()
    desk.user.rmdir()
    desk.user.write_bytes(b"#" * 1_000_001)
    with pytest.raises(ConfigError, match="larger"):
        desk.load()
    desk.user.unlink()
    with pytest.raises(ConfigError, match="does not exist"):
        desk.load(config_file=tmp_path / "missing.toml")


def test_a_byte_order_mark_is_no_error(tmp_path: Path) -> None:
    layer = parse_file(b"\xef\xbb\xbf[ui]\r\nbell = true\r\n", layer="user", path=tmp_path)
    assert layer.values["ui.bell"][0] is True


def test_the_tables_name_settings_that_exist() -> None:
    assert set(TIGHTER) | COLLECTED | DATA <= set(KEYS)
    assert all(KEYS[name].is_list for name in COLLECTED)


SAMPLES: Mapping[str, st.SearchStrategy[object]] = {
    "approval.mode": st.sampled_from(KEYS["approval.mode"].choices),
    "approval.sandbox": st.sampled_from(KEYS["approval.sandbox"].choices),
    "verify.scratch": st.sampled_from(KEYS["verify.scratch"].choices),
    "egress.mode": st.sampled_from(KEYS["egress.mode"].choices),
    "verify.detect": st.sampled_from(KEYS["verify.detect"].choices),
    "verify.reproduce": st.booleans(),
    "git.commit": st.sampled_from(KEYS["git.commit"].choices),
    "egress.redact": st.booleans(),
}


@pytest.mark.parametrize("name", sorted(TIGHTER))
@given(data=st.data())
def test_tighter_is_a_strict_order(name: str, data: st.DataObject) -> None:
    values = SAMPLES.get(name, st.integers(0, 9))
    first, second, third = (data.draw(values) for _ in range(3))
    assert not is_tighter(name, first, first)
    assert not (is_tighter(name, first, second) and is_tighter(name, second, first))
    if is_tighter(name, first, second) and is_tighter(name, second, third):
        assert is_tighter(name, first, third)


def value_of(name: str) -> st.SearchStrategy[object]:
    key = KEYS[name]
    if key.is_list:
        return st.lists(st.sampled_from(["Bash(a)", "Edit(b)", "c/[*][*]"]), max_size=2)
    if key.choices:
        return st.sampled_from([choice for choice in key.choices if choice != "bypass"])
    if key.type is bool:
        return st.booleans()
    if name.startswith("roles."):
        return st.sampled_from(["frontier", "local"])
    if name.endswith(".fallback"):
        return st.just("local" if "frontier" in name else "frontier")
    return st.integers(0, 60) if key.is_number else st.sampled_from(["", "elsewhere"])


def toml_of(values: Mapping[str, object]) -> str:
    tables: dict[str, dict[str, object]] = {}
    for name, value in values.items():
        section, _, leaf = name.rpartition(".")
        tables.setdefault(section, {})[leaf] = value
    return "".join(f"[{section}]\n{tomlkit.dumps(table)}" for section, table in tables.items())


NAMES = sorted(name for name in KEYS if not name.endswith("api_key_env"))
SOME_VALUES = st.lists(st.sampled_from(NAMES), max_size=8, unique=True).flatmap(
    lambda names: st.fixed_dictionaries({name: value_of(name) for name in names})
)


@settings(max_examples=60)
@given(managed=SOME_VALUES, user=SOME_VALUES, repository=SOME_VALUES, local=SOME_VALUES)
def test_a_repository_never_loosens(
    managed: Mapping[str, object],
    user: Mapping[str, object],
    repository: Mapping[str, object],
    local: Mapping[str, object],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        desk = Desk(Path(folder))
        desk.managed.write_text(toml_of(managed))
        desk.user.write_text(toml_of(user))
        before = values_of(desk.load())
        desk.repository.write_text(toml_of(repository))
        desk.local.write_text(toml_of(local))
        after = values_of(desk.load())
    for name in KEYS:
        if name in COLLECTED:
            assert set(cast(tuple[str, ...], before[name])) <= set(cast(tuple[str, ...], after[name]))
        elif name not in DATA:
            assert before[name] == after[name] or is_tighter(name, after[name], before[name])


def values_of(loaded: Loaded) -> dict[str, object]:
    found: dict[str, object] = {}
    for name in KEYS:
        value: object = loaded.settings
        for part in name.split("."):
            value = getattr(value, part)
        found[name] = value
    return found
