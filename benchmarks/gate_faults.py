"""Kills and errors at every system call of a three-file apply through the gate, full and read-only disks.

Invariant: the calls are counted from a recorded run of the same apply, so that none is left out; each trial has a
workspace and a journal of its own. Needs strace and the right to trace; full and read-only disks need user namespaces.
"""

import argparse
import contextlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import fault_scene as scene

_CALL = re.compile(r"^(\w+)\(", re.MULTILINE)
_NO_ROOM = ("ENOSPC", "EDQUOT", "EROFS", "EIO", "EINTR")
_ERRORS: dict[str, tuple[str, ...]] = {
    "openat": ("EMFILE", "EACCES", *_NO_ROOM),
    "write": _NO_ROOM,
    "fsync": _NO_ROOM,
    "rename": ("EXDEV", "EACCES", *_NO_ROOM),
    "renameat": ("EXDEV", "EACCES", *_NO_ROOM),
    "renameat2": ("EXDEV", "EINVAL", "ENOSYS", *_NO_ROOM),
    "linkat": ("EXDEV", "EPERM", *_NO_ROOM),
    "unlinkat": ("EACCES", *_NO_ROOM),
    "mkdirat": ("EACCES", *_NO_ROOM),
    "fchmod": ("EPERM", "EROFS", "EIO"),
    "fchown": ("EPERM", "EIO"),
    "flock": ("EIO", "ENOLCK", "EINTR"),
    "read": ("EIO",),
    "close": ("EIO", "EINTR"),
}
_JOURNAL_ERRORS: dict[str, tuple[str, ...]] = {
    "pwrite64": ("ENOSPC", "EDQUOT", "EROFS", "EIO", "EINTR"),
    "fdatasync": ("EIO", "ENOSPC"),
    "fsync": ("EIO", "ENOSPC"),
    "pread64": ("EIO",),
    "openat": ("EMFILE", "EIO"),
    "fcntl": ("EIO", "ENOLCK"),
    "ftruncate": ("ENOSPC", "EIO"),
}


@dataclass
class Tally:
    """The trials of one kind."""

    name: str
    trials: int = 0
    outcomes: Counter[str] = field(default_factory=Counter[str])
    faults: list[str] = field(default_factory=list[str])

    def add(self, what: str, result: scene.Aftermath) -> None:
        """Count a trial."""
        self.trials += 1
        self.outcomes[_outcome(result)] += 1
        self.faults += [f"{what}: {fault}" for fault in result.faults]


def _outcome(result: scene.Aftermath) -> str:
    if result.said.get("kind"):
        return str(result.said["kind"])
    was = result.found.get("was") or ["not proposed"]
    how = {"Applied": "finished", "Failed": "rolled back", "Unknown": "unknown"}
    ends = [how.get(kind, kind) for kind in result.found.get("receipts", [])]
    return f"{was[0]}, {ends[0]}" if ends else str(was[0])


@contextlib.contextmanager
def _fresh(top: Path, number: int) -> Generator[Path]:
    folder = top / str(number)
    scene.lay_out(folder)
    yield folder
    shutil.rmtree(folder)


_PASSING = ("openat", "fcntl")
"""Not refused for ever: nothing could be opened any more, and a database waits for its locks as it is told to."""
_NO_EXCHANGE = ("-e", "inject=renameat2:error=ENOSYS")
"""Options of strace for a kernel that cannot exchange two names."""


def calls_of(top: Path, thread: str, options: Sequence[str] = ()) -> list[tuple[str, int]]:
    """Every system call of this thread in an undisturbed apply: its name, and the how manieth of that name it is."""
    with _fresh(top, 0) as folder:
        said = scene.disturbed(folder, thread=thread, options=list(options))
        assert said["kind"] == "Applied", said
    counted: Counter[str] = Counter()
    calls: list[tuple[str, int]] = []
    for name in _CALL.findall(said["trace"]):
        counted[name] += 1
        calls.append((name, counted[name]))
    return calls


def kills(top: Path, thread: str, *, every: int = 1, can_exchange: bool = True) -> Tally:
    """Kill the process at each system call of one of its threads (or at every so manieth)."""
    kernel = () if can_exchange else _NO_EXCHANGE
    tally = Tally(f"kill, {thread} thread" + ("" if can_exchange else ", no exchange of names"))
    calls = [(call, nth) for call, nth in calls_of(top, thread, kernel) if can_exchange or call != "renameat2"]
    for number, (call, nth) in enumerate(calls[:: max(every, 1)], start=1):
        with _fresh(top, number) as folder:
            options = ["-e", f"trace={call},renameat2", *kernel, "-e", f"inject={call}:signal=KILL:when={nth}"]
            said = scene.disturbed(folder, thread=thread, options=options)
            tally.add(f"{call} {nth}", scene.settle(folder, {} if "kind" not in said else said))
    return tally


def errors(top: Path, thread: str, *, persistent: bool = False, every: int = 1) -> Tally:
    """Let each system call that can fail fail in each way it can: once, or from there on for ever."""
    tally = Tally(f"error {'from there on' if persistent else 'once'}, {thread} thread")
    wanted = _ERRORS if thread == "files" else _JOURNAL_ERRORS
    cases = [(call, nth, code) for call, nth in calls_of(top, thread) for code in wanted.get(call, ())]
    if persistent:
        cases = [case for case in cases if case[2] not in ("EINTR", "EINVAL") and case[0] not in _PASSING]
    for number, (call, nth, code) in enumerate(cases[:: max(every, 1)], start=1):
        with _fresh(top, number) as folder:
            when = f"{nth}+" if persistent else str(nth)
            options = ["-e", f"trace={call}", "-e", f"inject={call}:error={code}:when={when}"]
            said = scene.disturbed(folder, thread=thread, options=options)
            result = scene.settle(folder, said)
            if thread == "files":
                _check_at_once(result)
            if persistent and call == "unlinkat":  # nothing can be removed any more, so our own files stay as well
                result.faults = [fault for fault in result.faults if not fault.startswith("left")]
            tally.add(f"{call} {nth} {code}", result)
    return tally


def _check_at_once(result: scene.Aftermath) -> None:
    """An error is no crash: files and receipt agree before anybody recovers."""
    kind = result.said.get("kind")
    wanted = {"Applied": scene.NEW, "Failed": scene.OLD, "Stale": scene.OLD}.get(str(kind))
    if wanted is None and kind != "Unknown":
        result.faults.append(f"ended as {kind}: {result.said.get('reason')}")
    if wanted is not None and result.after != wanted:
        result.faults.append(f"said {kind}: {result.after}")
    if result.strays_after and kind != "Unknown":
        result.faults.append(f"left at once: {result.strays_after}")


def disks(top: Path) -> Tally:
    """Real full disks of many sizes, too few inodes, and a read-only one, in user namespaces of their own."""
    tally = Tally("full or read-only file system")
    sizes = [f"size={size}k" for size in (96, 100, 120, 140, 160, 180, 200, 220, 240, 300)]
    inodes = [f"nr_inodes={count}" for count in (4, 5, 6, 7, 8)]
    for number, option in enumerate([*sizes, *inodes, "ro"]):
        folder = top / f"disk{number}"
        (folder / "ws").mkdir(parents=True)
        mount = f'mount -t tmpfs -o {"size=4m" if option == "ro" else option} none "$1/ws" && shift && exec "$@"'
        ours = [sys.executable, "-m", "benchmarks.gate_faults", "--on-disk", str(folder), option]
        command = ["unshare", "-Urm", "sh", "-c", mount, "sh", str(folder), *ours]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            tally.faults.append(f"{option}: {done.stderr[-300:]}")
            continue
        said = json.loads(done.stdout.splitlines()[-1])
        tally.trials += 1
        tally.outcomes[said["kind"]] += 1
        tally.faults += [f"{option}: {fault}" for fault in said["faults"]]
        shutil.rmtree(folder)
    return tally


def _on_disk(folder: Path, option: str) -> None:
    scene.lay_out(folder, has_workspace=True)
    if option == "ro":
        subprocess.run(["mount", "-o", "remount,ro", str(folder / "ws")], check=True)
    said = scene.Applying.start(folder).finish()
    result = scene.settle(folder, said)
    _check_at_once(result)
    print(json.dumps({"kind": said["kind"], "faults": result.faults}))


def can_trace() -> bool:
    """True where strace may attach to a process of ours."""
    if not shutil.which("strace"):
        return False
    sleeper = subprocess.Popen(["sleep", "5"])
    try:
        tracer = subprocess.Popen(
            ["strace", "-o", "/dev/null", "-p", str(sleeper.pid)], stderr=subprocess.PIPE, text=True
        )
        assert tracer.stderr is not None
        is_attached = "attached" in tracer.stderr.readline()
    finally:
        sleeper.kill()
        sleeper.wait()
    tracer.communicate()
    return is_attached


def campaigns(top: Path, *, every: int = 1) -> Iterator[Tally]:
    """All of them, one after the other."""
    yield kills(top, "files", every=every)
    yield kills(top, "files", every=every, can_exchange=False)
    yield errors(top, "files", every=every)
    yield errors(top, "files", persistent=True, every=every)
    yield disks(top)
    yield kills(top, "main", every=every)
    yield errors(top, "main", every=every)
    yield errors(top, "main", persistent=True, every=every)


def main() -> int:
    """Run the campaigns and print a table as they end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=1, help="only every so manieth call")
    parser.add_argument("--on-disk", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.on_disk:
        _on_disk(Path(options.on_disk[0]), options.on_disk[1])
        return 0
    started, faults, trials = time.monotonic(), list[str](), 0
    print("| disturbance | trials | how they ended | broken promises |\n| --- | --- | --- | --- |", flush=True)
    with tempfile.TemporaryDirectory() as name:
        for tally in campaigns(Path(name), every=options.every):
            ends = ", ".join(f"{count} {end}" for end, count in sorted(tally.outcomes.items()))
            print(f"| {tally.name} | {tally.trials} | {ends} | {len(tally.faults)} |", flush=True)
            faults += tally.faults
            trials += tally.trials
    print(f"\n{trials} trials in {time.monotonic() - started:.0f} s")
    for fault in faults:
        print(f"broken: {fault}")
    return 1 if faults else 0


if __name__ == "__main__":
    raise SystemExit(main())
