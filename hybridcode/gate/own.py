"""A person's own command on its way through the gate.

Invariant: policy rules first, and its no stays a no; what a person typed is a yes to exactly those words, and to
nothing that destroys, hides, spans several lines or is for a person to decide each time: that is shown before it runs.
"""

from msgspec.structs import replace

from hybridcode.domain.action import Receipt, ShellCommand
from hybridcode.domain.own import OWN_STEP, is_given
from hybridcode.gate.gate import Gate

SEVERAL_LINES = "it has several lines: look at all of them before they run"


async def perform_own(gate: Gate, command: ShellCommand, *, by: str) -> Receipt:
    """Run a command that a person typed, to its end.

    The network is open to a command that policy sees go there, and closed to any other.

    Raises:
        IntegrityError: an approval does not match its digest.
        JournalError: it could not be recorded; then nothing happened.
    """
    if "network" in gate.policy.judge(command).flags:
        command = replace(command, network=True)
    ruling = gate.policy.judge(command)
    why = SEVERAL_LINES if "\n" in command.text.strip() else ""
    if ruling.verdict == "deny" or (not why and (ruling.verdict == "allow" or is_given(ruling))):
        return await gate.perform(command, step=OWN_STEP, title=command.text, by=by)
    return await gate.submit(command, step=OWN_STEP, title=command.text, person_only=why)
