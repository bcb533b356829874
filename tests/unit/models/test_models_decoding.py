import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridcode.models.decoding import TextStream

ALPHABET = st.sampled_from("abc`\nä✓😀")
STOPS = st.lists(st.text(ALPHABET, max_size=4), max_size=3)
CUTS = st.lists(st.integers(0, 90))


def streamed(data: bytes, cuts: list[int], stop: tuple[str, ...]) -> str:
    stream, shown, start = TextStream(stop), "", 0
    for cut in sorted({min(cut, len(data)) for cut in cuts} | {len(data)}):
        shown += stream.feed(data[start:cut])
        start = cut
    return shown + stream.close()


@given(st.text(ALPHABET, max_size=30), CUTS, STOPS)
def test_splitting_the_bytes_changes_nothing(text: str, cuts: list[int], stop: list[str]) -> None:
    data = text.encode()
    assert streamed(data, cuts, tuple(stop)) == streamed(data, [], tuple(stop))


@given(st.text(ALPHABET, max_size=30), CUTS, st.text(ALPHABET, min_size=1, max_size=4))
def test_text_ends_before_a_stop_string(text: str, cuts: list[int], stop: str) -> None:
    assert streamed(text.encode(), cuts, (stop,)) == text.partition(stop)[0]


def test_half_a_character_waits_for_the_rest() -> None:
    stream = TextStream()
    assert stream.feed("a✓".encode()[:2]) == "a"
    assert stream.feed("✓".encode()[1:]) == "✓"


def test_broken_bytes_are_shown_as_such() -> None:
    stream = TextStream()
    assert stream.feed(b"a\xffb\xe2") + stream.close() == "a�b�"


@pytest.mark.parametrize(("stop", "text"), [(("abcd", "bc"), "a"), (("bc", "abc"), "")])
def test_the_stop_string_that_is_complete_first_wins(stop: tuple[str, ...], text: str) -> None:
    assert streamed(b"abcd", [1, 2, 3], stop) == text


def test_nothing_follows_a_stop_string() -> None:
    stream = TextStream(("END",))
    assert stream.feed(b"text EN") == "text "
    assert stream.feed(b"D more") == ""
    assert stream.is_stopped
    assert stream.feed(b"still more") + stream.close() == ""
