"""From an answer's indentation to a file's, by one rule learned from lines that stand in both.

Invariant: a rule explains every pair it was learned from; where no single rule does, there is none.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from hybridcode.patch.filetext import indentation
from hybridcode.patch.refusing import Refused

Map = Callable[[str], str]
_UNITS = (1, 2, 3, 4, 8)


@dataclass(frozen=True)
class IndentRule:
    """How the indentation of an added line is written in the file."""

    convert: Map
    """From the answer's indentation to the file's. Raises: Refused where it has no counterpart."""
    is_identity: bool = False
    """The answer's indentation is the file's."""
    is_blind: bool = False
    """No indented line was seen: the rule says nothing about tabs against blanks."""

    @property
    def keeps_the_margin(self) -> bool:
        """Lines that are not indented stay so: the rule is about steps and not about where a block stands."""
        try:
            return self.convert("") == ""
        except Refused:
            return False

    def apply(self, line: str) -> str:
        """The added line as the file would have it. Raises: Refused."""
        if not line.strip():
            return line
        lead = indentation(line)
        return self.convert(lead) + line[len(lead) :]


def _same(lead: str) -> str:
    return lead


UNCHANGED = IndentRule(_same, is_identity=True)


def learn(pairs: Iterable[tuple[str, str]]) -> IndentRule | None:
    """The rule behind pairs of (answer line, file line); None if no single rule explains them all."""
    table: dict[str, str] = {}
    for ours, theirs in pairs:
        if not ours.strip():
            continue
        lead = indentation(theirs)
        if table.setdefault(indentation(ours), lead) != lead:
            return None
    if all(ours == theirs for ours, theirs in table.items()):
        return IndentRule(_same, is_identity=True, is_blind=bool(table) and not any(table))
    return _tabs(table) or _shift(table) or _scale(table)


def from_style(file_lines: Sequence[str]) -> IndentRule | None:
    """Tabs of an answer in blanks, if the file has no tabs and its step is beyond doubt; else None."""
    if any(line.startswith("\t") for line in file_lines):
        return None
    widths = [len(indentation(line)) for line in file_lines if line.startswith("  ")]
    if widths and all(width % 4 == 0 for width in widths):
        return IndentRule(_tabs_to_blanks(4))
    if 2 in widths and all(width % 2 == 0 for width in widths):
        return IndentRule(_tabs_to_blanks(2))
    return None


def _tabs(table: dict[str, str]) -> IndentRule | None:
    """Tabs on one side, blanks on the other: always as many blanks for a tab, below what an unindented line gets."""
    base = table.get("", "")
    if not all(theirs.startswith(base) for theirs in table.values()):
        return None
    deeper = [(ours, theirs.removeprefix(base)) for ours, theirs in table.items() if ours]
    ours, theirs = "".join(a for a, _ in deeper), base + "".join(b for _, b in deeper)
    if not all(below for _, below in deeper):
        return None
    if set(ours) == {"\t"} and set(theirs) == {" "}:
        return _one_unit({len(b) / len(a) for a, b in deeper}, base, _tabs_to_blanks)
    if set(ours) == {" "} and set(theirs) == {"\t"}:
        return _one_unit({len(a) / len(b) for a, b in deeper}, base, _blanks_to_tabs)
    return None


def _one_unit(ratios: set[float], base: str, make: Callable[[int, str], Map]) -> IndentRule | None:
    ratio = ratios.pop() if len(ratios) == 1 else 0
    return IndentRule(make(int(ratio), base)) if ratio in _UNITS else None


def _tabs_to_blanks(unit: int, base: str = "") -> Map:
    return lambda lead: base + lead.replace("\t", " " * unit)


def _blanks_to_tabs(unit: int, base: str = "") -> Map:
    return lambda lead: base + "\t" * (len(lead) // unit) + " " * (len(lead) % unit)


def _shift(table: dict[str, str]) -> IndentRule | None:
    """One constant stretch put before every line, or taken away from every line."""
    if all(theirs.endswith(ours) for ours, theirs in table.items()):
        added = {theirs[: len(theirs) - len(ours)] for ours, theirs in table.items()}
        return IndentRule(_adding(added.pop())) if len(added) == 1 else None
    if all(ours.endswith(theirs) for ours, theirs in table.items()):
        taken = {ours[: len(ours) - len(theirs)] for ours, theirs in table.items()}
        return IndentRule(_taking(taken.pop())) if len(taken) == 1 else None
    return None


def _adding(stretch: str) -> Map:
    return lambda lead: stretch + lead


def _taking(stretch: str) -> Map:
    def take(lead: str) -> str:
        if not lead.startswith(stretch):
            raise Refused(
                "an added line is indented less than the others allow",
                advice="Indent the lines as they stand in the file.",
            )
        return lead[len(stretch) :]

    return take


def _scale(table: dict[str, str]) -> IndentRule | None:
    """Another step width, as two blanks against four; at least two depths must have been seen."""
    if set("".join([*table, *table.values()])) - {" "} or table.get("", "") != "":
        return None
    if len([lead for lead in table if lead]) < 2:
        return None
    ratios = {len(theirs) / len(ours) for ours, theirs in table.items() if ours}
    return IndentRule(_scaling(ratios.pop())) if len(ratios) == 1 else None


def _scaling(ratio: float) -> Map:
    def scale(lead: str) -> str:
        width = len(lead) * ratio
        if width != int(width):
            raise Refused(
                "an added line's indentation has no counterpart in the file",
                advice="Indent the lines as they stand in the file.",
            )
        return " " * int(width)

    return scale
