from collections.abc import Generator, Iterable, Mapping
from typing import cast

import msgspec
import pytest

from hybridcode.context.building import segments
from hybridcode.context.segments import Segment, Source, unpack
from tests.support import polyglot

LARGE = 1_000_000_000


@pytest.fixture(scope="module")
def sources() -> list[Source]:
    return [Source(f"{path}!", path, data) for path, data in list(polyglot.tracked_files().items())[::9]]


def contents(built: Iterable[Segment]) -> tuple[Mapping[str, object], Mapping[str, int]]:
    """What is known of each file, and how often each term stands anywhere: the same however files are put together."""
    built = list(built)
    files = {file.key: (file.chunks, file.lengths, file.record, file.unfit) for part in built for file in part.files}
    counts: dict[str, int] = {}
    for part in built:
        for _, data in part.postings:
            for term, numbers in msgspec.msgpack.decode(data, type=dict[str, bytes]).items():
                counts[term] = counts.get(term, 0) + len(unpack(numbers))
    return files, counts


def test_workers_build_what_is_built_here(sources: list[Source]) -> None:
    here = contents(segments(sources, total=1))
    assert here == contents(segments(sources, total=LARGE))
    assert len(here[0]) == len(sources)


def test_the_order_of_files_does_not_matter(sources: list[Source]) -> None:
    assert contents(segments(sources, total=1)) == contents(segments(sources[::-1], total=1))


def test_nothing_to_build_is_no_segment() -> None:
    assert list(segments([], total=0)) == list(segments([], total=LARGE)) == []


def test_work_that_is_not_wanted_any_more_is_left(sources: list[Source]) -> None:
    many = [Source(f"{number}{source.key}", source.path, source.data) for number in range(5) for source in sources]
    building = cast(Generator[Segment], segments(many, total=LARGE))
    assert next(building).files
    building.close()


def test_an_error_in_a_worker_is_an_error_here() -> None:
    def broken() -> "list[Source]":
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        list(segments((source for source in broken()), total=LARGE))
