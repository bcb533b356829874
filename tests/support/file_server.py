"""A loopback server that hands out one file, with ranges, well or badly.

Invariant: it binds 127.0.0.1 on a free port and is gone when its context ends; every request is remembered.
"""

import re
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

BLOCK = 4_096


@dataclass
class FileServer:
    """What is served, and what goes wrong with it."""

    port: int
    data: bytes = b""
    etag: str = '"one"'
    cuts: list[int] = field(default_factory=list[int])
    """For each answer with a body: bytes of it until the connection is cut; the rest are whole."""
    statuses: list[tuple[int, dict[str, str]]] = field(default_factory=list[tuple[int, dict[str, str]]])
    """Answers before the first real one: status and headers."""
    redirect_to: str = ""
    redirect_headers: dict[str, str] = field(default_factory=dict[str, str])
    ignores_range: bool = False
    ignores_if_range: bool = False
    says_length: bool = True
    headers: dict[str, str] = field(default_factory=dict[str, str])
    """Added to each answer with a body."""
    claims_more: int = 0
    """Bytes that the length is too large by."""
    pause_s: float = 0.0
    """Between two blocks."""
    asked: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    """Headers of each request, names in lower case."""

    def url(self, path: str = "models/model.gguf", host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}/{path}"

    @property
    def ranges(self) -> list[str]:
        return [headers.get("range", "") for headers in self.asked]


class _Handler(BaseHTTPRequestHandler):
    file: FileServer
    stopped: threading.Event

    def do_GET(self) -> None:
        file = self.file
        headers = {name.lower(): value for name, value in self.headers.items()}
        file.asked.append(headers)
        if file.statuses:
            self._say(*file.statuses.pop(0))
        elif file.redirect_to:
            self._say(302, {"location": file.redirect_to, **file.redirect_headers})
        else:
            self._serve(headers)

    def _serve(self, headers: dict[str, str]) -> None:
        file = self.file
        asked = re.fullmatch(r"bytes=(\d+)-", headers.get("range", ""))
        is_other = not file.ignores_if_range and headers.get("if-range", file.etag) != file.etag
        start = 0 if asked is None or file.ignores_range or is_other else int(asked[1])
        named = file.headers | ({"etag": file.etag} if file.etag else {})
        total = len(file.data) + file.claims_more
        if start and start >= total:
            self._say(416, {"content-range": f"bytes */{total}", **named})
            return
        if start:
            named["content-range"] = f"bytes {start}-{total - 1}/{total}"
        if file.says_length:
            named["content-length"] = str(total - start)
        self._head(206 if start else 200, named)
        self._body(file.data[start:][: file.cuts.pop(0) if file.cuts else total])

    def _body(self, body: bytes) -> None:
        for at in range(0, len(body), BLOCK):
            if self.stopped.wait(self.file.pause_s) if self.file.pause_s else False:
                return
            self.wfile.write(body[at : at + BLOCK])
            self.wfile.flush()

    def _say(self, status: int, headers: dict[str, str]) -> None:
        self._head(status, {"content-length": "0", **headers})

    def _head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def handle(self) -> None:
        with suppress(ConnectionError):  # the other side went away
            super().handle()

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def serving_file(data: bytes) -> Generator[FileServer]:
    stopped = threading.Event()

    class Handler(_Handler):
        pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    file = FileServer(server.server_port, data)
    Handler.file, Handler.stopped = file, stopped
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield file
    finally:
        stopped.set()
        server.shutdown()
        thread.join()
        server.server_close()


def wait_until_asked(file: FileServer, times: int = 1, *, patience_s: float = 20.0) -> None:
    deadline = time.monotonic() + patience_s
    while len(file.asked) < times:
        assert time.monotonic() < deadline, f"{len(file.asked)} requests came"
        time.sleep(0.01)
