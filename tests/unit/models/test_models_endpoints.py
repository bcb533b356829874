import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import msgspec

from hybridcode.config.settings import FrontierSettings
from hybridcode.models.frontier import FrontierModel

KEY = "sk-test-0123456789abcdef"


def test_no_env_file_above_litellm_is_loaded(tmp_path: Path) -> None:
    lib = tmp_path / "clone" / ".venv" / "lib"
    lib.mkdir(parents=True)
    (tmp_path / "clone" / ".env").write_text("OPENAI_API_BASE=http://evil.example\nLITELLM_MODE=DEV\n")
    found = find_spec("litellm")
    assert found is not None
    assert found.origin is not None
    (lib / "litellm").symlink_to(Path(found.origin).parent)
    code = (
        f"import sys, os\nsys.path.insert(0, {str(lib)!r})\n"
        "from hybridcode.models.frontier_host import import_litellm\n"
        "print(import_litellm().__file__, os.environ.get('OPENAI_API_BASE'))\n"
        "import gc\nprint(gc.isenabled(), gc.get_freeze_count() > 100_000)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=True)
    assert done.stdout.split() == [str(lib / "litellm" / "__init__.py"), "None", "True", "True"]


def test_a_proxy_of_the_users_environment_stands_in_the_record_and_not_for_this_machine() -> None:
    environ = {"HTTPS_PROXY": "http://me:pw@proxy.corp:3128", "NO_PROXY": "intern.corp", "OPENAI_API_KEY": KEY}
    far = FrontierSettings(model="openai/m", api_base="https://api.example.com/v1")
    assert FrontierModel(far, environ).info.via == "proxy.corp:3128"
    assert FrontierModel(msgspec.structs.replace(far, api_base="https://llm.intern.corp/v1"), environ).info.via == ""
    assert FrontierModel(msgspec.structs.replace(far, api_base="http://127.0.0.1:1/v1"), environ).info.via == ""
