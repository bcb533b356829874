import msgspec

from hybridcode.domain.canonical import canonical_json
from hybridcode.domain.drafted import LinesPlaced
from hybridcode.domain.events import DraftRefused, Event, ImportAdded
from hybridcode.domain.plan import Step
from hybridcode.domain.refusal import Refusal
from hybridcode.patch.check import undefined_names
from hybridcode.session.redrafting import Drafting, check_refusal

BEFORE = b'import sys\n\nsys.path.insert(0, "lib")\n\nx = 1\n'
AFTER = BEFORE.replace(b"1", b"rate")
LINE = "from tax import rate"


def drafted(*added: ImportAdded) -> bytes | None:
    drafting = Drafting({"a.py": BEFORE}, {"a.py": AFTER}, {"a.py": 0o644})
    for one in added:
        drafting.take_import(one)
    return drafting.after["a.py"]


def test_an_import_is_placed_again_where_the_record_says_whatever_the_rule_is_now():
    place = LinesPlaced(5, 5, ("", f"{LINE}  # late"))
    first = ImportAdded("s", 1, "a.py", LINE, "why", place)
    second = ImportAdded("s", 1, "a.py", "import os", "why", LinesPlaced(0, 1, ("import os, sys",)))
    assert (
        drafted(first, second) == AFTER.replace(b"import sys", b"import os, sys") + b"\nfrom tax import rate  # late\n"
    )


def test_of_a_record_that_does_not_say_where_it_goes_to_the_very_top():
    row = b'{"type":"ImportAdded","step":"s","attempt":1,"path":"a.py","line":"from tax import rate","why":"w"}'
    added = msgspec.json.decode(row, type=Event)
    assert isinstance(added, ImportAdded)
    assert canonical_json(added) == canonical_json(msgspec.json.decode(row))
    assert drafted(added) == AFTER.replace(b"import sys\n", b"import sys\nfrom tax import rate\n")


def test_a_place_that_cannot_be_and_a_file_that_was_not_drafted_change_nothing():
    assert drafted(ImportAdded("s", 1, "a.py", LINE, "why", LinesPlaced(-1, 0, (LINE,)))) == AFTER
    assert drafted(ImportAdded("s", 1, "b.py", LINE, "why", LinesPlaced(0, 0, (LINE,)))) == AFTER


def test_what_an_advice_goes_on_to_say_of_other_files_is_taken_from_the_record():
    drafting = Drafting({"a.py": BEFORE}, {"a.py": AFTER}, {"a.py": 0o644})
    step = Step("s", "goal", touches=("a.py",))
    (plain,) = undefined_names(drafting.changes, may_import={"a.py"})

    def verdict(refusal: Refusal) -> str:
        return check_refusal(1, DraftRefused("s", 1, (refusal,)), drafting, step).verdict

    assert verdict(plain) == "ok"
    assert verdict(msgspec.structs.replace(plain, advice=f"{plain.advice} And more.")) == "ok"
    assert verdict(msgspec.structs.replace(plain, advice="Leave it.")) == "differs"
    assert verdict(msgspec.structs.replace(plain, reason="rates is not defined in this file")) == "differs"
