import os
import subprocess
import sys
from pathlib import Path

import pytest
from boxes import Boxed

from hybridcode.gate import sandbox_calls
from hybridcode.gate.sandbox import Sandbox
from hybridcode.gate.sandbox_landlock import around

CALLS = """
import ctypes, errno
libc = ctypes.CDLL(None, use_errno=True)
for name, number, *arguments in {calls!r}:
    done = libc.syscall(ctypes.c_long(number), *(ctypes.c_long(value) for value in arguments))
    print(name, errno.errorcode.get(ctypes.get_errno(), "") if done < 0 else "done")
"""
REFUSED = ("ptrace", "mount", "unshare", "setns", "keyctl", "bpf", "perf_event_open", "userfaultfd", "process_vm_readv")


def answers(locked: Boxed, calls: list[tuple[str, int, *tuple[int, ...]]]) -> dict[str, str]:
    (locked.root / "src" / "calls.py").write_text(CALLS.format(calls=calls))
    said = locked.says(f"{sys.executable} -I src/calls.py")
    return dict(line.split(" ", 1) for line in said.splitlines())


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="numbers of one kind of processor")
def test_calls_that_reach_out_are_refused(locked: Boxed):
    numbers = {"ptrace": 101, "mount": 165, "unshare": 272, "setns": 308, "keyctl": 250, "bpf": 321,
               "perf_event_open": 298, "userfaultfd": 323, "process_vm_readv": 310}  # fmt: skip
    assert answers(locked, [(name, numbers[name], 0, 0, 0, 0, 0) for name in REFUSED]) == dict.fromkeys(
        REFUSED, "EPERM"
    )
    unknown = {"io_uring_setup": 425, "clone3": 435, "x32_getpid": 0x4000_0000 + 39}
    assert answers(locked, [(name, number, 0, 0) for name, number in unknown.items()]) == dict.fromkeys(
        unknown, "ENOSYS"
    )


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="numbers of one kind of processor")
def test_only_harmless_forms_of_a_call_are_let_through(locked: Boxed):
    new_network_space = 0x4000_0000
    calls = [("typing", 16, 0, 0x5412, 0), ("space", 56, new_network_space, 0, 0, 0, 0), ("local", 41, 1, 1, 0),
             ("packet", 41, 17, 3, 0), ("vsock", 41, 40, 1, 0), ("pair", 53, 1, 1, 0, 0)]  # fmt: skip
    found = answers(locked, calls)
    assert {name: found[name] for name in ("typing", "space", "local", "packet", "vsock")} == dict.fromkeys(
        ("typing", "space", "local", "packet", "vsock"), "EPERM"
    )
    assert found["pair"] == "EFAULT"


def test_processes_of_the_same_person_cannot_be_signalled(locked: Boxed):
    if locked.box.abi < 6:
        pytest.skip("this kernel's Landlock does not scope signals")
    assert locked.run(f"kill -0 {os.getpid()}").exit_code != 0


def test_nothing_can_be_made_beside_a_protected_name_and_that_is_all(locked: Boxed):
    (locked.root / "setup.cfg").write_text("old")
    assert locked.run("touch new").exit_code != 0
    assert locked.run("echo new > setup.cfg; mkdir -p src/a/b; mv src/a src/c; touch src/c/b/d").exit_code == 0
    assert locked.tree() == {"setup.cfg", "src", "src/c", "src/c/b", "src/c/b/d"}


def test_ordinary_programs_run(locked: Boxed):
    program = "import subprocess, threading, asyncio, tempfile; asyncio.run(asyncio.sleep(0)); tempfile.mkdtemp(); "
    program += "subprocess.run(['true'], check=True); threading.Thread(target=print, args=['fine']).start()"
    assert locked.says(f'{sys.executable} -I -c "{program}" 2>&1') == "fine"


def test_holes_are_left_out_of_what_is_granted(tmp_path: Path):
    for name in ("a/b/c", "a/d", "e"):
        (tmp_path / name).mkdir(parents=True)
    assert around(tmp_path, [tmp_path / "a" / "b"]) == [tmp_path / "a" / "d", tmp_path / "e"]
    assert around(tmp_path, [tmp_path / "missing"]) == [tmp_path / "a", tmp_path / "e"]
    assert around(tmp_path / "e", [tmp_path / "a"]) == [tmp_path / "e"]


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
@pytest.mark.parametrize("network", [False, True])
def test_the_filter_is_a_sound_program(machine: str, network: bool):
    program = sandbox_calls.program(machine, network=network)
    lines = [program[at : at + 8] for at in range(0, len(program), 8)]
    assert len(program) % 8 == 0
    assert len(lines) < 4096
    for at, line in enumerate(lines):
        if line[0] & 7 == 5:  # a jump stays inside
            assert at + 1 + max(line[2], line[3]) < len(lines)
    assert lines[-1][0] == 6
    assert not sandbox_calls.is_known("riscv64")


def test_the_start_is_short(locked: Boxed):
    line = locked.line("/bin/true")
    assert subprocess.run(line, stdin=subprocess.DEVNULL).returncode == 0
    counted = f"import sys; sys.path.insert(0, {str(PACKAGE)!r}); import hybridcode.gate.sandbox_launch; "
    start = [sys.executable, "-I", "-S", "-c", counted + "print(len(sys.modules))"]
    assert int(subprocess.run(start, capture_output=True, text=True, check=True).stdout) < 90


def test_what_each_version_lacks_is_said():
    assert any("signals" in gap for gap in Sandbox("landlock", abi=5).unenforced)
    assert not any("signals" in gap for gap in Sandbox("landlock", abi=6).unenforced)
    assert len(Sandbox("landlock", abi=1).unenforced) == 5


PACKAGE = Path(__file__).resolve().parents[3]
