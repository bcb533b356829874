import pytest

from hybridcode.config.settings import LocalSettings
from hybridcode.domain.errors import ConfigError, ModelUnauthorised
from hybridcode.models.openai_compatible import ServerModel


def test_settings_that_cannot_work_are_refused_at_once() -> None:
    with pytest.raises(ModelUnauthorised, match="MY_KEY"):
        ServerModel(LocalSettings(base_url="http://127.0.0.1:1/v1", api_key_env="MY_KEY"), {})
    for url in ("127.0.0.1:8080/v1", "ftp://host/v1", "http://", "http://[::1/v1", "http://u:p@host/v1"):
        with pytest.raises(ConfigError, match="base_url"):
            ServerModel(LocalSettings(base_url=url))


@pytest.mark.parametrize(
    ("url", "host", "is_remote"),
    [
        ("http://127.0.0.1:8080/v1", "127.0.0.1:8080", False),
        ("http://localhost/v1", "localhost:80", False),
        ("http://[::1]:9/v1", "[::1]:9", False),
        ("https://10.0.0.5/v1", "10.0.0.5:443", True),
        ("http://localhost.example.invalid/v1", "localhost.example.invalid:80", True),
    ],
)
def test_only_loopback_is_this_machine(url: str, host: str, is_remote: bool) -> None:
    info = ServerModel(LocalSettings(base_url=url)).info
    assert (info.host, info.is_remote) == (host, is_remote)
