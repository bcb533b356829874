import subprocess
import sys

from tests.support.chat_server import serving

ASK_AND_LIST_MODULES = """
import asyncio, json, sys
from hybridcode.config.settings import LocalSettings
from hybridcode.domain.model import Message, ModelRequest
from hybridcode.models.openai_compatible import ServerModel

async def ask():
    model = ServerModel(LocalSettings(base_url=sys.argv[1], name="m"))
    request = ModelRequest("c", "draft", (Message("user", "hi"),), 50)
    print([chunk async for chunk in model.stream(request)][-1].finish)
    await model.close()

asyncio.run(ask())
print(json.dumps(sorted({"httpx", "litellm", "llama_cpp", "openai"} & set(sys.modules))))
"""


def test_the_parent_has_no_network_library() -> None:
    with serving() as server:
        done = subprocess.run(
            [sys.executable, "-c", ASK_AND_LIST_MODULES, server.base_url], capture_output=True, text=True, check=True
        )
    assert done.stdout.splitlines() == ["stop", "[]"]
