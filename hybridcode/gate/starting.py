"""From an approved command to its end in a sandbox.

Invariant: a plain pipeline is run without a shell, from the same reading of its text that policy can be held against;
everything else by bash, without start-up files.
"""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path

from msgspec.structs import replace

from hybridcode.domain.action import ShellCommand
from hybridcode.domain.errors import GateError
from hybridcode.gate import processes, sandbox_caches, sandbox_git, sandbox_masks
from hybridcode.gate.commands.plain import Stage, plain_pipeline
from hybridcode.gate.sandbox import Sandbox
from hybridcode.gate.sandbox_request import Request
from hybridcode.gate.scratch import Scratch


async def run(
    command: ShellCommand,
    *,
    workspace: Path,
    box: Sandbox,
    is_reader: bool,
    show: Callable[[str], None],
    copy: Scratch | None = None,
    hidden: Sequence[Path] = (),
    stop: asyncio.Event | None = None,
) -> processes.Ended:
    """Run a command to its end. `is_reader`: policy found that it only reads, so it may not write.

    With `copy` it runs on that copy of the workspace, which must hold what it is to run on. A sandbox shows nothing of
    what is `hidden`. `stop` ends it with all its processes, and what it printed is kept.

    Raises:
        GateError: there is no such folder or no such program.
        OSError: the sandbox could not be started.
    """
    cwd = (workspace / command.cwd).resolve()
    if not cwd.is_relative_to(workspace) or not cwd.is_dir():
        raise GateError(f"{command.cwd}: there is no such folder in the workspace", "")
    is_check = command.purpose == "check"
    env = processes.environment(command.env_names, workspace=workspace, keep_path=is_check, is_reader=is_reader)
    caches = sandbox_caches.prepare(workspace) if box.kind != "none" else None
    request = Request(
        [_found(stage, path=env["PATH"], cwd=cwd, copy=copy) for stage in _stages(command)],
        workspace,
        cwd,
        source=copy.source if copy is not None else None,
        shown=copy.shown if copy is not None else (),
        network=command.network,
        is_reader=is_reader,
        writes_git=sandbox_git.writes_git(command),
        hidden=hidden,
        caches=caches and caches.folder,
        empty=caches and caches.empty,
    )
    if caches is not None:
        env |= caches.environment
    with _masks(box, request), _git(request):
        # The line is made inside: it covers what is there by then.
        return await processes.run(
            box.line(request), cwd=cwd, env=env, timeout_s=command.timeout_s, show=show, stop=stop
        )


def _masks(box: Sandbox, request: Request) -> contextlib.AbstractContextManager[None]:
    if not box.can_mount or request.is_reader or request.source is not None:
        return contextlib.nullcontext()
    return sandbox_masks.held(request.workspace, writes_git=request.writes_git)


def _git(request: Request) -> contextlib.AbstractContextManager[None]:
    if not request.writes_git or request.source is not None:
        return contextlib.nullcontext()
    return sandbox_masks.git_in_its_place(request.workspace)


def _stages(command: ShellCommand) -> tuple[Stage, ...]:
    if command.argv:
        return (Stage(command.argv),)
    return plain_pipeline(command.script) or (Stage(("bash", "--noprofile", "--norc", "-c", command.script)),)


def _found(stage: Stage, *, path: str, cwd: Path, copy: Scratch | None) -> Stage:
    """A stage with the absolute path of its program in place of the name."""
    program = processes.find_program(stage.argv[0], path=path, cwd=cwd)
    if program is None:
        raise GateError(f"The program `{stage.argv[0]}` was not found.", "Is it on the PATH, outside the workspace?")
    program = copy.program(program) if copy is not None else program
    called = program if "/" in stage.argv[0] else ""
    return replace(stage, argv=(program, *stage.argv[1:]), called=called)
