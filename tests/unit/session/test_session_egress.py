import base64
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random
from urllib.parse import quote

import msgspec
import pytest

from benchmarks.planted_secrets import KINDS, plant
from hybridcode.config.settings import EgressSettings
from hybridcode.domain.action import Approve, Proposal, Reject
from hybridcode.domain.events import ModelAsked
from hybridcode.domain.exits import ExitCode
from hybridcode.domain.model import ModelRequest
from hybridcode.domain.plan import Plan
from hybridcode.domain.ports import Approver
from hybridcode.domain.secrets import MARK, PLAIN
from hybridcode.gate.approvers import Refuse, Scripted
from hybridcode.gate.sandbox import Sandbox
from hybridcode.gate.sending import STEP
from hybridcode.journal.approvals import Approvals
from hybridcode.journal.states import ApprovalState
from hybridcode.journal.store import Journal
from hybridcode.models.scripted import ScriptedModel
from hybridcode.session.models import Models
from hybridcode.session.private import Private
from tests.support.repos import git_repository, write_tree
from tests.support.sessions import FRONTIER, LOCAL, Scene, as_json, edit, fence, planning, yes

REMOTE = msgspec.structs.replace(FRONTIER, is_remote=True, host="models.example:443")
CANARY = "patient_record_4711 = ('Canary Wharf', 'diagnosis 0815')"
SHARED = "from collections.abc import Callable, Mapping, Sequence"
VALUE = "q7Rk2!vX+9/mZt"


def sent(scene: Scene) -> list[ModelRequest]:
    assert scene.models is not None
    assert isinstance(scene.models.frontier, ScriptedModel)
    return scene.models.frontier.requests


def text_of(requests: list[ModelRequest]) -> str:
    return "\n".join(message.content for request in requests for message in request.messages)


def journal_of(scene: Scene) -> Journal:
    assert scene.session is not None
    return Journal.open(scene.session.journal.path)


async def test_no_line_of_a_denied_file_reaches_a_remote_model_on_any_rung(tmp_path: Path):
    files = {
        "secret/patients.py": f"{SHARED}\n\n{CANARY}\n",
        "a.py": f"{SHARED}\n\nX = 1\n",
        "check.py": "print('  > ' + open('secret/patients.py').read())\nraise SystemExit(1)\n",
    }
    workspace = git_repository(tmp_path / "clinic", files)
    step = edit("1", "a.py#X", check="python3 check.py")
    script = {
        "plan": ['{"read": ["secret/patients.py", "a.py"], "search": ["Canary"]}', as_json(Plan((step,)))],
        "hint": ["look again"],
        "draft": [fence("X = 1  # frontier")],
        "judge": ["good fine"],
    }
    local = {"draft": [fence(f"X = 1  # try {number}") for number in range(5)]}
    models = Models(ScriptedModel(REMOTE, script), ScriptedModel(LOCAL, local))
    scene = Scene(workspace, models=models, settings={"egress.deny_paths": ("secret/**",)})
    await scene.run("rename the patients")
    assert {request.role for request in sent(scene)} >= {"plan", "hint", "draft"}
    told = text_of(sent(scene))
    assert not any(word in told for word in ("patient_record_4711", "Canary Wharf", "diagnosis 0815"))
    assert "[withheld:deny-paths]" in told
    assert SHARED in told
    asked = [e.event for e in journal_of(scene).envelopes(scene.session.id if scene.session else "") if e.seq]
    assert sum(event.withheld for event in asked if isinstance(event, ModelAsked)) >= 2


async def test_the_judge_sees_no_diff_of_a_denied_file(tmp_path: Path):
    workspace = git_repository(tmp_path / "clinic", {"secret/patients.py": f"{CANARY}\nX = 1\n", "a.py": "Y = 1\n"})
    plan = Plan((edit("1", "a.py#Y"), edit("2", "secret/patients.py#X")))
    local = ScriptedModel(LOCAL, {"draft": [fence("Y = 2"), fence("X = 'a new secret line of the file'")]})
    models = Models(ScriptedModel(REMOTE, {"judge": ["good fine"]}), local)
    scene = Scene(workspace, models=models, settings={"egress.deny_paths": ("secret/**",)})
    session = scene.open()
    session.options = replace(session.options, plan=plan)
    outcome = await session.run("change both")
    await session.close()
    assert outcome.code == ExitCode.DONE
    told = text_of(sent(scene))
    assert "Y = 2" in told
    assert "a new secret line" not in told
    assert "4711" not in told


def secrets_everywhere(random: Random) -> tuple[dict[str, str], list[str]]:
    files, needles = dict[str, str](), list[str]()
    for number, kind in enumerate(KINDS):
        secret = plant(kind, random)
        files[f"src/part_{number}.txt"] = f"begin {number}\n{secret.text}\nend {number}\n"
        needles += secret.needles
        if secret.fits_a_file_name:
            files[f"data/backup_{secret.text}.txt"] = "x\n"
    return files, needles


async def test_one_secret_of_every_kind_in_files_names_output_and_variables_reaches_nobody(tmp_path: Path):
    files, needles = secrets_everywhere(Random(1))
    shouted = plant("stripe", Random(2)).text
    forms = (VALUE, base64.b64encode(VALUE.encode()).decode(), quote(VALUE, safe=""), json.dumps(VALUE)[1:-1])
    files |= {
        ".env": f"export WEIRD_SETTING='{VALUE}'\n",
        "src/quoted.txt": "\n".join(f"a {form} b" for form in forms),
        "a.py": "X = 1\n",
        "check.py": f"raise SystemExit('connect failed: {shouted} ' + open('.env').read())\n",
    }
    workspace = git_repository(tmp_path / "shop", files)
    wanted = json.dumps({"read": [path for path in files if path.startswith("src/")]})
    script = {
        "plan": [wanted, as_json(Plan((edit("1", "a.py#X", check="python3 check.py"),)))],
        "hint": ["no"],
        "draft": [fence("X = 9")],
    }
    local = ScriptedModel(LOCAL, {"draft": [fence(f"X = {n}") for n in range(2, 9)]})
    models = Models(ScriptedModel(REMOTE, script), local)
    settings = {"context.plan_tokens": 200_000, "models.frontier.max_input_tokens": 1_000_000}
    scene = Scene(workspace, models=models, settings=settings)
    await scene.run(f"fix it, the key is {shouted}")
    told = text_of([*sent(scene), *local.requests])
    assert "end 3" in told
    assert [needle for needle in (*needles, *forms, shouted) if needle in told] == []
    with journal_of(scene) as journal:
        blobs = b"".join(journal.load_blob(row[0]) for row in journal.rows("SELECT sha256 FROM blob")).decode()
        events = "".join(row[0] for row in journal.rows("SELECT event FROM event"))
    assert [needle for needle in (*needles, *forms, shouted) if needle in blobs + events] == []


def asking(workspace: Path, answer: Callable[[Approvals, Sandbox], Approver]) -> Scene:
    models = Models(
        ScriptedModel(REMOTE, planning(Plan((edit("1", "a.py#X"),)))), ScriptedModel(LOCAL, {"draft": [fence("X = 2")]})
    )
    return Scene(workspace, models=models, make_approver=answer, settings={"egress.mode": "ask"})


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return git_repository(tmp_path / "shop", {"a.py": "X = 1\n"})


async def test_asking_before_sending_waits_on_disk_and_goes_on_after_a_yes(workspace: Path):
    scene = asking(workspace, lambda approvals, sandbox: Refuse())
    outcome = await scene.run("set X to 2")
    assert outcome.code == ExitCode.APPROVAL_PENDING
    assert sent(scene) == []
    assert scene.session is not None
    with journal_of(scene) as journal:
        (row,) = Approvals(journal).pending()
        assert row.proposal.step == STEP
        assert row.id in outcome.message
        assert row.proposal.notes[-1].startswith("its text: hybridcode egress --show ")
        assert Approvals(journal).answer(row.id, Approve(row.proposal.digest, "person:terminal"))
    scene.make_approver = yes
    assert (await scene.resume(scene.session.id)).code == ExitCode.DONE
    assert [request.role for request in sent(scene)] == ["plan", "judge"]
    with journal_of(scene) as journal:
        journal.verify()
        states = {row.state for row in Approvals(journal).in_state(*ApprovalState) if row.proposal.step == STEP}
    assert states == {ApprovalState.DONE}


async def test_a_no_to_sending_keeps_the_request_here(workspace: Path):
    def refusing(proposal: Proposal) -> Reject:
        return Reject("not today", "person:script")

    scene = asking(workspace, lambda approvals, sandbox: Scripted([refusing]))
    outcome = await scene.run("set X to 2")
    assert outcome.code == ExitCode.DENIED
    assert "not today" in outcome.message
    assert sent(scene) == []


def test_offline_works_from_plan_to_judge_with_a_local_model_and_no_socket_at_all(workspace: Path):
    code = f"""
import asyncio, sys
from pathlib import Path
from hybridcode.domain.plan import Plan
from hybridcode.models.scripted import ScriptedModel
from hybridcode.session.models import Models
from tests.support.sessions import LOCAL, Scene, edit, fence, planning

def refuse(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto"):
        raise RuntimeError(event)

sys.addaudithook(refuse)
script = {{**planning(Plan((edit("1", "a.py#X"),))), "draft": [fence("X = 2")]}}
scene = Scene(Path({str(workspace)!r}), models=Models(None, ScriptedModel(LOCAL, script)))
scene.settings = {{"egress.mode": "offline"}}
outcome = asyncio.run(scene.run("set X to 2"))
print(int(outcome.code), outcome.message)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.startswith("0 "), done.stdout + done.stderr
    assert (workspace / "a.py").read_text() == "X = 2\n"


def test_values_of_files_and_variables_are_known_and_words_are_not(tmp_path: Path):
    write_tree(
        tmp_path,
        {
            ".env": "A_TOKEN=t0kEn-9fK2lQx8\nMODE=development\nPORT=80808080\nDB_PASSWORD=postgres\n",
            "deep/.env.local": "URL=postgres://u:Zx81-qwop-77@db/x\n",
            ".env.example": "B_TOKEN=n0tAsecr3tBecauseExampl3\n",
            "node_modules/x/.env": "C_TOKEN=f0reign9876543abc\n",
        },
    )
    private = Private(tmp_path, EgressSettings(), {"MY_API_KEY": "envKEY-99887766zz", "PATH": "/usr/bin:/bin/9aZ8"})
    assert private.redactor().values == {"t0kEn-9fK2lQx8", "Zx81-qwop-77", "envKEY-99887766zz"}
    (tmp_path / ".env").write_text("A_TOKEN=chang3d-9fK2lQx8\n")
    assert "chang3d-9fK2lQx8" in private.redactor().values


def test_a_persons_patterns_are_taken_out_and_allowed_ones_stay(tmp_path: Path):
    settings = EgressSettings(redact_patterns=(r"ACME-\d+",), redact_allow=(r"AKIA[A-Z0-9]*EXAMPLE",))
    text = "ticket ACME-4711, key AKIAIOSFODNN7EXAMPLE"
    assert Private(tmp_path, settings, {}).redactor().clean(text) == (
        "ticket [redacted:pattern], key AKIAIOSFODNN7EXAMPLE"
    )
    assert MARK.search(PLAIN.clean(text))
