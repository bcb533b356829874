import pytest

from hybridcode.config.settings import LocalSettings, ModelSettings, Settings
from hybridcode.domain.errors import ConfigError
from hybridcode.domain.ports import Model
from hybridcode.models.local import LlamaCppModel
from hybridcode.models.openai_compatible import ServerModel
from hybridcode.models.pool import Pool
from hybridcode.session.models import build_models, close_all, start_all
from tests.support.chat_server import serving
from tests.support.requests_to_models import request, whole


def local(path: str = "", base_url: str = "", pool: tuple[str, ...] = ()) -> Model | None:
    settings = LocalSettings(path=path, base_url=base_url, pool=pool)
    return build_models(Settings(models=ModelSettings(local=settings))).local


def test_one_server_is_no_pool() -> None:
    assert local() is None
    assert isinstance(local(base_url="http://127.0.0.1:1/v1"), ServerModel)
    assert isinstance(local(pool=("http://127.0.0.1:1/v1",)), ServerModel)
    assert isinstance(local(base_url="http://127.0.0.1:1/v1", pool=("http://127.0.0.1:1/v1",)), ServerModel)
    assert isinstance(local(path="m.gguf"), LlamaCppModel)


def test_servers_of_the_pool_stand_beside_the_first() -> None:
    model = local(base_url="http://127.0.0.1:1/v1", pool=("http://127.0.0.1:2/v1", "http://192.0.2.1:3/v1"))
    assert isinstance(model, Pool)
    assert (model.info.host, model.info.is_remote) == ("127.0.0.1:1, 127.0.0.1:2, 192.0.2.1:3", True)
    assert model.info.capacity == 3
    mixed = local(path="m.gguf", pool=("http://127.0.0.1:2/v1",))
    assert isinstance(mixed, Pool)
    assert (mixed.info.name, mixed.info.host, mixed.info.is_remote) == ("m", "127.0.0.1:2", False)


def test_an_address_that_is_none_is_named_with_its_setting() -> None:
    with pytest.raises(ConfigError, match=r"\[models\.local\] pool"):
        local(base_url="http://127.0.0.1:1/v1", pool=("nonsense",))


async def test_a_configured_pool_starts_answers_and_outlives_a_server() -> None:
    with serving() as second:
        with serving() as first:
            settings = LocalSettings(base_url=first.base_url, name="m", pool=(second.base_url,), timeout_s=5)
            models = build_models(Settings(models=ModelSettings(local=settings)))
            await start_all(models)
            assert models.local is not None
            assert (await whole(models.local.stream(request())))[0] == "hello"
            assert (len(first.asked), len(second.asked)) == (1, 0)
        assert (await whole(models.local.stream(request())))[0] == "hello"
        assert len(second.asked) == 1
        await close_all(models)
