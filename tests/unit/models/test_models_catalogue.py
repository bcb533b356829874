from urllib.parse import urlsplit

import pytest

from hybridcode.models.catalogue import CLASSES, NAME, Entry, catalogue, entry_named

PERMISSIVE = {"Apache-2.0", "MIT"}
BITS = {"Q4_K_M": (4.4, 5.5), "Q4_K_M (dynamic)": (4.4, 5.5), "MXFP4": (4.2, 5.2)}
"""Bits of a weight that a file of this quantisation has, at least and at most."""
BILLIONS = {
    "qwen3.6-27b": 27.3,
    "qwen3.6-27b-mtp": 27.8,
    "qwen3-coder-30b-a3b": 30.5,
    "devstral-small-2-24b": 23.6,
    "gpt-oss-20b": 20.9,
    "qwen3-14b": 14.8,
    "qwen3.5-9b": 9.2,
    "qwen3.6-35b-a3b": 35.1,
    "qwen3.5-4b": 4.4,
}
"""Parameters of each model as its publisher counts them, without a vision part."""
ROOM = {"24 GB": 24e9, "16 GB": 16e9, "CPU only": 32e9}

every_entry = pytest.mark.parametrize("entry", catalogue(), ids=lambda entry: entry.id)


def test_there_is_something_for_each_kind_of_machine() -> None:
    for name in CLASSES:
        assert [entry for entry in catalogue() if name in entry.memory]
    ids = [entry.id for entry in catalogue()]
    assert len(set(ids)) == len(ids)
    assert entry_named(ids[0]) == catalogue()[0]
    assert entry_named("nonesuch") is None


@every_entry
def test_an_entry_is_complete_and_permitted(entry: Entry) -> None:
    assert NAME.fullmatch(entry.id)
    assert entry.memory
    assert entry.licence in PERMISSIVE
    assert entry.title
    assert entry.why.endswith(".")
    assert entry.architecture
    assert 4_096 <= entry.n_ctx <= 262_144


@every_entry
def test_its_link_is_https_to_the_file_itself(entry: Entry) -> None:
    parts = urlsplit(entry.url)
    assert (parts.scheme, parts.netloc, parts.query) == ("https", "huggingface.co", "")
    _, owner, repository, resolve, revision, file = parts.path.split("/")
    assert owner
    assert repository.endswith("-GGUF")
    assert resolve == "resolve"
    assert file == entry.file
    assert file.endswith(".gguf")
    assert (len(revision) == 40) == entry.is_pinned, "what is pinned comes from a revision that cannot change"


@every_entry
def test_its_digest_is_one_or_none(entry: Entry) -> None:
    assert not entry.sha256 or (len(entry.sha256) == 64 and not set(entry.sha256) - set("0123456789abcdef"))


@every_entry
def test_its_size_fits_its_quantisation_and_its_machine(entry: Entry) -> None:
    least, most = BITS[entry.quantisation]
    assert least <= entry.bytes * 8 / (BILLIONS[entry.id] * 1e9) <= most
    assert entry.bytes / 2**30 < entry.needs_gib < entry.bytes / 2**30 + 6
    for name in entry.memory:
        assert entry.needs_gib * 2**30 <= ROOM[name]
