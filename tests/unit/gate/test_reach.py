import pytest

from hybridcode.gate.reach import network_words, sandbox_words


def test_what_a_sandbox_does_not_enforce_is_told_with_it() -> None:
    assert sandbox_words("landlock", ("times of files outside",)).endswith("; not kept from: times of files outside")
    assert sandbox_words("none", ("anything that you can do",)) == "none: it can do what you can do"


@pytest.mark.parametrize("kind", ["bwrap", "landlock", "seatbelt"])
def test_no_network_is_promised_only_where_something_holds_it_back(kind: str) -> None:
    assert network_words(kind, network=False) == "no"
    assert network_words(kind, network=True) == "YES"
    assert network_words("none", network=False) != "no"
