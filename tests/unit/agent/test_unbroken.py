from hybridcode.agent.unbroken import Compared, compared, told
from hybridcode.domain.events import CheckRan
from hybridcode.domain.planned import BaselineTaken

CHECK = "pytest -q"


def before(*failing: str, exit_code: int = 1) -> BaselineTaken:
    return BaselineTaken(CHECK, "t", not exit_code, exit_code, 1.0, "said", failing)


def now(*failing: str, exit_code: int = 1, command: str = CHECK) -> CheckRan:
    return CheckRan(None, command, not exit_code, exit_code, "", 1.0, failing=failing)


def test_failing_tests_are_told_apart_by_how_they_did_before():
    found = compared(before("a", "b"), now("b", "c"))
    assert found == Compared(broken=("c",), still=("b",), mended=("a",))
    assert told(Compared(("c",), ("b",), ())) == "newly broken: c; 1 test failed before any change too"
    assert told(Compared((), ("a", "b"), ())) == "no test newly broken; 2 tests failed before any change too"
    assert told(Compared(tuple("abcdefghij"), (), ())) == "newly broken: a, b, c, d, e, f, g, h and 2 more"


def test_after_a_check_that_passed_every_failing_test_is_newly_broken():
    assert compared(before(exit_code=0), now("a")) == Compared(broken=("a",), still=(), mended=())


def test_what_cannot_be_compared_is_not():
    assert compared(None, now("a")) is None
    assert compared(before("a"), now()) is None
    assert compared(before(), now("a")) is None
    assert compared(before("a"), now("a", exit_code=2)) is None
    assert compared(before("a"), now("a", command="pytest -q tests")) is None
    assert compared(before("a"), now(exit_code=0)) is None
