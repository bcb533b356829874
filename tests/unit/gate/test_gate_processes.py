import asyncio
import os
import sys
import time
from pathlib import Path

import pytest

from hybridcode.gate.processes import Ended, environment, environment_names, find_program, run


async def shell(script: str, tmp_path: Path, *, timeout_s: float = 20.0, shown: list[str] | None = None) -> Ended:
    pieces = shown if shown is not None else []
    env = environment((), workspace=tmp_path)
    return await run(["/bin/sh", "-c", script], cwd=tmp_path, env=env, timeout_s=timeout_s, show=pieces.append)


async def gone(group: int) -> None:
    for _ in range(100):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            await asyncio.sleep(0.05)  # for the event loop to hear of it
            return
        await asyncio.sleep(0.02)
    pytest.fail(f"group {group} lives on")


async def test_output_and_exit_code(tmp_path: Path):
    shown: list[str] = []
    ended = await shell("echo out; echo err >&2; exit 3", tmp_path, shown=shown)
    assert (ended.exit_code, ended.output, ended.timed_out) == (3, b"out\nerr\n", False)
    assert "".join(shown) == "out\nerr\n"


async def test_a_signal_is_told_as_shells_do(tmp_path: Path):
    assert (await shell("kill -TERM $$", tmp_path)).exit_code == 143


async def test_there_is_no_standard_input(tmp_path: Path):
    assert (await shell("cat; echo end", tmp_path)).output == b"end\n"


async def test_the_whole_group_ends_with_the_timeout(tmp_path: Path):
    started = time.monotonic()
    ended = await shell("(sleep 0.8; touch late) & echo started; sleep 60", tmp_path, timeout_s=0.3)
    assert ended.timed_out
    assert ended.output == b"started\n"
    assert time.monotonic() - started < 10
    await asyncio.sleep(0.8)
    assert not (tmp_path / "late").exists()


async def test_a_second_cancellation_still_ends_a_group_that_ignores_the_first(tmp_path: Path):
    shown: asyncio.Queue[str] = asyncio.Queue()
    command = ["/bin/sh", "-c", "trap '' TERM; echo $$; sleep 60; sleep 60"]
    env = environment((), workspace=tmp_path)
    running = asyncio.create_task(run(command, cwd=tmp_path, env=env, timeout_s=90, show=shown.put_nowait))
    group = int(await shown.get())
    started = time.monotonic()
    running.cancel()
    await asyncio.sleep(0.1)
    os.killpg(group, 0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert time.monotonic() - started < 1.0
    await gone(group)


async def test_a_viewer_that_fails_leaves_no_process_behind(tmp_path: Path):
    def fail(text: str) -> None:
        raise ValueError(text)

    script = "echo $$ > group; echo out; sleep 0.3"
    env = environment((), workspace=tmp_path)
    with pytest.raises(ValueError, match="out"):
        await run(["/bin/sh", "-c", script], cwd=tmp_path, env=env, timeout_s=20, show=fail)
    await gone(int((tmp_path / "group").read_text()))


async def test_a_child_that_keeps_the_pipe_open_holds_nobody_up(tmp_path: Path):
    started = time.monotonic()
    detach = f"{sys.executable} -c 'import os, time; os.setsid(); time.sleep(4)' & echo done; sleep 0.3"
    ended = await shell(detach, tmp_path)
    assert ended.output == b"done\n"
    assert time.monotonic() - started < 3.5


async def test_long_output_keeps_both_ends(tmp_path: Path):
    program = "import sys; sys.stdout.write('first\\n' + 'x' * 1_000_000 + '\\nlast\\n')"
    ended = await run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=environment((), workspace=tmp_path),
        timeout_s=20,
        show=lambda _: None,
    )
    assert ended.output.startswith(b"first\n")
    assert ended.output.endswith(b"\nlast\n")
    assert b"bytes left out" in ended.output
    assert len(ended.output) < 270_000


async def test_pieces_never_split_a_character(tmp_path: Path):
    shown: list[str] = []
    await shell("printf '\\303'; sleep 0.2; printf '\\244\\377'", tmp_path, shown=shown)
    assert "".join(shown).startswith("ä")


async def test_a_program_that_is_not_there(tmp_path: Path):
    with pytest.raises(OSError, match="nothere"):
        await run(["/nothere"], cwd=tmp_path, env={}, timeout_s=5, show=lambda _: None)


def test_what_could_redirect_or_leak_is_not_passed_on():
    dangerous = (
        "LD_PRELOAD DYLD_INSERT_LIBRARIES BASH_ENV ENV GIT_DIR GIT_SSH_COMMAND PAGER MANPAGER LESSOPEN PYTHONSTARTUP "
        "NODE_OPTIONS AWS_SECRET_ACCESS_KEY GITHUB_TOKEN DB_PASSWORD SSH_AUTH_SOCK HYBRIDCODE_MODE PROMPT_COMMAND "
        "OPENAI_API_KEY DBUS_SESSION_BUS_ADDRESS BASH_FUNC_ls%%"
    )
    kept = ["HOME", "LANG", "LC_ALL", "PATH", "TZ", "USER", "VIRTUAL_ENV"]
    assert environment_names(dict.fromkeys([*dangerous.split(), *kept], "x")) == tuple(kept)


def test_only_approved_names_and_fixed_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COLOUR", "blue")
    monkeypatch.setenv("SHAPE", "round")
    env = environment(("COLOUR", "LD_PRELOAD"), workspace=tmp_path)
    assert env["COLOUR"] == "blue"
    assert "SHAPE" not in env
    assert (env["PAGER"], env["GIT_TERMINAL_PROMPT"]) == ("cat", "0")


def test_programs_of_the_workspace_do_not_stand_in_for_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "bin").mkdir()
    fake = tmp_path / "bin" / "ls"
    fake.write_text("#!/bin/sh\necho fake\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", os.pathsep.join([str(fake.parent), "bin", ".", "/usr/bin", "/bin"]))
    strict = environment((), workspace=tmp_path)["PATH"]
    assert strict == "/usr/bin:/bin"
    assert find_program("ls", path=strict, cwd=tmp_path) in ("/usr/bin/ls", "/bin/ls")
    check = environment((), workspace=tmp_path, keep_path=True)["PATH"]
    assert check == f"{fake.parent}:/usr/bin:/bin"
    assert find_program("./bin/ls", path=strict, cwd=tmp_path) == str(tmp_path / "bin/ls")
    assert find_program("nothere", path=strict, cwd=tmp_path) is None


async def test_a_flood_costs_neither_memory_nor_the_event_loop(tmp_path: Path):
    shown: list[str] = []
    flood = "head -c 80000000 /dev/zero | tr '\\0' x; echo; echo last"
    running = asyncio.create_task(shell(flood, tmp_path, shown=shown, timeout_s=60))
    longest = 0.0
    while not running.done():
        started = time.monotonic()
        await asyncio.sleep(0.01)
        longest = max(longest, time.monotonic() - started - 0.01)
    ended = await running
    assert ended.exit_code == 0
    assert ended.output.endswith(b"\nlast\n")
    assert len(ended.output) < 270_000
    assert len("".join(shown)) < 4_000_000
    assert longest < 0.5


async def test_there_is_no_terminal(tmp_path: Path):
    ended = await shell("tty; test -t 0 || test -t 1 || test -t 2 || echo none; : > /dev/tty", tmp_path)
    assert b"none" in ended.output
    assert ended.exit_code != 0


def test_no_zombie_stays(tmp_path: Path):
    asyncio.run(shell("true", tmp_path))
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    if not children.exists():
        pytest.skip("this system does not tell")
    states = [Path(f"/proc/{child}/stat").read_text().split()[2] for child in children.read_text().split()]
    assert "Z" not in states


def test_addresses_with_a_password_in_them_are_not_passed_on():
    known = {
        "HTTP_PROXY": "http://someone:hush@proxy:3128",
        "DATABASE_URL": "postgres://u:p@db/x",
        "HOMEPAGE": "http://a",
    }
    assert environment_names(known) == ("HOMEPAGE",)


def test_git_takes_no_hooks_for_commands_that_only_read(tmp_path: Path):
    env = environment((), workspace=tmp_path, is_reader=True)
    settings = {
        env[f"GIT_CONFIG_KEY_{at}"]: env[f"GIT_CONFIG_VALUE_{at}"] for at in range(int(env["GIT_CONFIG_COUNT"]))
    }
    assert settings == {"core.fsmonitor": "false", "credential.helper": "", "core.hooksPath": os.devnull}
    assert "core.hooksPath" not in environment((), workspace=tmp_path).values()
