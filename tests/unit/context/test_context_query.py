import time
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridcode.context.query import read_query
from hybridcode.context.terms import identifier_counts, identifiers, terms_of


@pytest.mark.parametrize(
    ("text", "frames"),
    [
        pytest.param(
            'Traceback (most recent call last):\n  File "/srv/app/shop/cart.py", line 12, in total\n    x\n'
            '  File "lib\\\\win.py", line 3\nValueError: no',
            (("/srv/app/shop/cart.py", 12), ("lib\\\\win.py", 3)),
            id="python",
        ),
        pytest.param(
            "TypeError: x\n    at Cart.total (/srv/web/cart.js:11:3)\n    at /srv/web/main.ts:4:10\n"
            "    at start (file:///srv/web/start.mjs:7:1)\n    at node:internal/modules/run:1:1",
            (("/srv/web/cart.js", 11), ("/srv/web/main.ts", 4), ("/srv/web/start.mjs", 7)),
            id="node",
        ),
        pytest.param(
            "panic: no\n\ngoroutine 1 [running]:\nmain.total(0x1)\n\t/srv/shop/cart.go:12 +0x1d\nexit status 2\n"
            "./cart.go:7:2: undefined: x",
            (("/srv/shop/cart.go", 12), ("./cart.go", 7)),
            id="go",
        ),
        pytest.param(
            "error[E0308]: mismatched types\n --> core/src/cart.rs:4:5\n  |\n"
            "thread 'main' panicked at src/main.rs:9:13:\n   2: shop::total\n             at ./src/lib.rs:33:9",
            (("core/src/cart.rs", 4), ("src/main.rs", 9), ("./src/lib.rs", 33)),
            id="rust",
        ),
        pytest.param(
            "tests/test_cart.py:12: AssertionError\nshop/Cart.java:3: error\n  from jobs/cart.rb:8:in 'total'",
            (("tests/test_cart.py", 12), ("shop/Cart.java", 3), ("jobs/cart.rb", 8)),
            id="others",
        ),
        pytest.param("at 12:30 it was 3:1, see http://localhost:8080/x and a:b:c", (), id="none"),
    ],
)
def test_lines_of_tracebacks_are_found(text: str, frames: tuple[tuple[str, int], ...]) -> None:
    assert read_query(text).frames == frames


@pytest.mark.parametrize(
    ("text", "phrases"),
    [
        ("say `total` and ``", ("total",)),
        ('the message "no such cart" is wrong', ("no such cart",)),
        ("the message 'no such cart' is wrong", ("no such cart",)),
        ("the message “no such cart” is wrong", ("no such cart",)),
        ("it's the cart's fault, isn't it", ()),
        ("`b` `total` \"a\" 'total cart' `total`", ("total", "total cart")),
        ("`over\na line`", ()),
        ("`" + "x" * 200 + "`", ()),
    ],
)
def test_what_stands_in_quotes_is_a_phrase(text: str, phrases: tuple[str, ...]) -> None:
    assert read_query(text).phrases == phrases


def test_compounds_and_words_in_backticks_are_names() -> None:
    query = read_query("TextArea and snake_case and HTTPServer, `total`, `a b`, Plain words, x_y")
    assert query.names == ("HTTPServer", "TextArea", "snake_case", "total", "x_y")


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("make total() round", ("total",)),
        ("Cart.total( rounds, Cart::add too", ("Cart", "add", "total")),
        ("shop.cart.Cart.total", ("Cart", "cart", "shop", "total")),
        ("the total function and class Basket", ("Basket", "total")),
        ("the add method; add method total", ("add", "total")),
        ("a new option of the cart(s), e.g. file(s), in shop/cart.py and cart.py", ()),
        ("return the same value as before", ()),
    ],
)
def test_what_is_written_as_code_is_a_name(text: str, names: tuple[str, ...]) -> None:
    assert read_query(text).names == names


def test_dotted_names_and_modules_are_kept_as_written() -> None:
    query = read_query("Cart::total and shop.cart.Cart in the money module, not README.md; module tax")
    assert query.qualified == ("Cart.total", "shop.cart.Cart")
    assert query.modules == ("money", "tax")


def test_words_of_instructions_rank_nothing_unless_they_are_code() -> None:
    query = read_query("Replace the same value when it looks at the ledger, instead return another")
    assert list(query.words) == ["ledger"]
    assert {"valu", "replac"} <= set(read_query("`value` and replace() of the ledger").weights)
    assert list(read_query("keep the same value").words) == ["keep", "same", "value"]


def test_neighbouring_words_are_read_as_one_identifier() -> None:
    one, pair = read_query("text_area").weights, read_query("command palette").weights
    assert "=textarea" in one
    assert 0 < pair["=commandpalette"] < pair["palett"]
    assert pair["=commandpalette"] < one["=textarea"]
    assert "=commandpalette" in read_query("the command-palette").weights
    assert "=commandpalette" not in read_query("command. palette").weights
    assert "=commandpalette" not in read_query("command\npalette").weights


def test_the_first_line_counts_most() -> None:
    weights = read_query("settle ledger\n\nbasket palette").weights
    assert weights["ledg"] > weights["basket"] > 0
    assert weights["=settleledger"] > weights["=basketpalette"] > 0
    assert read_query("ledger\nledger").weights["ledg"] == read_query("ledger").weights["ledg"]


def test_common_words_weigh_nothing_and_are_not_missed() -> None:
    query = read_query("Fix the update of the ledger and it")
    assert "ledg" in query.weights
    assert not {"the", "of", "and", "it", "fix", "updat"} & set(query.weights)
    assert list(query.words) == ["ledger"]


@pytest.mark.parametrize(
    ("text", "tests", "prose"),
    [
        ("add a test", True, False),
        ("fixtures and specs", True, False),
        ("contest the latest", False, False),
        ("update the README", False, True),
        ("document it in the docs", False, True),
        ("a doctor", False, False),
    ],
)
def test_tests_and_prose_are_noticed_when_they_are_asked_for(text: str, tests: bool, prose: bool) -> None:
    query = read_query(text)
    assert (query.asks_for_tests, query.asks_for_prose) == (tests, prose)


@given(st.text())
def test_every_text_is_a_query(text: str) -> None:
    query = read_query(text)
    assert list(query.weights) == sorted(query.weights)
    assert all(0 < weight <= 1.5 for weight in query.weights.values())
    assert list(query.names) == sorted(set(query.names))
    assert read_query(text) == query
    assert {term for parts in query.words.values() for term in parts} <= set(query.weights)


@pytest.mark.parametrize(
    "text", ["a.b" * 40_000, "(" * 40_000, '"' * 40_000, "`a" * 40_000, "A_" * 40_000, "a.py:" * 30_000]
)
def test_no_text_takes_long(text: str) -> None:
    began = time.process_time()
    read_query(text)
    assert time.process_time() - began < 2


@given(
    st.binary()
    | st.text("ab_Z019 .-\t\n\x0b\x1c", max_size=60).map(str.encode)
    | st.text("aé9_ 漢²\x85\u2028", max_size=30).map(str.encode)
)
def test_words_are_counted_as_they_are_found(data: bytes) -> None:
    found = {word.decode(): count for word, count in identifier_counts(data).items()}
    assert found == Counter(identifiers(data.decode("utf-8", "replace")))


def test_words_of_letters_that_are_new_to_unicode_are_the_same_for_every_python() -> None:
    new = "\U00031350"
    assert identifiers(f"ledger{new}basket {new}") == ["ledger", "basket"]
    assert identifiers("größe 漢字 имя") == ["größe", "漢字", "имя"]


@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("parseHTTPHeaders", ("pars", "http", "head", "=parsehttpheaders")),
        ("getX", ("get",)),
        ("SCREAMING_CASE2", ("scream", "cas", "=screamingcase2")),
        ("the", ()),
        ("x" * 65, ()),
        ("größe", ("gr", "öß")),
    ],
)
def test_identifiers_are_taken_apart(word: str, found: tuple[str, ...]) -> None:
    assert terms_of(word) == found
