"""Races an apply against an editor and against somebody who moves folders and links about; prints a table.

Invariant: in every round somebody else, a process of its own, does one thing at a random moment while three files are
applied; afterwards the files, the receipt and the folder outside must agree on what happened.
"""

import argparse
import os
import random
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from hybridcode.domain.action import Applied, ChangeSet, FileEdit
from hybridcode.domain.canonical import sha256_hex
from hybridcode.gate import files

BASE, EDIT, OURS = b"base " * 200, b"edit " * 300, b"ours " * 400
NAMES = ("a", "d/b", "d/c")
_BLOBS = {sha256_hex(data): data for data in (BASE, OURS)}
_CHANGE = ChangeSet(
    (
        FileEdit("a", sha256_hex(BASE), sha256_hex(OURS)),
        FileEdit("d/b", sha256_hex(BASE), sha256_hex(OURS)),
        FileEdit("d/c", None, sha256_hex(OURS)),
    )
)
_SPREAD_S = 0.002


@dataclass(frozen=True)
class World:
    """The workspace and the folder outside."""

    top: Path

    @property
    def root(self) -> Path:
        """The workspace."""
        return self.top / "ws"

    @property
    def out(self) -> Path:
        """Where nothing may be written."""
        return self.top / "out"

    def reset(self) -> None:
        """Everything as it is at the start of a round."""
        (self.root / "d").mkdir(parents=True, exist_ok=True)
        self.out.mkdir(exist_ok=True)
        for path in (self.root / "a", self.root / "d" / "b"):
            path.unlink(missing_ok=True)
            path.write_bytes(BASE)
            path.chmod(0o644)
        (self.root / "d" / "c").unlink(missing_ok=True)
        (self.out / "b").write_bytes(BASE)

    def contents(self) -> dict[str, bytes | None]:
        """What the three files hold now."""
        paths = {name: self.root / name for name in NAMES}
        return {name: path.read_bytes() if path.is_file() else None for name, path in paths.items()}

    def strays(self) -> list[str]:
        """What belongs to nobody."""
        found = [str(path.relative_to(self.top)) for path in self.top.rglob("*") if not path.is_dir()]
        known = {"out/b", *(f"ws/{name}" for name in NAMES)}
        return [name for name in found if name not in known]


def _save(world: World, name: str) -> None:
    (world.root / name).write_bytes(EDIT)


def _save_by_rename(world: World, name: str) -> None:
    aside = world.root / f"{name}.save"
    aside.write_bytes(EDIT)
    aside.rename(world.root / name)


def _delete(world: World, name: str) -> None:
    (world.root / name).unlink(missing_ok=True)


def _flip_mode(world: World, name: str) -> None:
    (world.root / name).chmod(0o600)


def _link_folder_outside(world: World, _: str) -> None:
    (world.root / "d").rename(world.root / "away")
    (world.root / "d").symlink_to(world.out)
    _pause()
    (world.root / "d").unlink()
    (world.root / "away").rename(world.root / "d")


def _move_folder_outside(world: World, _: str) -> None:
    (world.root / "d").rename(world.out / "moved")
    _pause()
    (world.out / "moved").rename(world.root / "d")


def _rename_folder(world: World, _: str) -> None:
    (world.root / "d").rename(world.root / "e")
    _pause()
    (world.root / "e").rename(world.root / "d")


def _link_outside(world: World, name: str) -> None:
    (world.out / "b").unlink()
    with suppress(FileNotFoundError):
        (world.out / "b").hardlink_to(world.root / name)


def _swap_for_link(world: World, name: str) -> None:
    path = world.root / name
    aside = path.with_name("held")
    aside.symlink_to(world.out / "b")
    aside.rename(path)


def _nothing(world: World, name: str) -> None:
    """Sometimes nobody disturbs."""


_DEEDS: Mapping[str, Callable[[World, str], None]] = {
    "nobody": _nothing,
    "editor writes in place": _save,
    "editor saves by rename": _save_by_rename,
    "file deleted": _delete,
    "mode flipped": _flip_mode,
    "folder swapped for a link to outside": _link_folder_outside,
    "folder moved outside and back": _move_folder_outside,
    "folder renamed and back": _rename_folder,
    "hard link made outside": _link_outside,
    "file swapped for a link to outside": _swap_for_link,
}


def _pause() -> None:
    time.sleep(random.uniform(0, _SPREAD_S))


@dataclass
class Tally:
    """The rounds of one deed."""

    rounds: int = 0
    receipts: Counter[str] = field(default_factory=Counter[str])
    faults: list[str] = field(default_factory=list[str])


def run(top: Path, *, rounds: int, seed: int) -> dict[str, Tally]:
    """Race this many rounds, the deeds in turn."""
    world, chance = World(top), random.Random(seed)
    tallies = {name: Tally() for name in _DEEDS}
    world.reset()
    for number in range(rounds):
        deed = list(_DEEDS)[number % len(_DEEDS)]
        name = chance.choice(NAMES[:2])
        tally = tallies[deed]
        world.reset()
        receipt = _race(world, deed, name, delay=chance.uniform(0, _SPREAD_S))
        kind = type(receipt).__name__
        tally.rounds += 1
        tally.receipts[kind] += 1
        tally.faults += [f"round {number}, {name}, {kind}: {fault}" for fault in _faults(world, deed, name, receipt)]
        for stray in world.strays():
            (top / stray).unlink()
    return tallies


def _race(world: World, deed: str, name: str, *, delay: float) -> object:
    ready, go = os.pipe()
    if (other := os.fork()) == 0:
        code = 1
        try:
            os.read(ready, 1)
            time.sleep(delay)
            _DEEDS[deed](world, name)
            code = 0
        finally:
            os._exit(code)
    os.write(go, b"g")
    try:
        receipt = files.apply(world.root, _CHANGE, load=_BLOBS.__getitem__)
    finally:
        os.waitpid(other, 0)
        os.close(ready)
        os.close(go)
    return receipt


def _faults(world: World, deed: str, name: str, receipt: object) -> list[str]:
    faults: list[str] = []
    found = world.contents()
    is_link = deed == "file swapped for a link to outside"
    for path, content in found.items():
        if content not in (BASE, EDIT, OURS, None):
            faults.append(f"half a file: {path}")
        if content == OURS and not isinstance(receipt, Applied):
            faults.append(f"{path} was written, and the receipt denies it")
        if isinstance(receipt, Applied) and content != OURS and (path != name or deed in ("nobody", "mode flipped")):
            faults.append(f"{path} was not written, and the receipt says so")
    if deed.startswith("editor") and found[name] != EDIT:
        faults.append(f"the editor's {name} is lost")
    if deed == "file deleted" and found[name] not in (None, OURS):
        faults.append(f"{name} came back")
    if is_link and not (world.root / name).is_symlink():
        faults.append(f"the link {name} is lost")
    if (world.out / "b").exists() and (world.out / "b").read_bytes() == OURS and deed != "hard link made outside":
        faults.append("written outside")
    if strays := world.strays():
        faults.append(f"left behind: {strays}")
    return faults


def main() -> int:
    """Race and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        tallies = run(Path(name), rounds=options.rounds, seed=options.seed)
    print("| meanwhile | rounds | receipts | broken promises |\n| --- | --- | --- | --- |")
    for deed, tally in tallies.items():
        receipts = ", ".join(f"{count} {kind}" for kind, count in sorted(tally.receipts.items()))
        print(f"| {deed} | {tally.rounds} | {receipts} | {len(tally.faults)} |")
    print(f"\n{options.rounds} rounds in {time.monotonic() - started:.0f} s, seed {options.seed}")
    for fault in (fault for tally in tallies.values() for fault in tally.faults[:20]):
        print(f"broken: {fault}")
    return 1 if any(tally.faults for tally in tallies.values()) else 0


if __name__ == "__main__":
    raise SystemExit(main())
