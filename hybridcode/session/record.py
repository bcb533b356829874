"""All envelopes of a session, the older ones packed: a long session would hold a hundred thousand objects otherwise.

Invariant: reads like the list it stands for; what comes out equals what was put in.
"""

import zlib
from collections.abc import Iterator, Sequence
from typing import overload

import msgspec

from hybridcode.domain.events import Envelope

CHUNK = 256
"""Envelopes in a pack; at least so many of the latest stay as they are."""
_LEVEL = 1
"""Of zlib: most of the gain is in the names of fields, which the quickest level finds too."""
_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder[list[Envelope]](list[Envelope])


class Record(Sequence[Envelope]):
    """Grows at its end. An iterator sees what was there when it began."""

    def __init__(self, past: Sequence[Envelope] = ()) -> None:
        full = max(len(past) // CHUNK - 1, 0)
        self._packs = [_ENCODER.encode(past[n * CHUNK : (n + 1) * CHUNK]) for n in range(full)]
        self._loose = 0
        """The first pack that is not squeezed: a past is not, so that a session opens sooner, until it grows again."""
        self._latest = list(past[full * CHUNK :])
        self._unpacked: tuple[int, list[Envelope]] = (-1, [])
        """The pack that was asked for last, by its number."""

    def append(self, envelope: Envelope) -> None:
        """Add one; now and then the oldest of the latest are packed."""
        self._latest.append(envelope)
        if len(self._latest) >= 2 * CHUNK:
            self._packs.append(_ENCODER.encode(self._latest[:CHUNK]))
            del self._latest[:CHUNK]
            for number in range(self._loose, min(self._loose + 2, len(self._packs))):
                self._packs[number] = zlib.compress(self._packs[number], _LEVEL)
                self._loose = number + 1

    def __len__(self) -> int:
        return len(self._packs) * CHUNK + len(self._latest)

    @overload
    def __getitem__(self, index: int) -> Envelope: ...
    @overload
    def __getitem__(self, index: slice) -> list[Envelope]: ...
    def __getitem__(self, index: int | slice) -> Envelope | list[Envelope]:
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(len(self)))]
        place = range(len(self))[index]
        number, within = divmod(place, CHUNK)
        if number >= len(self._packs):
            return self._latest[place - len(self._packs) * CHUNK]
        if self._unpacked[0] != number:
            self._unpacked = number, _unpack(self._packs[number])
        return self._unpacked[1][within]

    def __iter__(self) -> Iterator[Envelope]:
        packs, latest = tuple(self._packs), tuple(self._latest)
        for pack in packs:
            yield from _unpack(pack)
        yield from latest

    def __reversed__(self) -> Iterator[Envelope]:
        packs, latest = tuple(self._packs), tuple(self._latest)
        yield from reversed(latest)
        for pack in reversed(packs):
            yield from reversed(_unpack(pack))


def _unpack(pack: bytes) -> list[Envelope]:
    return _DECODER.decode(pack if pack.startswith(b"[") else zlib.decompress(pack))
