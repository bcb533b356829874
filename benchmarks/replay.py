"""What it costs to keep what windows are made from, and to make them again.

Invariant: a copy of a real git repository, a journal on disk, the product's own code, scripted models; prints one JSON
document. `keep` is the time between a window and its record, `settled` what goes on while a model is asked.
"""

import argparse
import asyncio
import json
import os
import subprocess
import tempfile
import time
from pathlib import Path

from hybridcode.agent.keeping import Keeper
from hybridcode.context.corpus import Corpus
from hybridcode.context.index import Index
from hybridcode.context.outline import outline
from hybridcode.domain.canonical import sha256_hex
from hybridcode.domain.events import OutlineMade, TaskGiven
from hybridcode.domain.plan import Task
from hybridcode.domain.secrets import PLAIN
from hybridcode.journal.store import Journal, SessionJournal
from hybridcode.session.replaying import replayed

TASK = "correct how the total of a cart is rounded"
BUDGET = 4_000
ROOM = 16_000_000


def copy(repository: Path, root: Path) -> None:
    """A clone, so that nothing is done to the repository."""
    subprocess.run(["git", "clone", "-q", str(repository), str(root)], check=True)


def spent() -> tuple[float, float]:
    """Wall and processor seconds so far."""
    return time.perf_counter(), time.process_time()


async def one_window(log: SessionJournal, keeper: Keeper, corpus: Corpus) -> dict[str, float]:
    """Assemble an outline and keep what it was made from; milliseconds."""
    window = outline(corpus, task=TASK, budget=BUDGET).window
    began = spent()
    source = await keeper.source(corpus, TASK)
    kept = spent()
    await keeper.close()
    settled = spent()
    log.put_blob(window.text.encode())
    log.append(OutlineMade(sha256_hex(window.text.encode()), window.used, BUDGET, source))
    parts = (("keep", began, kept), ("settled", kept, settled))
    return {
        f"{name}_{kind}_ms": round((last[place] - first[place]) * 1_000, 1)
        for name, first, last in parts
        for place, kind in enumerate(("wall", "cpu"))
    }


async def measure(repository: Path, edits: int) -> dict[str, object]:
    """First window of a journal, windows after one edited file each, and a replay of all."""
    with tempfile.TemporaryDirectory() as folder:
        root, path = Path(folder) / "ws", Path(folder) / "state" / "journal.db"
        copy(repository, root)
        index = Index.in_memory()
        with Journal.open(path) as journal:
            log = journal.session("s")
            log.append(TaskGiven(Task("task-1", TASK), index.take(root).digest))
            keeper = Keeper(log, room=ROOM, redactor=lambda: PLAIN)
            rows: list[dict[str, float]] = []
            sizes: list[int] = []
            for number in range(edits + 1):
                if number:
                    (root / "edited.py").write_text(f"def total():\n    return {number}\n")
                rows.append(await one_window(log, keeper, index.corpus(index.take(root))))
                sizes.append(sum(size for (size,) in journal.rows("SELECT length(data) FROM blob")))
            began = time.perf_counter()
            lines = list(replayed(log, root))
            took = time.perf_counter() - began
            files = len(index.take(root).files)
        index.close()
    later = sorted(rows[1:], key=lambda row: row["keep_wall_ms"])[edits // 2]
    return {
        "files": files,
        "first": rows[0],
        "after_an_edit_median": later,
        "blob_bytes_first": sizes[0],
        "blob_bytes_per_edit": (sizes[-1] - sizes[0]) // edits,
        "replay_s": round(took, 2),
        "windows": len(rows),
        "verdicts": sorted({line.verdict for line in lines}),
        "load": os.getloadavg()[0],
    }


def main() -> None:
    """Parse the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("repository", type=Path, nargs="?", default=Path())
    parser.add_argument("--edits", type=int, default=9)
    given = parser.parse_args()
    print(json.dumps(asyncio.run(measure(given.repository.resolve(), given.edits)), indent=1))


if __name__ == "__main__":
    main()
