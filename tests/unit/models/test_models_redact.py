import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridcode.domain.model import Message, ModelRequest
from hybridcode.domain.secrets import MARK, PLAIN, redact
from hybridcode.models.redact import clean_request

BODY = "a1B2c3D4e5F6g7H8i9J0"
SECRETS = [
    ("aws-key-id", "AKIA" + "A1B2C3D4E5F6G7H8"),
    ("github-token", "ghp_" + BODY * 2),
    ("github-token", "github_pat_" + BODY * 3),
    ("gitlab-token", "glpat-" + BODY),
    ("slack-token", "xoxb-" + BODY),
    ("google-key", "AIza" + (BODY * 2)[:35]),
    ("stripe-key", "sk_live_" + BODY),
    ("api-key", "sk-ant-api03-" + BODY * 2),
    ("api-key", "sk-proj-" + BODY),
    ("api-key", "sk-" + BODY),
    ("huggingface-token", "hf_" + BODY * 2),
    ("npm-token", "npm_" + (BODY * 2)[:36]),
    ("pypi-token", "pypi-" + BODY * 3),
    ("jwt", "eyJ" + BODY + ".eyJ" + BODY + "." + BODY),
    ("private-key", f"-----BEGIN RSA PRIVATE KEY-----\n{BODY}\n{BODY}\n-----END RSA PRIVATE KEY-----"),
    ("private-key", f"-----BEGIN OPENSSH PRIVATE KEY-----\n{BODY}"),
]


@pytest.mark.parametrize(("kind", "secret"), SECRETS)
def test_each_known_format_is_replaced(kind: str, secret: str) -> None:
    text, count = redact(f"before '{secret}")
    assert (text, count) == (f"before '[redacted:{kind}]", 1)
    assert MARK.search(text)


def test_only_the_secret_part_of_an_assignment_or_url_goes() -> None:
    assert redact(f'AWS_SECRET_ACCESS_KEY="{BODY * 2}"') == ('AWS_SECRET_ACCESS_KEY="[redacted:aws-secret]"', 1)
    text, count = redact("postgres://app:hunter2@db/x and https://example.invalid/a:b@c")
    assert (text, count) == ("postgres://app:[redacted:url-password]@db/x and https://example.invalid/a:b@c", 1)


@pytest.mark.parametrize(
    "text",
    [
        "def task_id(x): return x",
        "risk-adjusted and desk-chair-with-a-long-name",
        "-----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE-----",
        "sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "AKIA is four letters; sk-learn is not a key",
        "http://localhost:8080/v1",
    ],
)
def test_ordinary_text_stays(text: str) -> None:
    assert redact(text) == (text, 0)


@given(st.lists(st.sampled_from([secret for _, secret in SECRETS] + ["x = 1\n", "äö ", "'", "://u:p@"]), max_size=6))
def test_redacting_twice_changes_nothing_more(parts: list[str]) -> None:
    once, _ = redact(" ".join(parts))
    assert redact(once) == (once, 0)


def test_messages_keep_their_roles_and_marks_move_with_the_text() -> None:
    text = "head AKIA" + "A1B2C3D4E5F6G7H8 tail"
    asked = ModelRequest("1", "draft", (Message("system", "plain"), Message("user", text)), 9, breaks=(5, len(text)))
    cleaned = clean_request(asked, PLAIN)
    assert cleaned.kinds == {"aws-key-id": 1}
    assert cleaned.request.messages == (Message("system", "plain"), Message("user", "head [redacted:aws-key-id] tail"))
    assert cleaned.request.breaks == (5, len(cleaned.request.messages[1].content))
