import pytest

from hybridcode.agent.for_place import for_place
from hybridcode.domain.plan import Region, Step

GOAL = (
    "Delete zip_equal with its entry in __all__. more.py: drop the import of warnings, nothing else uses it. "
    "sort_together and zip_broadcast use zip with strict=strict in place of _zip_equal; docstrings say ValueError. "
    "In the README take out the row."
)
TOUCHES = ("more.py#imports", "more.py#__all__", "more.py#Zip.sort_together", "more.py#L3-9", "README.rst")


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("more.py#imports", "more.py: drop the import of warnings, nothing else uses it."),
        ("more.py#__all__", "Delete zip_equal with its entry in __all__."),
        (
            "more.py#Zip.sort_together",
            "sort_together and zip_broadcast use zip with strict=strict in place of _zip_equal;",
        ),
        ("more.py#L3-9", ""),
        ("README.rst", ""),
    ],
)
def test_whoever_writes_one_place_is_told_what_the_goal_says_of_it(place: str, said: str):
    step = Step("1", GOAL, touches=TOUCHES)
    assert for_place(step, Region.parse(place)) == (f"# Of that, here above all\n{said}" if said else "")


def test_a_short_goal_one_place_or_a_goal_about_it_alone_needs_no_more():
    imports = Region.parse("more.py#imports")
    assert for_place(Step("1", "Import re.", touches=TOUCHES), imports) == ""
    assert for_place(Step("1", GOAL, touches=("more.py#imports",)), imports) == ""
    assert for_place(Step("1", "Import re. " * 30, touches=TOUCHES), imports) == ""
