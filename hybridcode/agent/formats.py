"""How a draft is asked for: by the size of the region, and by how a model did with each format in this session.

Invariant: the same region, settings and record of the session give the same format; what was asked is in the window's
source, so that nothing has to be known of the record to make the window again.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec

from hybridcode.domain.events import DraftMade, DraftRefused, Envelope, WindowAssembled
from hybridcode.domain.plan import Region
from hybridcode.domain.refusal import Refusal
from hybridcode.domain.window import EditFormat
from hybridcode.patch.place_rewrite import EMPTY

WHOLE_FILE_LINES = 80
"""Files up to this length are asked for whole when a step touches all of them."""
LONG_REGION = 40
"""Regions up to this length are asked for whole, longer ones as blocks inside them."""
_LONG_FOR_BLOCKS = 15
"""The same for a model that leaves lines out of regions and finds them for blocks."""
_LONG_FOR_REGIONS = 120
"""The same for a model that does not find the lines for its blocks, and for a region that may go as a whole."""
_REMEMBERED = 6
_BAD = 2
"""So many refused drafts of the last six speak against a format."""


@dataclass
class FormatRecord:
    """How the drafts of each model ended in this session, by format."""

    seq: int = 0
    """Of the last envelope that is part of it."""
    _formats: dict[str, EditFormat] = field(default_factory=dict[str, EditFormat])
    """Digest of a window -> the format it asks for."""
    _last: dict[tuple[str, int], deque[bool]] = field(default_factory=dict[tuple[str, int], deque[bool]])
    """Step and try -> where its last draft is counted."""
    _refused: dict[tuple[str, EditFormat], deque[bool]] = field(
        default_factory=dict[tuple[str, EditFormat], deque[bool]]
    )
    """Model and format -> whether each of the last drafts was refused."""

    def read(self, envelopes: Iterable[Envelope]) -> None:
        """Take in what happened since."""
        for envelope in envelopes:
            self.seq = envelope.seq
            match envelope.event:
                case WindowAssembled(source=source) as event if not isinstance(source, msgspec.UnsetType):
                    self._formats[event.digest] = source.format
                case DraftMade() as event if event.window_digest in self._formats:
                    key = event.model, self._formats[event.window_digest]
                    drafts = self._refused.setdefault(key, deque(maxlen=_REMEMBERED))
                    drafts.append(False)
                    self._last[event.step, event.attempt] = drafts
                case DraftRefused() as event if not all(map(_is_of_no_format, event.refusals)):
                    if drafts := self._last.get((event.step, event.attempt)):
                        drafts[-1] = True
                case _:
                    pass

    def longest(self, model: str) -> int:
        """Lines up to which a region is asked of this model whole."""
        blocks, regions = self._is_bad(model, "blocks"), self._is_bad(model, "region")
        if blocks == regions:
            return LONG_REGION
        return _LONG_FOR_REGIONS if blocks else _LONG_FOR_BLOCKS

    def _is_bad(self, model: str, format: EditFormat) -> bool:
        return sum(self._refused.get((model, format), ())) >= _BAD


def _is_of_no_format(refusal: Refusal) -> bool:
    """It says nothing of how a model does with the format: no change, no form at all, or a text that goes."""
    return refusal.is_already or refusal.is_formless or refusal.reason == EMPTY


def choose_format(
    region: Region,
    *,
    wanted: str,
    file_lines: int | None,
    region_lines: int = 0,
    longest: int = LONG_REGION,
    may_go: bool = False,
) -> EditFormat:
    """How to ask for a region; `file_lines` is None for a new file, `region_lines` counts for a part of a file. One
    that `may_go` is asked for whole up to the greatest length: an empty fence deletes it, a block would hold it all."""
    if file_lines is None:
        return "whole"
    if region.symbol is not None or region.start is not None:
        is_long = wanted == "auto" and region_lines > (max(longest, _LONG_FOR_REGIONS) if may_go else longest)
        return "blocks" if wanted == "blocks" or is_long else "region"
    if wanted in ("whole", "blocks"):
        return "whole" if wanted == "whole" else "blocks"
    return "whole" if file_lines <= WHOLE_FILE_LINES else "blocks"
