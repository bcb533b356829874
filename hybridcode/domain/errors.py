"""The error tree: what happened to which file or step, and what to do about it.

Invariant: every error that a person may see is a HybridcodeError with a message and a hint; expected outcomes
(stale, declined, refused) are values and never raised.
"""

from hybridcode.domain.exits import ExitCode


class HybridcodeError(Exception):
    """A failure with advice. `exit_code` is what a headless run ends with if nothing handles it."""

    exit_code: ExitCode = ExitCode.INTERNAL

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    @property
    def advice(self) -> str:
        """Message and hint as sentences, on one line."""
        end = "" if self.message.endswith((".", "!", "?", ":")) else "."
        return f"{self.message}{end} {self.hint}" if self.hint else self.message


class ConfigError(HybridcodeError):
    """A setting, flag or file of ours cannot be used as it stands."""

    exit_code = ExitCode.USAGE


class RepoError(HybridcodeError):
    """The work tree cannot be read."""

    exit_code = ExitCode.USAGE


class JournalError(HybridcodeError):
    """The journal cannot be opened or written (full disk, no permission, locked)."""


class NoSuchSession(JournalError):
    """A session was named that the journal does not have."""

    exit_code = ExitCode.USAGE


class NoSuchProposal(JournalError):
    """A proposal was named that the journal does not have."""

    exit_code = ExitCode.USAGE


class SessionBusy(JournalError):
    """Another process works on the session."""

    exit_code = ExitCode.USAGE


class IntegrityError(HybridcodeError):
    """A stored hash does not match its content."""

    exit_code = ExitCode.INTEGRITY


class ContextError(HybridcodeError):
    """A context window cannot be assembled (a region is not in the file, a budget is too small)."""

    exit_code = ExitCode.USAGE


class PatchError(HybridcodeError):
    """The patch room was asked for something that makes no sense (a programming or usage error)."""

    exit_code = ExitCode.USAGE


class GateError(HybridcodeError):
    """The gate could not do what was approved."""


class ModelError(HybridcodeError):
    """A model call failed. Subclasses say whether trying again can help."""

    exit_code = ExitCode.MODEL_UNAVAILABLE

    is_transient: bool = False
    """True when the same request may succeed later (timeout, 429, 5xx, cut stream)."""


class ModelUnavailable(ModelError):
    """No such model, file or server; or the native library is not installed."""


class ModelUnauthorised(ModelError):
    """The provider refused the key (401, 403), or there is no key."""


class ModelCrashed(ModelError):
    """The child process that owns the model died (native abort, killed)."""


class ModelTransient(ModelError):
    """Timeout, rate limit, server error or cut stream after all retries."""

    exit_code = ExitCode.TRANSIENT
    is_transient = True


class ContextOverflow(ModelError):
    """The prompt does not fit the model's window; nothing was cut silently."""

    exit_code = ExitCode.USAGE
    over: int | None = None
    """Tokens that are too many, where the model counted them."""


class StepCapReached(ContextOverflow):
    """The frontier was asked about one step for as much as it may be; another request would be over that."""


class PlanInvalid(HybridcodeError):
    """The planner's reply could not be used after the allowed number of tries."""

    exit_code = ExitCode.MODEL_UNAVAILABLE


class EgressForbidden(HybridcodeError):
    """A remote call was asked for while remote calls are forbidden."""

    exit_code = ExitCode.DENIED


class PlanOnly(HybridcodeError):
    """A person switched to plan mode while steps were being done: the task stops before its next effect."""

    exit_code = ExitCode.INTERRUPTED


class QuestionsOpen(HybridcodeError):
    """The planner asked something that only the person can answer; the next prompt of the session answers it."""

    exit_code = ExitCode.APPROVAL_PENDING


class SendingHeld(HybridcodeError):
    """A request to a remote model waits for a person's yes, and nobody is here to give it."""

    exit_code = ExitCode.APPROVAL_PENDING


class LimitReached(HybridcodeError):
    """A cost, step or time limit of this run is used up."""

    exit_code = ExitCode.LIMIT
