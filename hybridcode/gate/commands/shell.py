"""A shell script as values: simple commands with their words, redirections and what is piped into them.

Invariant: a word's `text` is what bash would pass on, or None; it is never a guess.
"""

from msgspec import Struct

_SYSTEM_FOLDERS = ("/bin", "/usr/bin", "/usr/local/bin", "/sbin", "/usr/sbin", "/opt/homebrew/bin")


def names(text: str) -> frozenset[str]:
    """A set of names that is easy to read in a source file: separated by blanks."""
    return frozenset(text.split())


class Word(Struct, frozen=True):
    """One word of a command."""

    raw: str
    """As written."""
    text: str | None
    """After quote removal and the expansions that can be known; None if it depends on the run."""
    has_glob: bool = False
    """`text` is a pattern with unquoted `*`, `?` or `[`."""
    is_pipe: bool = False
    """A process substitution, `<(...)` or `>(...)`: names a pipe."""
    inner: tuple["Command", ...] = ()
    """Commands of the substitutions in it."""
    choices: tuple["Word", ...] = ()
    """If `text` is None: all that it may be, each to be judged in its place."""
    is_split: bool = False
    """An unquoted expansion: blanks in what a pattern matches would cut it apart."""
    is_several: bool = False
    """Stands for any number of words, each like it."""

    @property
    def literal(self) -> str | None:
        """The text if it is known and no pattern."""
        return None if self.has_glob else self.text

    @classmethod
    def of(cls, text: str) -> "Word":
        """A word that stands for itself."""
        return cls(text, text)


class Redirect(Struct, frozen=True):
    """One redirection; `target` None for duplicated descriptors (`2>&1`)."""

    operator: str
    target: Word | None


class Command(Struct, frozen=True):
    """A simple command; `name` None when there are only redirections or assignments."""

    name: Word | None
    args: tuple[Word, ...] = ()
    assignments: tuple[tuple[str, Word], ...] = ()
    redirects: tuple[Redirect, ...] = ()
    upstream: tuple["Command", ...] = ()
    """Everything to the left of it in its pipeline."""
    stdin: Word | None = None
    """The text of a here-document or here-string."""
    in_loop: bool = False
    function: str = ""
    """The function whose body it stands in."""

    @property
    def words(self) -> tuple[Word, ...]:
        """Name and arguments."""
        return self.args if self.name is None else (self.name, *self.args)

    @property
    def program(self) -> str | None:
        """The program's name without a system folder in front; None if it cannot be known."""
        text = self.name.literal if self.name else None
        if text is None:
            return None
        folder, _, base = text.rpartition("/")
        return base if folder in _SYSTEM_FOLDERS else text

    @property
    def line(self) -> str:
        """For rules and messages: the known words, the others as written."""
        return " ".join(word.raw if word.text is None else word.text for word in self.words)


class Script(Struct, frozen=True):
    """A parsed script."""

    commands: tuple[Command, ...]
    """Every simple command there is, however deep, in the order of the text."""
    oddities: tuple[str, ...] = ()
    """Constructs that are understood too little to call the script harmless."""
    broken: str = ""
    """Why it cannot be parsed at all."""

    @property
    def is_plain(self) -> bool:
        """One simple command without redirections, assignments, expansions or patterns."""
        if len(self.commands) != 1 or self.oddities or self.broken:
            return False
        (command,) = self.commands
        return (
            not command.assignments
            and not command.redirects
            and command.stdin is None
            and all(word.literal is not None for word in command.words)
        )


def of_argv(argv: tuple[str, ...]) -> Script:
    """A command that no shell will see."""
    return Script((Command(Word.of(argv[0]), tuple(map(Word.of, argv[1:]))),) if argv else ())
