import pytest

from hybridcode.domain.errors import ConfigError, ModelUnavailable
from hybridcode.models.transfer import host_to_show, make_client, next_hop, token_of


@pytest.mark.parametrize(
    ("url", "location", "target"),
    [
        ("https://huggingface.co/a/b", "/c", "https://huggingface.co/c"),
        ("https://huggingface.co/a/b", "https://cdn.example.invalid/x?y=1", "https://cdn.example.invalid/x?y=1"),
        ("http://127.0.0.1:8/a", "http://localhost:9/b", "http://localhost:9/b"),
        ("http://127.0.0.1:8/a", "https://example.invalid/b", "https://example.invalid/b"),
    ],
)
def test_a_redirect_may_lead_from_https_to_https(url: str, location: str, target: str) -> None:
    assert next_hop(url, location) == target


@pytest.mark.parametrize(
    ("url", "location"),
    [
        ("https://huggingface.co/a", "http://huggingface.co/a"),
        ("https://huggingface.co/a", "http://127.0.0.1/a"),
        ("http://127.0.0.1:8/a", "http://10.0.0.1/a"),
        ("http://127.0.0.1:8/a", "http://127.0.0.1.example.invalid/a"),
        ("https://huggingface.co/a", "file:///etc/passwd"),
        ("https://huggingface.co/a", "http://[::1"),
    ],
)
def test_a_redirect_to_anything_else_is_refused(url: str, location: str) -> None:
    with pytest.raises(ModelUnavailable):
        next_hop(url, location)


@pytest.mark.parametrize("url", ["https://huggingface.co/x", "http://127.0.0.1:1/x", "http://[::1]:1/x"])
def test_https_and_loopback_can_be_fetched_from(url: str) -> None:
    assert host_to_show(url) in ("huggingface.co", "127.0.0.1", "::1")


@pytest.mark.parametrize(
    "url",
    [
        "http://huggingface.co/x",
        "https://[::1",
        "https://a\n/secret",
        "ftp://a/x",
        "https:///x",
        "file:///etc/passwd",
        "https://me:secret@huggingface.co/x",
    ],
)
def test_other_urls_cannot_and_their_secrets_are_not_repeated(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        host_to_show(f"{url}?token=secret")
    assert "secret" not in caught.value.message + caught.value.hint


@pytest.mark.parametrize("proxy", ["socks9://127.0.0.1:1", "http://[::1"])
def test_a_proxy_that_cannot_be_used_is_a_setting_to_correct(proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    with pytest.raises(ConfigError, match="proxy"):
        make_client()


def test_the_first_token_that_is_set_counts() -> None:
    assert token_of({}) == token_of({"HF_TOKEN": " "}) == ""
    assert token_of({"HUGGING_FACE_HUB_TOKEN": "b"}) == "b"
    assert token_of({"HF_TOKEN": " a\n", "HUGGING_FACE_HUB_TOKEN": "b"}) == "a"


@pytest.mark.parametrize("token", ["hf_a b", "hf_a\r\nX-Evil: 1", "hf_ä"])
def test_a_token_that_cannot_be_sent_is_refused_and_not_shown(token: str) -> None:
    with pytest.raises(ConfigError) as caught:
        token_of({"HF_TOKEN": token})
    assert "hf_" not in caught.value.message + caught.value.hint
