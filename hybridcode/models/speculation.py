"""Guessing several tokens ahead, so that one pass over the weights checks them all.

Invariant: a draft decides nothing: the answer is what plain decoding would give, whatever was guessed (up to ties
between logits, which a batch of another size may break otherwise).
Source of prompt lookup: Apoorv Saxena, "Prompt Lookup Decoding" (2023); here the longest match wins, then the latest.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from hybridcode.models.llama import MOST_ROWS

MOST_DRAFTED = MOST_ROWS - 1
"""Tokens of the longest draft."""
_SEEK = 2
"""Tokens that have to agree before a place is looked at."""
_PLACES = 16
"""The latest places that are compared."""
_REACH = 24
"""Agreeing tokens are counted up to here."""
_FIRST_PROBE, _PROBE_DOUBLINGS = 16, 6
"""Chances to draft that are let pass before a probe, doubled with each one."""


class Draft(NamedTuple):
    """Guessed tokens."""

    tokens: Sequence[int]
    trust: int
    """How well guesses of this kind come true: each kind has a record of its own."""


NO_DRAFT = Draft((), 0)


class Drafter(Protocol):
    """Something that guesses."""

    kinds: int
    """`trust` is below this number."""
    most: int
    """Tokens of its longest draft."""
    trust_before: int | None
    """How far it is trusted where guessing itself takes time; None where a draft costs nothing and says so itself."""

    def begin(self, prompt: Sequence[int]) -> None:
        """A new answer starts after `prompt`."""
        ...

    def draft(self, token: int, most: int) -> Draft:
        """What may follow `token`, which stands at the end of what was decoded; at most `most` tokens."""
        ...

    def extend(self, tokens: Sequence[int]) -> None:
        """The answer went on with these."""
        ...


class PromptLookup:
    """Guesses that the answer goes on as the prompt, or the answer before, went on after the same tokens."""

    kinds = _REACH.bit_length() + 1
    trust_before: int | None = None

    def __init__(self, most: int = MOST_DRAFTED) -> None:
        self.most = most
        self._tokens: list[int] = []
        self._places: dict[tuple[int, int], list[int]] = {}

    def begin(self, prompt: Sequence[int]) -> None:
        """Index the prompt."""
        self._tokens, self._places = [], {}
        self.extend(prompt)

    def extend(self, tokens: Sequence[int]) -> None:
        """Index further tokens."""
        for token in tokens:
            self._tokens.append(token)
            end = len(self._tokens)
            if end >= _SEEK:
                self._places.setdefault((self._tokens[end - 2], token), []).append(end)

    def draft(self, token: int, most: int) -> Draft:
        """The tokens after the place that agrees longest with the last ones, `token` included."""
        known = self._tokens
        if not known:
            return NO_DRAFT
        best, start = 0, 0
        for end in reversed(self._places.get((known[-1], token), [])[-_PLACES:]):
            if end < len(known) and (agreeing := self._agreeing(end - 1) + 1) > best:
                best, start = agreeing, end
                if best >= _REACH:
                    break
        if not best:
            return NO_DRAFT
        return Draft(known[start : start + most], best.bit_length())

    def _agreeing(self, end: int) -> int:
        """How many tokens before `end` equal the last ones."""
        known, last = self._tokens, len(self._tokens)
        count = 0
        while count < _REACH and count < end and known[end - 1 - count] == known[last - 1 - count]:
            count += 1
        return count


class Pace:
    """How long a draft may be so that it pays, from what was measured: the time of a pass by its number of tokens, and
    how many guesses of each kind came true.

    With `p` the share of guesses that come true, a draft of k tokens gives 1 + p + ... + p^k tokens for the time of a
    pass over k + 1; plain decoding gives 1 for the time of a pass over one.
    """

    LENGTHS = (1, 2, 3, 4, 6, 8, 12, 16)
    MARGIN = 1.05
    """A draft has to be this much faster."""
    FORGET = 0.97
    """What older guesses count for with each new one."""
    CERTAIN = 0.98
    """No kind of guess is taken for better."""
    PROBES = (2, 4, 8)
    """Where plain decoding seems best, one draft of such a length is tried now and then: models and prompts differ."""
    PLAIN_EVERY = 64
    """After this many passes with guesses one is made without, to know what that costs now."""

    def __init__(self, *, kinds: int, slope: float) -> None:
        self._slope = slope
        """Before anything is measured, each further token of a pass costs this share of a pass over one."""
        self._seconds: dict[int, float] = {}
        self._true = [float(max(1, trust)) for trust in range(kinds)]
        self._false = [1.0] * kinds
        self._since_probe = self._probes = 0
        self._since_plain = self.PLAIN_EVERY

    def length(self, trust: int, most: int) -> int:
        """Tokens to guess; 0 = decode plainly."""
        if self._since_plain >= self.PLAIN_EVERY:
            return 0
        best, gain = 0, self.MARGIN
        for count in self.LENGTHS:
            if count <= most and (now := self._gain(trust, count)) > gain:
                best, gain = count, now
        self._since_probe = 0 if best else self._since_probe + 1
        if most and self._since_probe >= _FIRST_PROBE << min(self._probes, _PROBE_DOUBLINGS):
            self._since_probe, self._probes = 0, self._probes + 1
            return min(self.PROBES[self._probes % len(self.PROBES)], most)
        return best

    def record(self, size: int, seconds: float, *, trust: int, accepted: int) -> None:
        """A pass over `size` tokens, `size` - 1 of them guessed, took `seconds`; `accepted` came true."""
        self._since_plain = 0 if size == 1 else self._since_plain + 1
        known = self._seconds.get(size)
        self._seconds[size] = (
            seconds if known is None else known + (seconds - known) * (0.5 if seconds < known else 0.1)
        )
        if size > 1:
            self._true[trust] = self._true[trust] * self.FORGET + accepted
            self._false[trust] = self._false[trust] * self.FORGET + (accepted < size - 1)

    def _gain(self, trust: int, count: int) -> float:
        share = min(self.CERTAIN, self._true[trust] / (self._true[trust] + self._false[trust]))
        tokens = (1 - share ** (count + 1)) / (1 - share)
        return tokens / self._cost(count + 1)

    def _cost(self, size: int) -> float:
        """Time of a pass in passes over one token; between measured sizes a straight line."""
        one = self._seconds.get(1)
        if not one:
            return 1 + self._slope * (size - 1)
        if size in self._seconds:
            return max(1.0, self._seconds[size] / one)
        below = max((known for known in self._seconds if known < size), default=1)
        above = min((known for known in self._seconds if known > size), default=None)
        low = max(1.0, self._seconds[below] / one)
        if above is None:
            return low + self._slope * (size - below)
        high = max(1.0, self._seconds[above] / one)
        return low + (high - low) * (size - below) / (above - below)
