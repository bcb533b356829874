"""Plans that fail and are followed by another one, for tests."""

from typing import Any

import msgspec

from hybridcode.domain.events import ModelAsked
from hybridcode.domain.model import Message
from hybridcode.gate.approvers import no
from hybridcode.session.session import Session
from tests.support.sessions import Scene, edit

FILES = {
    "shop.py": "RATE = 3\n\n\ndef total(items):\n    return sum(items)\n",
    "tax.py": "TAX = 1\n",
    "check.py": "import shop\nassert shop.RATE == 5, 'the rate is wrong'\n",
}
CHECK = "python3 check.py"
PROVEN = {"verify.test_cmd": CHECK, "approval.allow": (f"Bash({CHECK})",)}
TAX = edit("tax", "tax.py#TAX")
AGAIN = '{"s":[{"t":"shop.py#RATE","g":"set it to five"}]}'
WRONG = '{"s":[{"t":"tax.py#TAX","g":"set it to five"}]}'


def events(it: Scene, kind: type[Any] | tuple[type[Any], ...]) -> list[Any]:
    """Events of a kind in the scene's session, in order."""
    assert it.session is not None
    return [envelope.event for envelope in it.session.state.envelopes if isinstance(envelope.event, kind)]


def told(it: Scene, event: ModelAsked) -> str:
    """The last message of a request."""
    assert it.session is not None
    session: Session = it.open(it.session.id)
    messages = msgspec.json.decode(session.log.get_blob(event.prompt_sha256), type=tuple[Message, ...])
    session.journal.close()
    return messages[-1].content


def interrupting(it: Scene) -> Any:
    """An answer that interrupts the session instead of deciding."""

    def interrupt(proposal: object) -> Any:
        assert it.session is not None
        it.session.interrupt("person:script")
        return no("too late")

    return interrupt
