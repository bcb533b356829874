"""`hybridcode --plain`: the conversation line by line, for screen readers, dumb terminals and editors' shells.

Invariant: the same Conversation, questions and decisions as on the screen; nothing is drawn over, nothing moves.
"""

import asyncio
import signal
from collections import deque
from pathlib import Path

from hybridcode.cli import console
from hybridcode.cli.lines import Lines
from hybridcode.cli.plain_asking import Answered, Asker, LeftOpen
from hybridcode.cli.plain_words import entry_lines
from hybridcode.config.load import Loaded
from hybridcode.domain.action import ChangeSet, Proposal
from hybridcode.domain.errors import HybridcodeError
from hybridcode.domain.events import Envelope, ProposalMade
from hybridcode.domain.plan import Plan
from hybridcode.session.state import SessionState
from hybridcode.tui.conversation import Conversation
from hybridcode.tui.doing import doing_now
from hybridcode.tui.live import LiveConversation, MakeModels
from hybridcode.tui.meter import meter_items, meter_of
from hybridcode.tui.reviewing import Review, load_change
from hybridcode.tui.start import Left
from hybridcode.tui.story import entries
from hybridcode.tui.waiting import Question, Questions, farewell, when_it_lapses, why_closed

LOOK_S = 0.1
"""Seconds between two looks at whether a task still runs."""

HELP = (
    "Type what should be done, and Enter. A line that ends in a backslash goes on in the next one.",
    "Ctrl+C interrupts what runs, and leaves when nothing does. Ctrl+D leaves. What waits for you is kept.",
    "/review asks again what was left, /resume goes on with a task that stopped, /cost says what was used, /quit ends.",
    "/steer TEXT tells the task that runs something: the next request to a model holds it, and nothing is stopped.",
)
AT_ONCE = ("/", "!", "?")
"""What a line begins with that does not wait for the task that runs."""


def talk_plainly(
    workspace: Path,
    loaded: Loaded,
    *,
    make_models: MakeModels | None = None,
    frontier_name: str | None = None,
    prompt: str | None = None,
    resume: str | None = None,
    plan: Plan | None = None,
) -> Left:
    """Talk until the person leaves. `frontier_name` is shown where it is not a setting.

    Raises:
        JournalError: the session to resume does not exist or cannot be read.
    """
    conversation = LiveConversation(
        workspace, loaded, make_models=make_models, frontier_name=frontier_name, resume=resume, plan=plan
    )
    return asyncio.run(_talk(conversation, prompt))


async def _talk(conversation: LiveConversation, prompt: str | None) -> Left:
    program = PlainProgram(conversation, Lines())
    try:
        waiting = await program.run(prompt)
    finally:
        await conversation.close()
    return Left(conversation.session_id, waiting)


class PlainProgram:
    """Prints what happens and asks what must be asked."""

    def __init__(self, conversation: Conversation, lines: Lines) -> None:
        self._talk, self._lines = conversation, lines
        self._state = SessionState(keeps_record=False, forgets_ended=True)
        self._questions = Questions(self._state)
        self._asker = Asker(lines, console.data)
        self._news: asyncio.Queue[Envelope] = asyncio.Queue()
        self._doing = ""
        self._next = deque[str]()
        """Tasks and commands that were typed and are not yet begun."""
        self._begun = ""
        """Lines that go on in the next one."""
        self._is_leaving = asyncio.Event()
        self._interrupting: asyncio.Future[None] | None = None

    async def run(self, prompt: str | None) -> str:
        """Until the person leaves; returns a sentence about what still waits."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGINT, self._stop)
        for envelope in self._talk.envelopes:
            self._take(envelope)

        def hear(envelope: Envelope) -> None:
            loop.call_soon_threadsafe(self._news.put_nowait, envelope)

        end = self._talk.subscribe(hear)
        facts = self._talk.facts
        console.data(
            f"hybridcode in {facts.workspace}, frontier {facts.frontier or 'none'}, local {facts.local or 'none'}, "
            f"mode {facts.mode}. /help tells how to use it."
        )
        for line in facts.advice:
            console.data(line)
        try:
            await self._talk_on(prompt)
        finally:
            end()
            loop.remove_signal_handler(signal.SIGINT)
        return farewell(self._state)

    async def _talk_on(self, prompt: str | None) -> None:
        self._next.extend([prompt] if prompt else [])
        while not self._is_leaving.is_set():
            await self._follow()
            if self._is_leaving.is_set():
                return
            if not self._next:
                console.data("what should be done?")
                await self._hear(None)
            else:
                await self._do(self._next.popleft())

    async def _hear(self, timeout_s: float | None) -> None:
        """Wait for a typed line, for something that happened, or for the person's leaving."""
        news, line = asyncio.ensure_future(self._news.get()), asyncio.ensure_future(self._lines.next())
        leaving = asyncio.ensure_future(self._is_leaving.wait())
        waits = (news, line, leaving)
        await asyncio.wait(waits, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
        if news.done():
            self._take(news.result())
        if line.done():
            self._typed(line.result())

    def _typed(self, line: str | None) -> None:
        """A line that answers no question: a command or a task, later if one runs now."""
        if line is None:
            self._is_leaving.set()
        elif line.endswith("\\"):
            self._begun += f"{line[:-1]}\n"
        else:
            text, self._begun = (self._begun + line).strip(), ""
            if text.startswith(AT_ONCE):
                self._next.appendleft(text)
                return
            if len(text) == 1:
                console.data(f"nothing is asked now, and {text} is no task: /review asks again what was left")
                return
            if text and self._talk.is_running:
                console.data("a task runs: this one comes after it")
            self._next.append(text)

    async def _do(self, text: str) -> None:
        try:
            match text:
                case "":
                    pass
                case "/quit" | "/exit":
                    self._is_leaving.set()
                case "/help" | "?":
                    for line in HELP:
                        console.data(line)
                case "/review":
                    self._questions.left.clear()
                case "/cost":
                    facts = self._talk.facts
                    meter = meter_of(self._state, price=facts.price, budget_usd=facts.budget_usd)
                    console.data(", ".join(item for _, item in meter_items(meter)))
                case "/resume":
                    await self._talk.resume()
                case _ if text.startswith("/steer "):
                    await self._talk.steer(text.removeprefix("/steer ").strip())
                case _ if text.startswith("!"):
                    console.data("a command is not run from here: a pasted line could run one; use a shell beside this")
                case _ if text.startswith("/") and " " not in text and "/" not in text[1:]:
                    console.data(f"there is no command {text} here: /help, /review, /resume, /steer TEXT, /cost, /quit")
                case _:
                    await self._talk.start(text)
        except HybridcodeError as error:
            console.data(f"note: {error.advice}")

    async def _follow(self) -> None:
        """Print what happens, ask what comes up and do what is typed, until nothing runs and nothing is asked."""
        while not self._is_leaving.is_set():
            self._drain()
            question = self._questions.fresh(self._talk.facts.mode)
            if question is not None:
                await self._ask(question)
            elif not self._talk.is_running and self._news.empty():
                self._interrupting = None
                return
            elif self._next and self._next[0].startswith(AT_ONCE):
                await self._do(self._next.popleft())
            else:
                await self._hear(LOOK_S)

    def _drain(self) -> None:
        while not self._news.empty():
            self._take(self._news.get_nowait())

    def _take(self, envelope: Envelope) -> None:
        self._state.apply(envelope)
        self._questions.hear(envelope.event)
        told = [] if isinstance(envelope.event, ProposalMade) else entries(envelope.event, self._state)
        for line in (line for entry in told for line in entry_lines(entry)):
            console.data(line)
        doing = doing_now(self._state)
        if doing is not None and doing.is_between:
            return  # a moment later it is asked about, or its end is told
        if doing is not None and doing.title != self._doing:
            console.data(f"now: {doing.title}")
        self._doing = doing.title if doing is not None else ""

    async def _ask(self, question: Question) -> None:
        """Ask; a question that is answered elsewhere meanwhile is taken back."""
        name = question.id if isinstance(question, Proposal) else question.task.id
        asking = asyncio.ensure_future(self._asked(question))
        while not asking.done():
            await asyncio.wait((asking,), timeout=LOOK_S)
            self._drain()
            is_open = name in self._questions.all(self._talk.facts.mode)
            if not asking.done() and (not is_open or self._interrupting is not None):
                asking.cancel()
                await asyncio.gather(asking, return_exceptions=True)
                self._questions.left.add(name)
                console.data("it stays pending" if is_open else why_closed(self._state, name))
                return
        try:
            asking.result()
        except LeftOpen:
            self._questions.left.add(name)
            console.data("it stays pending: /review asks again")
        except HybridcodeError as error:
            self._questions.left.add(name)
            console.data(f"note: {error.advice}")

    async def _asked(self, question: Question) -> None:
        if isinstance(question, Proposal):
            answered = await self._decided(question)
            self._questions.answered.add(question.id)
            await self._talk.answer(question.id, answered.decision, remember=answered.remember)
        elif question.plan is not None:
            plan = await self._asker.plan(question.plan)
            self._questions.answered.add(question.task.id)
            await self._talk.answer_plan(plan)
        else:
            answer = await self._asker.questions(question.questions)
            self._questions.answered.add(question.task.id)
            await self._talk.answer_questions(answer)

    async def _decided(self, proposal: Proposal) -> Answered:
        facts = self._talk.facts
        if isinstance(proposal.action, ChangeSet):
            changes = [load_change(edit, self._talk.blob) for edit in proposal.action.edits]
            review = await asyncio.to_thread(Review.of, proposal, changes)
            return await self._asker.change(review, self._talk.seal)
        lapses = when_it_lapses(proposal.id, self._talk.envelopes, expires_s=facts.expires_s)
        opened = self._state.opened
        sandbox = facts.sandbox or (opened.sandbox if opened else "none")
        return await self._asker.command(proposal, sandbox=sandbox, unenforced=facts.unenforced, lapses=lapses)

    def _stop(self) -> None:
        """Ctrl+C: interrupt what runs, or leave."""
        if self._talk.is_running:
            console.data("interrupting")
            self._interrupting = asyncio.ensure_future(self._talk.interrupt())
        else:
            self._is_leaving.set()
