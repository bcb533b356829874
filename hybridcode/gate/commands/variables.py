"""What setting a variable may do: to programs that are started with it, and to the shell itself.

Invariant: a variable is called harmless only if it is on a list, or plainly a script's own.
"""

from hybridcode.gate.commands.scope import Finding, ask, deny
from hybridcode.gate.commands.shell import Command, Word
from hybridcode.gate.lazy_patterns import LazyPattern

_HARMLESS = LazyPattern(
    r"LC_\w+|LANG|LANGUAGE|TZ|COLUMNS|LINES|TERM|NO_COLOR|CLICOLOR|CLICOLOR_FORCE|FORCE_COLOR|CI|DEBUG|VERBOSE|"
    r"PYTHONUNBUFFERED|PYTHONDONTWRITEBYTECODE|PYTHONHASHSEED|RUST_BACKTRACE|RUST_LOG|NODE_ENV|TIMEFORMAT|LS_COLORS|"
    r"GIT_OPTIONAL_LOCKS|GIT_TERMINAL_PROMPT|GIT_LITERAL_PATHSPECS"
)
_RUNS_CODE = LazyPattern(
    r"LD_\w+|DYLD_\w+|BASH_ENV|ENV|BASH_FUNC.*|PROMPT_COMMAND|PS[0-4]|SHELLOPTS|BASHOPTS|PATH|IFS|CDPATH|GCONV_PATH|"
    r"\w*PAGER|MANOPT|LESS\w*|EDITOR|VISUAL|FCEDIT|BROWSER|\w*_EDITOR|GIT_(?!DIR\Z|WORK_TREE\Z|AUTHOR|COMMITTER)\w+|"
    r"SSH_ASKPASS|SUDO_ASKPASS|PYTHON(?:STARTUP|HOME|BREAKPOINT|INSPECT)|NODE_OPTIONS|PERL5\w+|RUBY(?:OPT|LIB)|"
    r"_?JAVA\w*_OPTIONS|JAVA_TOOL_OPTIONS|RIPGREP_CONFIG_PATH|TAR_OPTIONS|GREP_OPTIONS|GZIP|ZIPOPT|RSYNC_RSH|CVS_RSH|"
    r"\w+_WRAPPER|HOSTALIASES|LOCPATH|FZF_DEFAULT_COMMAND|\w*MAKEFLAGS|GNUMAKEFLAGS|HTTPS?_PROXY|https?_proxy|ALL_PROXY|"
    r"all_proxy|CURL_HOME|WGETRC|\w+_(?:INDEX_URL|REGISTRY)|HYBRIDCODE_\w+|OPENSSL_CONF|SSL_CERT_FILE|"
    r"NODE_EXTRA_CA_CERTS"
)
_SWITCHES_OFF = LazyPattern(r"\w*PAGER")
_FOR_PROGRAMS = LazyPattern(
    r"HOME|PWD|OLDPWD|USER|LOGNAME|SHELL|TMPDIR|XDG_\w+|GIT_\w+|PYTHON\w+|NODE_\w+|\w+_(?:HOME|DIR|CONFIG\w*|OPTS|"
    r"OPTIONS|CACHE\w*|PREFIX)|\w+(?:PATH|FLAGS)"
)
"""Set without a command: those that a later program may find in its environment."""


def is_sensitive(name: str) -> bool:
    """True for variables that decide what programs run or send."""
    return _RUNS_CODE.fullmatch(name) is not None


def judge(name: str, value: Word, command: Command) -> list[Finding]:
    """What speaks against setting a variable, alone or for one program."""
    if _HARMLESS.fullmatch(name) or (_SWITCHES_OFF.fullmatch(name) and value.literal in ("", "cat")):
        return []
    if name == "IFS" and command.program == "read":
        return []
    if is_sensitive(name):
        return [deny("variable", f"sets {name}, which changes what programs run or send")]
    if command.name is None and not _FOR_PROGRAMS.fullmatch(name):
        return []
    return [ask("variable", f"sets {name} for programs")]
