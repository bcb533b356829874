import pytest

from hybridcode.agent.shifting import Places, planned, standing
from hybridcode.domain.action import FileChange
from hybridcode.domain.plan import Region, Step

TEN = "".join(f"{number}\n" for number in range(1, 11))
STEP = Step("1", "do it", touches=("a.txt#L2-3", "a.txt#L6-7", "b.txt#L1-2", "a.txt#name", "c.txt"))


def change(*lines: str) -> FileChange:
    return FileChange("a.txt", before=TEN.encode(), after="".join(f"{line}\n" for line in lines).encode(), mode=0o644)


@pytest.mark.parametrize(
    ("lines", "touches"),
    [
        ("1 2 3 4 5 6 7 8 9 10", ()),
        ("1 a b c 4 5 6 7 8 9 10", ("a.txt#L2-4", "a.txt#L7-8")),
        ("1 2 3 x 4 5 6 7 8 9 10", ("a.txt#L2-4", "a.txt#L7-8")),
        ("1 x 2 3 4 5 6 7 8 9 10", ("a.txt#L2-4", "a.txt#L7-8")),
        ("1 4 5 6 7 8 9 10", ("", "a.txt#L4-5")),
        ("0 1 2 3 4 5 6 7 8 9 10", ("a.txt#L3-4", "a.txt#L7-8")),
        ("1 2 3 4 5 x 6 7 8 9 10", ("a.txt#L2-3", "a.txt#L7-8")),
        ("1 2 3 4 5 6 7 x 8 9 10", ()),
        ("1 2 3 4 5 6 x 7 8 9 10", ("a.txt#L2-3", "a.txt#L6-8")),
    ],
)
def test_numbered_places_are_found_again(lines: str, touches: tuple[str, ...]):
    places = Places(STEP)
    places.follow([change(*lines.split())], STEP.regions[0], (2, 3))
    assert places.touches == ((*touches, *STEP.touches[2:]) if touches else ())


def test_a_place_has_the_name_of_the_plan_wherever_it_stands():
    places = Places(STEP)
    places.follow([change(*["0", "1", "4", "5", "6", "7", "8", "9", "10"])], STEP.regions[3], None)
    first, second = STEP.regions[:2]
    assert places.gone == {first}
    assert places.of(second) == Region("a.txt", start=5, end=6)
    assert places.named(places.of(second)) == second
    assert standing(STEP, places.touches).touches == ("a.txt#L5-6", *STEP.touches[2:])
    assert planned(STEP, places.touches, "a.txt#L5-6") == "a.txt#L6-7"
    assert planned(STEP, (), "a.txt#L6-7") == "a.txt#L6-7"
