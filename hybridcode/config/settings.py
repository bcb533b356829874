"""Every setting, with its type, default and meaning: the schema of config.toml is generated from here.

Invariant: each field has a docstring; unknown keys are refused with the layer they stand in.
"""

from collections.abc import Mapping
from typing import Literal

import msgspec

Mode = Literal["default", "acceptEdits", "plan", "dontAsk", "bypass"]
EgressMode = Literal["allow", "ask", "offline"]
Notify = Literal["off", "osc9", "osc777"]
WriterName = Literal["frontier", "local"]


class _Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    pass


class FrontierSettings(_Section, frozen=True):
    """[models.frontier]: the model that plans and judges, through litellm."""

    model: str = ""
    """A litellm model name, as `anthropic/claude-sonnet-4-5` or `openai/gpt-5`. Empty: no frontier."""
    api_key_env: str = ""
    """Name of the environment variable that holds the key. Empty: the provider's usual one."""
    api_base: str = ""
    """Base URL of an OpenAI-compatible endpoint. Empty: the provider's own."""
    max_input_tokens: int = 32_000
    """A request larger than this is not sent (bytes / 4)."""
    max_output_tokens: int = 4_096
    """Output limit of one call, in tokens."""
    temperature: float = 0.0
    """Sampling temperature; providers that refuse the parameter get none."""
    timeout_s: float = 120.0
    """Seconds until a call without progress counts as failed."""
    parallel: int = 2
    """Requests about steps that it is sent at the same time."""
    max_retries: int = 2
    """Further tries after a transient failure, with growing pauses."""
    input_usd_per_mtok: float | None = None
    """Price of a million input tokens, when litellm's table does not know the model."""
    output_usd_per_mtok: float | None = None
    """Price of a million output tokens, when litellm's table does not know the model."""
    fallback: str = ""
    """`frontier`, `local` or the NAME of a model: takes its place for the rest of a task once it cannot be asked."""


class LocalSettings(_Section, frozen=True):
    """[models.local]: the model that writes."""

    path: str = ""
    """A GGUF file, run by llama.cpp in a child process."""
    name: str = ""
    """Model name at `base_url`; without one and without `path`, a model of this machine: `hybridcode models list`."""
    base_url: str = ""
    """An OpenAI-compatible server in the building: llama-server, Ollama, LM Studio, vLLM. Ends in /v1."""
    pool: tuple[str, ...] = ()
    """Further servers with the same model, each as `base_url`: requests go to the one that is least busy."""
    api_key_env: str = ""
    """Name of the environment variable with the key of these servers, if they want one."""
    n_ctx: int = 16_384
    """Context length in tokens. A server's own length counts where it is smaller."""
    gpu_layers: int = -1
    """Layers on the GPU; -1 = all that a GPU build can take."""
    threads: int = 0
    """CPU threads; 0 = physical cores - 1."""
    kv_type: Literal["f16", "q8_0", "q4_0"] = "f16"
    """Type of the KV cache."""
    speculation: Literal["auto", "off", "lookup", "mtp"] = "auto"
    """Guessing several tokens at once: `mtp` by the model's own layer, `lookup` from the prompt; `auto` does what is
    measured to be faster; `off` makes answers repeatable to the last bit."""
    cache_mb: int = 1_024
    """Megabytes of memory for computed prompts that other requests have pushed out."""
    disk_cache_mb: int = 0
    """Megabytes on disk for computed prompts, for the next start; 0 = none. They hold what the prompts said."""
    seed: int = 0
    """Sampling seed."""
    temperature: float = 0.0
    """0 = greedy."""
    max_output_tokens: int = 2_048
    """Output limit of one draft, in tokens."""
    timeout_s: float = 300.0
    """Seconds without a token until a draft counts as failed."""
    edit_format: Literal["auto", "region", "whole", "blocks"] = "auto"
    """How the model is asked to answer; all formats are understood whatever was asked."""
    profile: Literal["full", "tiny"] = "full"
    """`tiny` is for the shipped fixture: its frozen prompt and nothing else."""
    fallback: str = ""
    """`frontier`, `local` or the NAME of a model: takes its place for the rest of a task once it cannot be asked."""


class ModelSettings(_Section, frozen=True):
    """[models]: the two models, and further ones by name."""

    frontier: FrontierSettings = FrontierSettings()
    """The model that decides."""
    local: LocalSettings = LocalSettings()
    """The model that writes."""
    named_frontier: dict[str, FrontierSettings] = {}
    """[models.NAME] with a `model`: further ones through litellm, with the settings of [models.frontier]."""
    named_local: dict[str, LocalSettings] = {}
    """[models.NAME] without: a file or a server, with the settings of [models.local]."""

    @property
    def named(self) -> Mapping[str, FrontierSettings | LocalSettings]:
        """The further models by name, sorted."""
        both: dict[str, FrontierSettings | LocalSettings] = {**self.named_frontier, **self.named_local}
        return {name: both[name] for name in sorted(both)}

    def of(self, name: str) -> FrontierSettings | LocalSettings:
        """The table [models.NAME], which has to be there."""
        match name:
            case "frontier":
                return self.frontier
            case "local":
                return self.local
            case _:
                return self.named[name]


class RoleSettings(_Section, frozen=True):
    """[roles]: who plays what: `frontier`, `local` or a [models.NAME]. For a missing one plays another, as is told."""

    plan: str = "frontier"
    """Turns a task into steps."""
    judge: str = "frontier"
    """Says whether the result meets the goal."""
    draft: str = "local"
    """Writes the changes. `frontier`: it writes every step."""
    commit_message: str = "local"
    """Writes the message of a commit. Where it is missing, the message is made of the task and its steps."""


class RoutingSettings(_Section, frozen=True):
    """[routing]: which model is asked first, and the ladder of tries for one step."""

    local_tries: int = 2
    """Drafts by the local model that may fail before the next rung; answers that cannot be used are counted apart."""
    samples: int = 1
    """Drafts by the local model from scratch, with other seeds, once its tries have failed and before the frontier is
    asked; the first counts. Only for steps with a check that runs in a scratch copy: the first that passes is taken."""
    frontier_hints: int = 1
    """Hints asked from the frontier before it writes itself."""
    frontier_tries: int = 1
    """Drafts by the frontier before a person is asked."""
    shadow: int = 0
    """One in so many steps that are done is also drafted by the other model afterwards, for `hybridcode calibrate`:
    tried in a scratch copy, never applied; 0 = none."""
    table: bool = True
    """Follow the repository's routing.toml, which `hybridcode calibrate` writes, once the repository is trusted."""
    first: Literal["auto", "frontier", "local"] = "auto"
    """Who plans a task: `auto` lets the local model plan one that is short, names its files and has a test_cmd."""
    draft: Literal["auto", "off"] = "auto"
    """With first = "auto", the local model drafts the plans that fall to the frontier: it reads its way through the
    tree, and the frontier sees the draft with the places that it names, and corrects it. Not for questions, nor where
    the whole tree fits into the planner's window."""
    judge: Literal["auto", "always", "never"] = "auto"
    """Whether the result is judged: `auto` asks where no check proves it, it passed or (local plan) may have passed
    before any change, or a plan of several steps is behind it."""


class ContextSettings(_Section, frozen=True):
    """[context]: how much of the repository one call sees, in tokens of four bytes."""

    plan_tokens: int = 2_000
    """What the planner sees of the repository: half of it where a task names what it is about, twice where nothing."""
    step_tokens: int = 4_000
    """Window of one step."""
    read_rounds: int = 2
    """How often the planner may ask for more before it must answer."""
    max_file_bytes: int = 1_000_000
    """Larger files are listed, not read."""


class ApprovalSettings(_Section, frozen=True):
    """[approval]: who is asked."""

    mode: Mode = "default"
    """default asks; acceptEdits allows ordinary edits; plan changes nothing; dontAsk denies; bypass: by --unsafe."""
    allow: tuple[str, ...] = ()
    """Rules that allow, as `Bash(npm test)` or `Edit(src/**)`; ignored in a repository's file until trusted."""
    ask: tuple[str, ...] = ()
    """Rules that ask."""
    deny: tuple[str, ...] = ()
    """Rules that deny."""
    sandbox: Literal["auto", "off"] = "auto"
    """Commands run in a sandbox where one can be had."""
    timeout_s: float = 120.0
    """Seconds a command may run."""
    expires_s: float = 0.0
    """Seconds after which a proposal that nobody answered, or that was approved and not carried out, is asked anew;
    0 = never."""


class VerifySettings(_Section, frozen=True):
    """[verify]: commands that prove a change."""

    test_cmd: str = ""
    """Runs after the last step."""
    lint_cmd: str = ""
    """Runs before test_cmd."""
    detect: Literal["auto", "off"] = "auto"
    """Without a test_cmd, what the repository's files tell is suggested: asked before it runs, never run unasked."""
    reproduce: bool = False
    """Tasks about bugs begin with a test that fails before the fix and passes after it."""
    baseline: Literal["auto", "off"] = "auto"
    """A test_cmd that you agreed to runs in a copy of the tree before planning, where there is a sandbox: planners are
    told of a failure, and what passed before any change proves no task."""
    baseline_s: float = 30.0
    """Seconds it may take before planning; one that takes longer is stopped and left out for the rest of the session;
    0 = no limit."""
    scratch: Literal["auto", "off"] = "auto"
    """A step's check that you agreed to runs in a copy of the tree before you are asked, where there is a sandbox."""


class LimitSettings(_Section, frozen=True):
    """[limits]: what one run may use; 0 = no limit."""

    max_cost_usd: float = 0.0
    """Dollars over all frontier calls; an unknown price counts as over the limit when one is set."""
    max_steps: int = 50
    """Steps of a plan."""
    max_pending: int = 3
    """Steps that are drafted, or wait for your answer, at the same time; 1 = one after the other."""
    step_input_tokens: int = 12_000
    """What all requests to the frontier about one step may have together (bytes / 4): drafts, hints, retries."""
    max_repairs: int = 2
    """How often a task is planned again after a plan failed, by the frontier or as the judge says; 0 = never."""
    max_reworks: int = 2
    """How often in a task the local model writes a place of an earlier step again, because the check of the whole task
    points there; 0 = never."""
    timeout_s: float = 0.0
    """Seconds of one run."""


class EgressSettings(_Section, frozen=True):
    """[egress]: what may leave."""

    mode: EgressMode = "allow"
    """`ask` lets a person see and answer each remote request; `offline` forbids every one."""
    deny_paths: tuple[str, ...] = ()
    """Globs of files that are never shown to a remote model."""
    redact: bool = True
    """Secrets are replaced before journal and send: known formats, private keys, values of `.env` files, and others."""
    redact_patterns: tuple[str, ...] = ()
    """Further regular expressions whose matches are replaced."""
    redact_allow: tuple[str, ...] = ()
    """Regular expressions of what is no secret, whatever it looks like: they match the whole of it."""


class GitSettings(_Section, frozen=True):
    """[git]: commits, each shown and asked for first, and worktrees of sessions: the only writes to git."""

    commit: Literal["off", "session", "step"] = "off"
    """`session` commits what a task changed when it ends well, `step` what each step changed."""
    branch: str = ""
    """Name of a new branch for these commits, as `hybridcode/{task}` (also `{session}`). Empty: the current branch."""
    trailer: str = "Assisted-by: hybridcode"
    """Last line of each message, as `Key: value`. Empty: none."""
    worktree: bool = False
    """A new session works in a git worktree outside your folder and commits to a branch of its own."""
    worktree_links: tuple[str, ...] = ()
    """What of your folder is linked into such a worktree though git ignores it, as `node_modules` or `.venv`."""


class AuditSettings(_Section, frozen=True):
    """[audit]: the journal."""

    state_dir: str = ""
    """Where journals live. Empty: the XDG state directory."""
    keep_trees_mb: int = 16
    """Contents of text files that a session copies into the journal, so that its windows can be rebuilt from it
    alone: at most this many MB of new ones, files with credentials never. 0 copies none: git has to have them."""


class UiSettings(_Section, frozen=True):
    """[ui]: the terminal program."""

    theme: str = "hybridcode-dark"
    """Name of a theme: shipped, from the user's themes folder, or one of Textual's."""
    side_by_side: bool = False
    """Diffs open in two columns."""
    bell: bool = False
    """Ring when somebody is waited for, or when a task of more than 10 s ends, while the terminal has not the focus."""
    notify: Notify = "off"
    """On the same occasions ask the terminal for a desktop notice, by the sequence that it knows."""
    title: bool = False
    """Say in the terminal's title where this runs and what waits; the old title comes back at the end."""
    glyphs: Literal["auto", "unicode", "ascii"] = "auto"
    """Signs and lines; `auto` takes ASCII where the locale names another charset than UTF-8, and on bare consoles."""


class Settings(_Section, frozen=True):
    """All settings."""

    models: ModelSettings = ModelSettings()
    """The two models, and further ones by name."""
    roles: RoleSettings = RoleSettings()
    """Who does what."""
    routing: RoutingSettings = RoutingSettings()
    """The ladder."""
    context: ContextSettings = ContextSettings()
    """Budgets of windows."""
    approval: ApprovalSettings = ApprovalSettings()
    """Who is asked."""
    verify: VerifySettings = VerifySettings()
    """Checks."""
    limits: LimitSettings = LimitSettings()
    """Caps."""
    egress: EgressSettings = EgressSettings()
    """What may leave."""
    git: GitSettings = GitSettings()
    """Commits."""
    audit: AuditSettings = AuditSettings()
    """The journal."""
    ui: UiSettings = UiSettings()
    """The terminal program."""
