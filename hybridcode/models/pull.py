"""Downloads a model after a yes: resumes what is there, checks all of it, and only then gives it its name.

Invariant: a file with a model's name is whole, has the wanted SHA-256 if one is known, and is a GGUF; everything short
of that is a `.part`, which stays until it is complete or proven wrong.
"""

import errno
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Literal

import httpx
import msgspec

from hybridcode.domain.errors import ConfigError, IntegrityError, ModelTransient, ModelUnavailable
from hybridcode.models.gguf import BadGguf, inspect
from hybridcode.models.model_files import Part, PartRecord, claimed, make_folder
from hybridcode.models.problems import RetryLater
from hybridcode.models.transfer import Answer, Source, asked, make_client

MAX_FAILURES = 5
"""Tries in a row that bring no byte."""
MAX_RESTARTS = 3
"""How often a file may change while it is downloaded."""
MAX_PAUSE_S = 30.0
RESERVE_BYTES = 256 * 1024 * 1024
"""Left free on the disk."""
SPACE_EVERY = 64 * 1024 * 1024
"""Bytes between two looks at the free space."""

_MAGIC = b"GGUF"

FreeBytes = Callable[[Path], int]


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What to get."""

    name: str
    """What it will be called here."""
    source: Source
    sha256: str = ""
    """Digest it must have; empty: unpinned."""
    bytes: int | None = None
    """Size it must have; None: unknown."""


class Progress(msgspec.Struct, frozen=True):
    """How far it is."""

    stage: Literal["download", "check"]
    done: int
    total: int | None


class Pulled(msgspec.Struct, frozen=True):
    """A model that is here now."""

    name: str
    path: str
    bytes: int
    sha256: str
    is_pinned: bool
    """True if the digest was known beforehand."""
    resumed_at: int
    """Bytes that were there from before."""


class _Changed(Exception):
    """What is there is not the beginning of what the server has."""


def free_bytes(folder: Path) -> int:
    """Bytes that can be written where `folder` is or will be."""
    return shutil.disk_usage(next(path for path in (folder, *folder.parents) if path.exists())).free


class Pull:
    """One download."""

    def __init__(
        self,
        wanted: Wanted,
        folder: Path,
        *,
        on_progress: Callable[[Progress], None] = lambda _: None,
        on_notice: Callable[[str], None] = lambda _: None,
        sleep: Callable[[float], None] = time.sleep,
        free: FreeBytes = free_bytes,
    ) -> None:
        self._wanted, self._folder = wanted, folder
        self._part = Part(folder, wanted.name)
        self._on_progress, self._on_notice = on_progress, on_notice
        self._sleep, self._free = sleep, free
        self._restarts = 0
        self._received = 0
        """Bytes of the present try."""

    def run(self) -> Pulled:
        """Get the file, check it, name it.

        Raises:
            ConfigError: it is here already, another process gets it, or the disk is full.
            ModelTransient: cut off too often. ModelError: it cannot be had, or is no GGUF.
            IntegrityError: it is not the file that was wanted.
        """
        make_folder(self._folder)
        with claimed(self._folder, self._wanted.name):
            self._check_target()
            resumed_at = self._take_up()
            try:
                self._download()
                digest = self._verify()
                self._check_target()
                self._part.complete()
            except OSError as error:
                raise self._disk_trouble(error) from error
        path = self._part.target
        return Pulled(self._wanted.name, str(path), path.stat().st_size, digest, bool(self._wanted.sha256), resumed_at)

    def _check_target(self) -> None:
        if self._part.target.exists() or self._part.target.is_symlink():
            raise ConfigError(
                f"{self._part.target} is here already.",
                f"Remove it with `hybridcode models rm {self._wanted.name}`, or choose another --name.",
            )

    def _take_up(self) -> int:
        """Bytes to go on from; what belongs to another file is dropped."""
        record = self._part.record
        if self._part.size and (record is None or record.url != self._wanted.source.url):
            self._on_notice("the part that is here comes from somewhere else; starting anew")
            self._part.discard()
        return self._part.size

    def _download(self) -> None:
        failures = 0
        with make_client() as client:
            while not self._is_whole():
                self._received = 0
                try:
                    if self._fetch(client) or self._is_whole():
                        return
                    trouble = RetryLater(f"{self._host} ended its answer before the end of the file.")
                except ModelTransient as error:
                    trouble = error
                except _Changed:
                    self._start_anew()
                    continue
                failures = 1 if self._received else failures + 1
                self._pause(trouble, failures)

    def _is_whole(self) -> bool:
        record = self._part.record
        return record is not None and record.total == self._part.size

    def _start_anew(self) -> None:
        self._restarts += 1
        if self._restarts > MAX_RESTARTS:
            raise ModelUnavailable(f"The file on {self._host} changes with every try.", "Try again later.")
        self._on_notice(f"the file on {self._host} is another one now; starting anew")
        self._part.discard()

    def _pause(self, trouble: ModelTransient, failures: int) -> None:
        if failures >= MAX_FAILURES:
            raise ModelTransient(f"{trouble.message} {failures} tries in a row brought nothing.", "Try again later.")
        asked_for = trouble.retry_after_s if isinstance(trouble, RetryLater) else None
        pause = min(MAX_PAUSE_S, 2.0 ** (failures - 1) if asked_for is None else asked_for)
        self._on_notice(f"{trouble.message} Trying again in {pause:g} s.")
        self._sleep(pause)

    def _fetch(self, client: httpx.Client) -> bool:
        """Ask once and keep what comes; True if that was all, as far as anybody can tell."""
        at, record = self._part.size, self._part.record
        with asked(client, self._wanted.source, at=at, etag=record.etag if record else "") as answer:
            start = _place(answer, at, record)
            if start is None:
                return True
            if at and not start:
                self._on_notice(f"{answer.host} sends the file from its beginning")
            self._expect(answer)
            self._check_space(start, answer.total)
            with self._part.append(at=start) as file:
                if not start:
                    etag, url = answer.etag, self._wanted.source.url
                    self._part.begin(PartRecord(url, etag, answer.total, answer.announced))
                self._write(answer, file, start)
        return answer.total is None

    def _expect(self, answer: Answer) -> None:
        wanted = self._wanted.bytes
        if None not in (wanted, answer.total) and wanted != answer.total:
            self._part.discard()
            raise IntegrityError(
                f"{self._host} has a file of {answer.total:,} bytes; {wanted:,} were expected.",
                "The file was replaced. Nothing of it was kept.",
            )

    def _write(self, answer: Answer, file: BinaryIO, start: int) -> None:
        done, looked_at = start, start
        for block in answer.blocks():
            if not done and not block.startswith(_MAGIC[: len(block)]):
                self._part.discard()
                raise BadGguf("not_gguf", f"{self._host} sends no GGUF file: it begins with {block[:20]!r}.")
            file.write(block)
            done += len(block)
            self._received += len(block)
            if done - looked_at >= SPACE_EVERY:
                file.flush()
                self._check_space(done, answer.total)
                looked_at = done
            self._on_progress(Progress("download", done, answer.total))

    def _check_space(self, done: int, total: int | None) -> None:
        needed = (0 if total is None else total - done) + RESERVE_BYTES
        free = self._free(self._folder)
        if free < needed:
            raise ConfigError(
                f"{self._folder} has {free / 2**30:.1f} GiB free; {needed / 2**30:.1f} GiB are needed.",
                "Make room; what is already there stays and is gone on with.",
            )

    def _verify(self) -> str:
        """The digest of a file that is what was wanted."""
        part, total = self._part, self._part.size
        digest = part.sha256(lambda done: self._on_progress(Progress("check", done, total)))
        record = part.record
        expected = self._wanted.sha256 or (record.announced if record else "")
        if expected and digest != expected:
            part.discard()
            who = "expected" if self._wanted.sha256 else f"announced by {self._host}"
            raise IntegrityError(
                f"The file from {self._host} has the SHA-256 {digest}; {expected} was {who}.",
                "It was damaged on its way, or replaced. Nothing of it was kept.",
            )
        try:
            inspect(part.path)
        except BadGguf as error:
            if error.reason != "version":
                part.discard()
            raise
        return digest

    def _disk_trouble(self, error: OSError) -> ConfigError:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            return ConfigError(f"The disk of {self._folder} is full.", "Make room; what is already there stays.")
        return ConfigError(f"{self._part.path} cannot be written: {error.strerror}", "Check the folder's permissions.")

    @property
    def _host(self) -> str:
        return httpx.URL(self._wanted.source.url).host


def _place(answer: Answer, at: int, record: PartRecord | None) -> int | None:
    """The first byte of an answer; None if nothing is missing.

    Raises:
        _Changed: it does not continue what is there.
    """
    if answer.status == 200:
        return 0
    is_same = record is None or (
        (not record.etag or answer.etag in ("", record.etag))
        and (record.total is None or answer.total in (None, record.total))
    )
    if answer.status == 206 and answer.start == at and is_same:
        return at
    if answer.status == 416 and at and answer.total == at and is_same:
        return None
    raise _Changed
