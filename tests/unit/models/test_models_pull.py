import hashlib
import threading
from collections.abc import Callable, Generator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from hybridcode.domain.errors import (
    ConfigError,
    HybridcodeError,
    IntegrityError,
    ModelTransient,
    ModelUnauthorised,
    ModelUnavailable,
)
from hybridcode.domain.exits import ExitCode
from hybridcode.models import pull as pull_module
from hybridcode.models.gguf import BadGguf
from hybridcode.models.model_files import ModelBusy, Part, PartRecord
from hybridcode.models.pull import Progress, Pull, Pulled, Wanted
from hybridcode.models.transfer import Source
from tests.support.file_server import FileServer, serving_file, wait_until_asked
from tests.support.gguf_files import QWEN, gguf

MODEL = gguf(QWEN, tensors={"a": ((64, 300), 0, 0)}, data=bytes(range(256)) * 300)
DIGEST = hashlib.sha256(MODEL).hexdigest()
OTHER = gguf({**QWEN, "general.name": "other"}, tensors={"a": ((64, 300), 0, 0)}, data=bytes(255 * 300) + MODEL[-300:])


@pytest.fixture
def server() -> Generator[FileServer]:
    with serving_file(MODEL) as file:
        yield file


def wanted(server: FileServer, *, sha256: str = DIGEST, size: int | None = None, token: str = "") -> Wanted:
    return Wanted(name="model", source=Source(server.url(), token, "127.0.0.1"), sha256=sha256, bytes=size)


def get(
    what: Wanted,
    folder: Path,
    *,
    on_progress: Callable[[Progress], None] = lambda _: None,
    notices: list[str] | None = None,
    pauses: list[float] | None = None,
    free: Callable[[Path], int] = lambda _: 2**50,
) -> Pulled:
    said, waited = ([] if notices is None else notices), ([] if pauses is None else pauses)
    return Pull(what, folder, on_progress=on_progress, on_notice=said.append, sleep=waited.append, free=free).run()


def refused(what: Wanted, folder: Path, kind: type[HybridcodeError]) -> HybridcodeError:
    with pytest.raises(kind) as caught:
        get(what, folder)
    assert caught.value.hint
    assert not (folder / "model.gguf").exists()
    return caught.value


def files_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def half(server: FileServer, folder: Path, *, at: int = 20_000) -> Part:
    """A download that stopped at `at` bytes."""
    server.cuts = [at, *[0] * 10]
    with pytest.raises(ModelTransient):
        get(wanted(server), folder)
    server.cuts = []
    server.asked.clear()
    part = Part(folder, "model")
    assert part.size == at
    return part


def test_a_pinned_model_arrives_whole_and_alone(server: FileServer, tmp_path: Path) -> None:
    seen: list[Progress] = []
    pulled = get(wanted(server, size=len(MODEL)), tmp_path / "new" / "models", on_progress=seen.append)
    folder = tmp_path / "new" / "models"
    assert (folder / "model.gguf").read_bytes() == MODEL
    assert files_in(folder) == {"model.gguf"}
    assert (pulled.sha256, pulled.is_pinned, pulled.resumed_at) == (DIGEST, True, 0)
    assert [step.stage for step in seen][-1] == "check"
    assert all(step.total == len(MODEL) for step in seen)
    assert "authorization" not in server.asked[0]
    assert server.asked[0]["accept-encoding"] == "identity"


def test_an_unpinned_model_says_its_digest(server: FileServer, tmp_path: Path) -> None:
    pulled = get(wanted(server, sha256=""), tmp_path)
    assert (pulled.sha256, pulled.is_pinned) == (DIGEST, False)


def test_cut_connections_are_taken_up_where_they_broke(server: FileServer, tmp_path: Path) -> None:
    server.cuts = [10_000, 5_000, 0]
    pauses: list[float] = []
    get(wanted(server), tmp_path, pauses=pauses)
    assert (tmp_path / "model.gguf").read_bytes() == MODEL
    assert server.ranges == ["", "bytes=10000-", "bytes=15000-", "bytes=15000-"]
    assert {headers["if-range"] for headers in server.asked[1:]} == {'"one"'}
    assert pauses == [1.0, 1.0, 2.0]


def test_a_later_run_goes_on_with_what_is_there(server: FileServer, tmp_path: Path) -> None:
    half(server, tmp_path)
    assert files_in(tmp_path) == {"model.gguf.part", "model.gguf.part.json"}
    pulled = get(wanted(server), tmp_path)
    assert (pulled.resumed_at, server.ranges) == (20_000, ["bytes=20000-"])
    assert (tmp_path / "model.gguf").read_bytes() == MODEL


def test_a_server_without_ranges_sends_all_of_it_again(server: FileServer, tmp_path: Path) -> None:
    half(server, tmp_path)
    server.ignores_range = True
    notices: list[str] = []
    get(wanted(server), tmp_path, notices=notices)
    assert (tmp_path / "model.gguf").read_bytes() == MODEL
    assert "from its beginning" in notices[0]


@pytest.mark.parametrize("ignores_if_range", [False, True])
def test_a_file_that_changed_meanwhile_starts_anew(server: FileServer, tmp_path: Path, ignores_if_range: bool) -> None:
    half(server, tmp_path)
    server.data, server.etag, server.ignores_if_range = OTHER, '"two"', ignores_if_range
    get(wanted(server, sha256=""), tmp_path)
    assert (tmp_path / "model.gguf").read_bytes() == OTHER


def test_a_weak_etag_is_compared_here_and_not_sent(server: FileServer, tmp_path: Path) -> None:
    server.etag = 'W/"weak"'
    half(server, tmp_path)
    server.data, server.etag = OTHER, 'W/"other"'
    get(wanted(server, sha256=""), tmp_path)
    assert "if-range" not in server.asked[0]
    assert (tmp_path / "model.gguf").read_bytes() == OTHER


def test_a_file_that_never_stays_the_same_is_given_up(server: FileServer, tmp_path: Path) -> None:
    server.ignores_if_range = True
    server.cuts = [1_000] * 40

    def change(_: Progress) -> None:
        server.etag = f'"{len(server.asked)}"'

    with pytest.raises(ModelUnavailable, match="changes with every try"):
        get(wanted(server), tmp_path, on_progress=change)


def test_a_part_of_another_url_is_not_gone_on_with(server: FileServer, tmp_path: Path) -> None:
    half(server, tmp_path)
    other = Wanted(name="model", source=Source(server.url("else.gguf")), sha256=DIGEST)
    assert get(other, tmp_path).resumed_at == 0
    assert server.ranges == [""]


def test_a_part_that_nobody_knows_is_not_gone_on_with(server: FileServer, tmp_path: Path) -> None:
    (tmp_path / "model.gguf.part").write_bytes(MODEL[:5_000])
    get(wanted(server), tmp_path)
    assert server.ranges == [""]


def test_a_part_that_is_whole_is_only_checked(server: FileServer, tmp_path: Path) -> None:
    part = half(server, tmp_path)
    part.path.write_bytes(MODEL)
    get(wanted(server), tmp_path)
    assert not server.asked
    assert (tmp_path / "model.gguf").read_bytes() == MODEL


@pytest.mark.parametrize("surplus", [b"", b"more than the server has"])
def test_range_not_satisfiable_means_whole_or_wrong(server: FileServer, tmp_path: Path, surplus: bytes) -> None:
    part = half(server, tmp_path)
    part.begin(PartRecord(server.url(), server.etag))
    part.path.write_bytes(MODEL + surplus)
    get(wanted(server), tmp_path)
    assert (tmp_path / "model.gguf").read_bytes() == MODEL
    assert len(server.asked) == (2 if surplus else 1)


def test_what_was_there_is_part_of_the_digest(server: FileServer, tmp_path: Path) -> None:
    part = half(server, tmp_path)
    part.path.write_bytes(b"GGUF" + bytes(19_996))
    error = refused(wanted(server), tmp_path, IntegrityError)
    assert error.exit_code is ExitCode.INTEGRITY
    assert DIGEST in error.message
    assert files_in(tmp_path) == set()


def test_a_wrong_digest_leaves_nothing(server: FileServer, tmp_path: Path) -> None:
    refused(wanted(server, sha256="0" * 64), tmp_path, IntegrityError)
    assert files_in(tmp_path) == set()


def test_an_unpinned_file_must_have_the_digest_its_host_announces(server: FileServer, tmp_path: Path) -> None:
    with serving_file(OTHER) as store:
        server.redirect_to = store.url("store")
        server.redirect_headers = {"x-linked-etag": f'"{DIGEST}"'}
        error = refused(wanted(server, sha256=""), tmp_path, IntegrityError)
        assert "announced by 127.0.0.1" in error.message
        store.data = MODEL
        assert get(wanted(server, sha256=""), tmp_path).sha256 == DIGEST


def test_a_file_of_another_size_is_refused_at_once(server: FileServer, tmp_path: Path) -> None:
    error = refused(wanted(server, size=len(MODEL) + 1), tmp_path, IntegrityError)
    assert f"{len(MODEL):,}" in error.message


def test_a_length_that_is_never_reached_counts_as_a_cut(server: FileServer, tmp_path: Path) -> None:
    server.claims_more = 100
    refused(wanted(server), tmp_path, ModelTransient)
    assert Part(tmp_path, "model").size == len(MODEL)


def test_a_server_that_says_no_length_is_believed_when_the_digest_fits(server: FileServer, tmp_path: Path) -> None:
    server.says_length = False
    get(wanted(server), tmp_path)
    assert (tmp_path / "model.gguf").read_bytes() == MODEL


def test_a_page_instead_of_a_model_is_noticed_with_its_first_bytes(server: FileServer, tmp_path: Path) -> None:
    server.data = b"<html>log in</html>" + bytes(10**6)
    error = refused(wanted(server, sha256=""), tmp_path, BadGguf)
    assert "no GGUF" in error.message
    assert files_in(tmp_path) == set()


def test_a_compressed_answer_is_not_taken_for_the_file(server: FileServer, tmp_path: Path) -> None:
    server.headers = {"content-encoding": "gzip"}
    assert "compressed" in refused(wanted(server), tmp_path, ModelUnavailable).message


def test_half_a_model_at_its_source_is_no_model(server: FileServer, tmp_path: Path) -> None:
    server.data = MODEL[:-100]
    error = refused(wanted(server, sha256=""), tmp_path, BadGguf)
    assert isinstance(error, BadGguf)
    assert error.reason == "truncated"
    assert files_in(tmp_path) == set()


@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, ModelUnauthorised), (403, ModelUnauthorised), (404, ModelUnavailable), (418, ModelUnavailable)],
)
def test_a_refusal_is_final(server: FileServer, tmp_path: Path, status: int, kind: type[HybridcodeError]) -> None:
    server.statuses = [(status, {})]
    error = refused(wanted(server), tmp_path, kind)
    assert str(status) in error.message
    assert len(server.asked) == 1


def test_a_busy_server_is_asked_again_when_it_says(server: FileServer, tmp_path: Path) -> None:
    server.statuses = [(503, {}), (429, {"retry-after": "7"}), (500, {"retry-after": "900"})]
    pauses: list[float] = []
    get(wanted(server), tmp_path, pauses=pauses)
    assert pauses == [1.0, 7.0, 30.0]


def test_a_dead_server_is_given_up_and_the_part_stays(server: FileServer, tmp_path: Path) -> None:
    part = half(server, tmp_path)
    server.statuses = [(502, {})] * 9
    error = refused(wanted(server), tmp_path, ModelTransient)
    assert error.exit_code is ExitCode.TRANSIENT
    assert (len(server.asked), part.size) == (5, 20_000)


def test_a_token_goes_to_its_host_and_stops_there(server: FileServer, tmp_path: Path) -> None:
    with serving_file(MODEL) as store:
        server.redirect_to = store.url("store", host="localhost")
        get(wanted(server, token="secret-token"), tmp_path)
        assert server.asked[0]["authorization"] == "Bearer secret-token"
        assert "secret-token" not in str(store.asked)
        assert store.asked[0]["host"].startswith("localhost")


def test_a_token_does_not_go_to_its_host_by_way_of_another(server: FileServer, tmp_path: Path) -> None:
    with serving_file(MODEL) as lure:
        lure.redirect_to = server.url()
        what = Wanted(name="model", source=Source(lure.url(host="localhost"), "secret-token", "127.0.0.1"))
        get(what, tmp_path)
        assert "secret-token" not in str(lure.asked) + str(server.asked)


def test_a_token_is_not_for_other_hosts(server: FileServer, tmp_path: Path) -> None:
    get(Wanted(name="model", source=Source(server.url(), "secret-token")), tmp_path)
    assert "secret-token" not in str(server.asked)


@pytest.mark.parametrize("target", ["http://example.invalid/x", "file:///etc/passwd", "ftp://127.0.0.1/x"])
def test_a_redirect_away_from_https_is_not_followed(server: FileServer, tmp_path: Path, target: str) -> None:
    server.redirect_to = target
    error = refused(wanted(server), tmp_path, ModelUnavailable)
    assert "not https" in error.message


def test_redirects_without_end_are_given_up(server: FileServer, tmp_path: Path) -> None:
    server.redirect_to = server.url()
    refused(wanted(server), tmp_path, ModelUnavailable)


def test_a_full_disk_is_noticed_before(server: FileServer, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="free"):
        get(wanted(server), tmp_path, free=lambda _: pull_module.RESERVE_BYTES + len(MODEL) - 1)
    assert files_in(tmp_path) == set()


def test_a_disk_that_fills_up_meanwhile_keeps_the_part(
    server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pull_module, "SPACE_EVERY", 30_000)
    server.pause_s = 0.01
    answers = iter([2**40, 0])
    with pytest.raises(ConfigError, match="free"):
        get(wanted(server), tmp_path, free=lambda _: next(answers))
    assert 30_000 <= Part(tmp_path, "model").size < len(MODEL)
    get(wanted(server), tmp_path)
    assert (tmp_path / "model.gguf").read_bytes() == MODEL


def test_two_downloads_of_one_name_do_not_meet(server: FileServer, tmp_path: Path) -> None:
    server.pause_s = 0.05
    done: list[Pulled] = []
    first = threading.Thread(target=lambda: done.append(get(wanted(server), tmp_path)))
    first.start()
    wait_until_asked(server)
    with pytest.raises(ModelBusy, match="Another process"):
        get(wanted(server), tmp_path)
    first.join()
    assert done[0].sha256 == DIGEST
    assert files_in(tmp_path) == {"model.gguf"}


def test_a_model_that_is_here_is_not_written_over(server: FileServer, tmp_path: Path) -> None:
    (tmp_path / "model.gguf").write_bytes(b"mine")
    with pytest.raises(ConfigError, match="already"):
        get(wanted(server), tmp_path)
    assert (tmp_path / "model.gguf").read_bytes() == b"mine"
    assert not server.asked


def test_a_link_in_the_place_of_a_part_is_not_followed(server: FileServer, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.write_bytes(b"mine")
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / "model.gguf.part").symlink_to(mine)
    get(wanted(server), folder)
    assert mine.read_bytes() == b"mine"
    assert not (folder / "model.gguf").is_symlink()


@hypothesis_settings(max_examples=30)
@given(
    size=st.integers(0, 30_000),
    cuts=st.lists(st.integers(0, 12_000), max_size=8),
    forgets=st.booleans(),
)
def test_wherever_it_is_cut_the_file_has_the_right_bytes(
    tmp_path_factory: pytest.TempPathFactory, size: int, cuts: list[int], forgets: bool
) -> None:
    data = gguf(QWEN) + hashlib.shake_128(str(size).encode()).digest(size)
    folder = tmp_path_factory.mktemp("models")
    with serving_file(data) as file:
        file.cuts, file.ignores_range = list(cuts), forgets
        what = Wanted(name="model", source=Source(file.url()), sha256=hashlib.sha256(data).hexdigest())
        for _ in range(len(cuts) + 1):
            try:
                get(what, folder)
                break
            except ModelTransient:
                assert Part(folder, "model").size <= len(data)
    assert (folder / "model.gguf").read_bytes() == data
