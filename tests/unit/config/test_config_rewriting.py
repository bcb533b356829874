from pathlib import Path

import pytest

from hybridcode.config.edit import carry_out_all, foresee_first, foresee_local
from hybridcode.config.rewriting import carry_out, foresee
from hybridcode.config.trust import is_trusted, read_repository, trust
from hybridcode.domain.errors import ConfigError


def test_sections_in_any_order_are_changed_where_they_stand(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('[models.local]\nseed = 3\n\n[ui]\nbell = true  # loud\n\n[models.frontier]\nmodel = "x"\n')
    changes = {"models.local.n_ctx": 5, "models.frontier.model": None, "ui.bell": False}
    after = foresee(path, changes).after.decode()
    assert after.startswith("[models.local]\nseed = 3\nn_ctx = 5\n")
    assert "bell = false  # loud\n" in after
    assert "model =" not in after


def test_none_takes_a_setting_out_and_one_that_is_not_there_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    assert foresee(path, {"limits.max_steps": None}).after == b""
    path.write_text("[limits]\nmax_steps = 3\ntimeout_s = 9.0\n")
    assert foresee(path, {"limits.max_steps": None}).after == b"[limits]\ntimeout_s = 9.0\n"


@pytest.mark.parametrize(
    ("old", "changes"),
    [
        ("models.local.seed = 3\nui = {bell = true}\n", {"models.frontier.model": "q"}),
        ("", {"models.frontier.model": "q\udc80"}),
        ("", {"models.local.n_ctx": "\udc80"}),
        ("", {"models.local.nothing": None}),
        ("", {"approval.mode": "bypass"}),
    ],
)
def test_what_would_not_be_read_back_is_not_made(tmp_path: Path, old: str, changes: dict[str, object]) -> None:
    path = tmp_path / "config.toml"
    path.write_text(old)
    with pytest.raises(ConfigError):
        foresee(path, changes)
    assert path.read_text() == old


def test_a_file_that_changed_since_it_was_shown_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    shown = foresee(path, {"ui.bell": True})
    path.write_text("# somebody else's\n")
    with pytest.raises(ConfigError, match="changed meanwhile"):
        carry_out(shown)
    assert path.read_text() == "# somebody else's\n"


@pytest.mark.parametrize("was_trusted", [True, False])
def test_trust_outlives_what_a_person_writes_and_nothing_else(tmp_path: Path, was_trusted: bool) -> None:
    store, folder = tmp_path / "trust", tmp_path / "shop" / ".hybridcode"
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text("[limits]\nmax_steps = 3\n")
    before = read_repository(folder.parent)
    if was_trusted:
        trust(before, store=store)
    local = foresee_local(folder, {"ui.bell": True})
    assert carry_out_all((local,), before, store=store) is was_trusted
    assert is_trusted(read_repository(folder.parent), store=store) is was_trusted
    again = read_repository(folder.parent)
    (folder / "config.toml").write_text("[limits]\nmax_steps = 300\n")
    assert not carry_out_all((foresee_local(folder, {"ui.bell": False}),), again, store=store)
    assert not is_trusted(read_repository(folder.parent), store=store)


def test_a_first_file_is_trusted_as_all_of_it_is_ones_own(tmp_path: Path) -> None:
    folder = tmp_path / "shop" / ".hybridcode"
    before = read_repository(folder.parent)
    first = foresee_first(folder / "config.toml", {"verify.test_cmd": "make"})
    assert carry_out_all((first,), before, store=tmp_path / "trust")
    assert is_trusted(read_repository(folder.parent), store=tmp_path / "trust")
    assert (folder / ".gitignore").read_text() == "config.local.toml\n"


def test_a_link_that_appears_after_it_was_shown_is_not_written_through(tmp_path: Path) -> None:
    folder, victim = tmp_path / "shop" / ".hybridcode", tmp_path / "victim"
    folder.mkdir(parents=True)
    before, local = read_repository(folder.parent), foresee_local(folder, {"ui.bell": True})
    (folder / "config.local.toml").symlink_to(victim)
    with pytest.raises(ConfigError, match="symbolic link"):
        carry_out_all((local,), before, store=tmp_path / "trust")
    assert not victim.exists()
