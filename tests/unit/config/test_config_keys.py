from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybridcode.config.edit import set_user_value, write_repository_config
from hybridcode.config.keys import KEYS, build, read_assignment, read_text
from hybridcode.config.schema import json_page, json_schema, main, markdown
from hybridcode.config.settings import Settings
from hybridcode.domain.errors import ConfigError


def test_defaults_build_the_default_settings() -> None:
    assert build({key.name: key.default for key in KEYS.values()}) == Settings()


def test_each_setting_has_a_variable_of_its_own() -> None:
    assert len({key.variable for key in KEYS.values()}) == len(KEYS)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("models.local.n_ctx=8192", 8192),
        ("models.local.n_ctx = 8192", 8192),
        ("ui.bell=1", True),
        ("limits.max_cost_usd=2", 2.0),
        ("models.local.path=/models/a=b.gguf", "/models/a=b.gguf"),
        ("models.frontier.model=", ""),
        ("approval.deny=Bash(rm a, b)", ("Bash(rm a, b)",)),
        ('approval.deny=["one", "two"]', ("one", "two")),
        ("approval.deny=", ()),
        ("models.frontier.input_usd_per_mtok=0.5", 0.5),
    ],
)
def test_assignments_are_read_by_the_type_of_the_setting(text: str, value: object) -> None:
    assert read_assignment(text)[1] == value


@pytest.mark.parametrize(
    "text", ["ui.bell", "ui.bell=perhaps", "ui=1", "no.such=1", "limits.max_steps=1.5", 'approval.deny=["one"', "=1"]
)
def test_bad_assignments_are_refused(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_assignment(text)
    assert caught.value.message
    assert caught.value.hint


@settings(max_examples=30)
@given(text=st.text())
def test_reading_text_gives_a_checked_value_or_a_config_error(text: str) -> None:
    for key in KEYS.values():
        try:
            value = read_text(key.name, text, source="here")
        except ConfigError:
            continue
        assert isinstance(build({key.name: value}), Settings)


def test_editing_keeps_comments_and_order(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("# mine\n[ui]\ntheme = 'x'  # nice\n\n[models.local]\nseed = 3\n")
    set_user_value("models.local.n_ctx", 8192, path=path)
    set_user_value("models.frontier.model", "a/b", path=path)
    set_user_value("ui.theme", "y", path=path)
    set_user_value("approval.deny", ("Bash(rm *)",), path=path)
    text = path.read_text()
    assert text.startswith('# mine\n[ui]\ntheme = "y"  # nice\n\n[models.local]\nseed = 3\nn_ctx = 8192\n')
    assert '[models.frontier]\nmodel = "a/b"\n' in text
    assert 'deny = ["Bash(rm *)"]' in text
    assert path.stat().st_mode & 0o777 == 0o600


def test_editing_writes_through_a_link_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    real = tmp_path / "dotfiles" / "config.toml"
    real.parent.mkdir()
    real.write_text("")
    link = tmp_path / "config.toml"
    link.symlink_to(real)
    assert set_user_value("ui.bell", True, path=link) == link
    assert link.is_symlink()
    assert real.read_text() == "[ui]\nbell = true\n"
    assert [entry.name for entry in real.parent.iterdir()] == ["config.toml"]


@pytest.mark.parametrize(
    ("key", "value", "old"),
    [
        ("ui.thme", "x", ""),
        ("ui.bell", "x", ""),
        ("approval.mode", "bypass", ""),
        ("ui.bell", True, "ui = 3\n"),
        ("ui.bell", True, "["),
    ],
)
def test_a_refused_edit_leaves_the_file_alone(tmp_path: Path, key: str, value: object, old: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text(old)
    with pytest.raises(ConfigError):
        set_user_value(key, value, path=path)
    assert path.read_text() == old


def test_a_first_repository_config_holds_what_was_said(tmp_path: Path) -> None:
    path = tmp_path / ".hybridcode" / "config.toml"
    write_repository_config(
        path, {"verify.test_cmd": "make test", "verify.lint_cmd": "", "egress.deny_paths": ["a/**"]}
    )
    assert path.read_text() == '[verify]\ntest_cmd = "make test"\n\n[egress]\ndeny_paths = ["a/**"]\n'
    assert (path.parent / ".gitignore").read_text() == "config.local.toml\n"
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o644, 0o755)
    with pytest.raises(ConfigError, match="exists already"):
        write_repository_config(path, {"verify.test_cmd": "make"})


def test_a_repository_cannot_lead_the_first_config_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / ".hybridcode").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigError, match="symbolic link"):
        write_repository_config(tmp_path / ".hybridcode" / "config.toml", {"verify.test_cmd": "make"})
    assert not list((tmp_path / "elsewhere").iterdir())


def test_an_edit_in_an_unwritable_place_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot be"):
        set_user_value("ui.bell", True, path=tmp_path / "file" / "config.toml")


def test_the_generated_reference_is_current(repository_root: Path) -> None:
    assert (repository_root / "docs/config.schema.json").read_text(encoding="utf-8") == json_page()
    assert (repository_root / "docs/configuration.md").read_text(encoding="utf-8") == markdown()


def test_the_schema_knows_every_setting() -> None:
    definitions = json_schema()["$defs"]
    fields = [field for definition in definitions.values() for field in definition["properties"].values()]
    assert all(field["description"] for field in fields)
    closed = {name for name, definition in definitions.items() if definition["additionalProperties"] is False}
    assert closed == definitions.keys() - {"ModelSettings"}
    page = markdown()
    assert all(f"| `{key.name.rpartition('.')[2]}` |" in page for key in KEYS.values())


def test_the_generator_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "usage" in capsys.readouterr().err
    assert main(["--markdown"]) == 0
    assert capsys.readouterr().out == markdown()
