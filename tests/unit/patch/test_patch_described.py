import pytest

from hybridcode.patch.described import is_described, is_itself_meant


@pytest.mark.parametrize(
    ("kind", "goal"),
    [
        ("function", "Delete the test for 3.9 only."),
        ("class", "Remove the class that wraps the deprecated path"),
        ("method", "Simplify it. Drop the old setters and the property nobody reads."),
        ("function", "Remove support for Python 3.9."),
        ("function", "The tests of the old parser are to be removed."),
        ("constant", "Get rid of the two constants for retries."),
        ("class", "Dropping the legacy model is what this is about."),
        ("function", "Remove foo, bar and the helpers that only they use."),
        ("function", "Remove duplicate code and unused helpers."),
        ("function", "Delete the old, unused helper."),
        ("function", "The test for 3.9 goes."),
    ],
)
def test_a_definition_may_be_described(kind: str, goal: str) -> None:
    assert is_described(kind, goal)


@pytest.mark.parametrize(
    ("kind", "goal"),
    [
        ("function", "Remove the unused parameter from the function."),
        ("method", "Drop the old argument of every method."),
        ("function", "Remove the print but keep the function."),
        ("function", "Remove the import and rename the function."),
        ("function", "Make the unused function faster."),
        ("function", "Delete the class that wraps the deprecated path."),
        ("class", "Delete the function."),
        ("function", "Test the function for 3.9."),
        ("method", "Remove the parameter tax. All methods stay."),
        ("function", "Remove duplicates and simplify the functions."),
        ("function", "Remove the sleeps, then speed up the tests."),
        ("method", "Drop unused imports and sort methods."),
        ("function", "Remove trailing blanks, fix typos, document all functions."),
        ("function", "Delete what the tests do not need."),
        ("function", "The handler goes through the new cache."),
        ("function", "Do not remove any function."),
        ("function", "Simplify it without removing tests."),
        ("function", "Fix the tests instead of deleting tests."),
    ],
)
def test_what_goes_from_a_definition_does_not_describe_it(kind: str, goal: str) -> None:
    assert not is_described(kind, goal)


@pytest.mark.parametrize(
    ("kind", "goal"),
    [
        ("function", "Delete it."),
        ("function", "Delete the test for 3.9 only."),
        ("class", "Remove the whole class that wraps the deprecated path; nothing uses it."),
        ("method", "Simplify the caller. Then remove this deprecated method."),
        ("constant", "Drop the constant"),
        ("function", "Remove the function from this file."),
    ],
)
def test_the_one_place_of_a_step_may_be_what_goes(kind: str, goal: str) -> None:
    assert is_itself_meant(kind, goal)


@pytest.mark.parametrize(
    ("kind", "goal"),
    [
        ("function", "Remove the print from it."),
        ("function", "Remove the function call."),
        ("function", "Remove the function total."),
        ("function", "Remove the function from the registry."),
        ("class", "Delete the method that wraps the deprecated path."),
        ("class", "Delete the class attribute."),
        ("method", "Remove its argument."),
        ("method", "Remove this argument."),
        ("function", "Do not remove the function."),
        ("function", "Delete the test's second assertion."),
        ("function", "Delete the test and its fixture."),
    ],
)
def test_another_object_is_not_the_place_itself(kind: str, goal: str) -> None:
    assert not is_itself_meant(kind, goal)
