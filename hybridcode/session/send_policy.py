"""What one model may be sent, how often it is tried, and who is asked first.

Invariant: a fold of settings; nothing is read and nothing sent here.
"""

from hybridcode.config.settings import FrontierSettings, Settings
from hybridcode.domain.ports import Model
from hybridcode.gate.gate import Gate
from hybridcode.gate.sending import AskToSend
from hybridcode.models.egress import send_freely
from hybridcode.models.sender import SendPolicy
from hybridcode.session.budget import budget_check
from hybridcode.session.private import Private
from hybridcode.session.state import SessionState


def send_policy(model: Model, settings: Settings, private: Private, *, gate: Gate, record: SessionState) -> SendPolicy:
    """The policy of one model in a session."""
    models, egress = settings.models, settings.egress
    own = models.of(model.info.table or model.info.backend)
    through = own if isinstance(own, FrontierSettings) else None
    return SendPolicy(
        max_input_tokens=through.max_input_tokens if through else None,
        max_retries=(through or models.frontier).max_retries,
        timeout_s=own.timeout_s,
        offline=egress.mode == "offline",
        deny_paths=egress.deny_paths,
        redactor=private.redactor if egress.redact else None,
        withheld=private.withheld,
        consent=AskToSend(gate) if egress.mode == "ask" else send_freely,
        check_budget=budget_check(settings, record.envelopes),
    )
