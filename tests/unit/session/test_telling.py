import pytest

from hybridcode.domain.planned import BaselineTaken
from hybridcode.session.telling import before, told


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (
            BaselineTaken("make test", "t", True, 0, 1.25, ""),
            "`make test` passes before any change (1.2 s): passing afterwards proves nothing by itself",
        ),
        (
            BaselineTaken("make test", "t", False, 2, 3.0, ""),
            "`make test` fails before any change (3.0 s): exit code 2",
        ),
        (
            BaselineTaken("pytest", "t", False, 1, 3.0, "", ("a::b",)),
            "`pytest` fails before any change (3.0 s): 1 test fails",
        ),
        (
            BaselineTaken("pytest", "t", False, 1, 3.0, "", ("a::b", "a::c"), is_reused=True),
            "`pytest` fails before any change (known from an earlier task): 2 tests fail",
        ),
    ],
)
def test_how_a_check_ended_before_any_change_is_told_with_what_that_is_worth(event: BaselineTaken, words: str):
    assert before(event) == words
    assert told(event) == [("check", words, "strong")]
