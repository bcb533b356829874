import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridcode.agent.checks import said
from hybridcode.agent.distil import at_words, distil, without_codes, without_colours
from hybridcode.domain.events import CheckRan
from hybridcode.tui.story_effects import output_tail

PATHS = ("shop/cart.py", "tests/test_cart.py", "src/lib.rs", "web/cart.test.mjs", "cart_test.go", "main.c")

PYTEST = """\
\x1b[31mF\x1b[0m.                                                       [100%]
=================================== FAILURES ===================================
__________________________________ test_total __________________________________

    def test_total():
        cart = Cart()
>       assert cart.total([1] * 6) == 6
E       assert 7 == 6
E        +  where 7 = <function total at 0x7f32875a9a80>(([1] * 6))

/tmp/copy-81/tests/test_cart.py:3: AssertionError
----------------------------- Captured stdout call -----------------------------
loading the catalogue
loading the catalogue
=========================== short test summary info ============================
FAILED tests/test_cart.py::test_total - assert 7 == 6
1 failed, 1 passed in 0.03s
"""
UNITTEST = """\
.F
======================================================================
FAIL: test_total (tests.test_cart.CartTest)
----------------------------------------------------------------------
Traceback (most recent call last):
  File "/somewhere/tests/test_cart.py", line 8, in test_total
    self.assertEqual(total([1] * 6), 3)
  File "/usr/lib/python3.11/unittest/case.py", line 873, in assertEqual
    assertion_func(first, second, msg=msg)
AssertionError: 7 != 3

----------------------------------------------------------------------
Ran 2 tests in 0.000s

FAILED (failures=1)
"""
CARGO = """\
running 2 tests
test tests::fine ... ok
test tests::adds ... FAILED

failures:

---- tests::adds stdout ----

thread 'tests::adds' (13733) panicked at src/lib.rs:5:17:
assertion `left == right` failed: sum
  left: 3
 right: 4
stack backtrace:
   0: __rustc::rust_begin_unwind
             at /rustc/5980/library/std/src/panicking.rs:689:5
note: Some details are omitted, run with `RUST_BACKTRACE=full` for a verbose backtrace.

test result: FAILED. 1 passed; 1 failed
"""
NODE = """\
not ok 1 - adds
  ---
  duration_ms: 3.2
  location: '/home/x/web/cart.test.mjs:2:1'
  failureType: 'testCodeFailure'
  expected: 3
  actual: 2
  code: 'ERR_ASSERTION'
"""
GO = """\
--- FAIL: TestTotal (0.00s)
    cart_test.go:12: total of 3 items
        got: 7
        want: 6
FAIL
exit status 1
FAIL	example.com/cart	0.003s
"""
COMPILER = """\
In file included from /usr/include/stdio.h:27:
main.c: In function 'main':
main.c:4:20: error: 'x' undeclared (first use in this function)
    4 |   return x;
make: *** [Makefile:3: all] Error 1
"""
RUSTC = """\
error[E0308]: mismatched types
 --> src/lib.rs:1:26
  |
1 | fn main() { let x: i32 = "a"; }
  |                    ---   ^^^ expected `i32`, found `&str`

For more information about this error, try `rustc --explain E0308`.
"""


@pytest.mark.parametrize(
    ("output", "kept"),
    [
        (
            PYTEST,
            """\
failing: tests/test_cart.py::test_total
>       assert cart.total([1] * 6) == 6
E       assert 7 == 6
E        +  where 7 = <function total at 0x...>(([1] * 6))
...
tests/test_cart.py:3: AssertionError""",
        ),
        (
            UNITTEST,
            """\
failing: test_total (tests.test_cart.CartTest)
  File "tests/test_cart.py", line 8, in test_total
    self.assertEqual(total([1] * 6), 3)
...
AssertionError: 7 != 3""",
        ),
        (
            CARGO,
            """\
failing: tests::adds
thread 'tests::adds' panicked at src/lib.rs:5:17:
assertion `left == right` failed: sum
  left: 3
 right: 4""",
        ),
        (
            NODE,
            """\
failing: adds
  location: 'web/cart.test.mjs:2:1'
...
  expected: 3
  actual: 2""",
        ),
        (
            GO,
            """\
failing: TestTotal
    cart_test.go:12: total of 3 items
        got: 7
        want: 6""",
        ),
        (COMPILER, "main.c:4:20: error: 'x' undeclared (first use in this function)"),
        (
            RUSTC,
            """\
error[E0308]: mismatched types
 --> src/lib.rs:1:26
  |
1 | fn main() { let x: i32 = "a"; }
  |                    ---   ^^^ expected `i32`, found `&str`""",
        ),
    ],
    ids=["pytest", "unittest", "cargo", "node", "go", "gcc", "rustc"],
)
def test_what_failed_stays_and_the_rest_goes(output: str, kept: str):
    assert distil(output, PATHS, most_chars=1_500) == kept


def test_models_see_no_codes_of_a_terminal_and_people_no_colours():
    output = "\x1b[1;32mall\x1b(B\x1b[m \x1b]0;title\x07good\x1b[2K\n"
    assert without_codes(output) == "all good\n"
    assert without_colours(output) == "all\x1b(B \x1b]0;title\x07good\x1b[2K\n"
    passed = CheckRan(None, "make", passed=True, exit_code=0, tail=output, seconds=0.1)
    assert said(passed, ()) == "$ make\nexit code 0\nall good\n"
    assert [entry.text for entry in output_tail("\x1b[31mbad\x1b[0m\n")] == ["bad"]


def test_an_output_that_nobody_knows_keeps_its_end():
    output = "\n".join(f"line {number}" for number in range(100))
    assert distil(output, PATHS, most_chars=1_500).split("\n")[0] == "line 80"


def test_what_is_too_long_loses_its_middle():
    errors = "\n".join(f"tests/test_cart.py:{number}: error: wrong" for number in range(200))
    said = distil(errors, PATHS, most_chars=400)
    assert len(said) <= 400
    lines = said.split("\n")
    assert lines[0].startswith("tests/test_cart.py:0:")
    assert lines.count("...") == 1
    assert lines[-1].startswith("tests/test_cart.py:199:")


def test_many_failing_tests_are_counted():
    output = "\n".join(f"FAILED tests/test_cart.py::test_{number} - assert 0" for number in range(11))
    assert distil(f"E   assert 0\n{output}", PATHS, most_chars=1_500).split("\n")[0].endswith("::test_7 and 3 more")


@pytest.mark.parametrize("output", [PYTEST, UNITTEST, CARGO, NODE, GO, COMPILER, RUSTC])
def test_two_runs_in_two_folders_say_the_same(output: str):
    other = output.replace("/tmp/copy-81", "/var/elsewhere/9").replace("0x7f32875a9a80", "0x7fffdeadbeef")
    other = other.replace("(13733)", "(99)").replace("/somewhere", "/home/me").replace("/home/x", "/y")
    assert distil(other, PATHS, most_chars=1_500) == distil(output, PATHS, most_chars=1_500)


@given(st.text(), st.integers(1, 500))
def test_no_text_breaks_it_or_makes_it_longer_than_asked(output: str, most: int):
    assert len(distil(output, PATHS, most_chars=most)) <= most


def test_a_text_is_cut_at_words():
    assert at_words("one two three", 13) == "one two three"
    assert at_words("one two three", 12) == "one two ..."
    assert at_words("one two three", 11) == "one two ..."
    assert at_words("one two three", 10) == "one ..."
    assert at_words("onetwothree", 10) == "onetwo ..."
