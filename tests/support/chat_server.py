"""A loopback server that speaks the chat completions API, well or badly.

Invariant: it binds 127.0.0.1 on a free port and is gone when its context ends.
"""

import json
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit


class Exchange:
    """One request, and the means to answer it."""

    def __init__(self, handler: BaseHTTPRequestHandler, body: dict[str, Any], released: threading.Event) -> None:
        self._handler, self.body, self._released = handler, body, released

    def send_json(self, status: int, value: Any, **headers: str) -> None:
        data = json.dumps(value).encode()
        self._handler.send_response(status)
        for name, text in {"content-type": "application/json", "content-length": str(len(data)), **headers}.items():
            self._handler.send_header(name.replace("_", "-"), text)
        self._handler.end_headers()
        self._handler.wfile.write(data)

    def begin_stream(self) -> None:
        self._handler.send_response(200)
        self._handler.send_header("content-type", "text/event-stream")
        self._handler.send_header("connection", "close")
        self._handler.end_headers()

    def send_raw(self, text: str) -> None:
        self._handler.wfile.write(text.encode())
        self._handler.wfile.flush()

    def send_chunk(self, *, finish: str | None = None, usage: dict[str, Any] | None = None, **delta: str) -> None:
        chunk = {
            "id": "c1",
            "object": "chat.completion.chunk",
            "created": 1,
            "model": "m",
            "choices": [] if usage else [{"index": 0, "delta": delta, "finish_reason": finish}],
            "usage": usage,
        }
        self.send_raw(f"data: {json.dumps(chunk)}\n\n")

    def hang(self) -> None:
        """Say nothing until the server ends."""
        self._released.wait(20)

    def wait_until_gone(self) -> float | None:
        """Say nothing until the client hangs up; when that was, on the monotonic clock, or None."""
        connection = self._handler.connection
        connection.settimeout(20)
        try:
            return None if connection.recv(1) else time.monotonic()
        except ConnectionError:
            return time.monotonic()


Answer = Callable[[Exchange], None]


Page = Callable[[dict[str, Any]], Any]
"""Called with the body of a POST or the query of a GET; returns the JSON of the answer, or None for 404."""


class ChatServer:
    """Answers each chat completion with `answer` and other requests from `pages`, and remembers what was asked."""

    def __init__(self, port: int) -> None:
        self.base_url = f"http://127.0.0.1:{port}/v1"
        self.answer: Answer = say("hello")
        self.pages: dict[str, Page] = {"GET /v1/models": listing({"id": "first-model", "object": "model"})}
        """Method and path -> what stands there."""
        self.unknown: tuple[int, Any] = (404, {"detail": "Not Found"})
        """The answer to everything else."""
        self.visits: list[str] = []
        """Method and path of every request."""
        self.asked: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        """Of each chat completion."""
        self.all_headers: list[dict[str, str]] = []
        """Of each request."""


def listing(*models: dict[str, Any]) -> Page:
    return lambda _: {"object": "list", "data": list(models)}


def say(*pieces: str, finish: str = "stop", reasoning: str = "", usage: tuple[int, int] = (100, 20)) -> Answer:
    def answer(exchange: Exchange) -> None:
        exchange.begin_stream()
        if reasoning:
            exchange.send_chunk(reasoning_content=reasoning)
        for piece in pieces:
            exchange.send_chunk(role="assistant", content=piece)
        exchange.send_chunk(finish=finish)
        exchange.send_chunk(
            usage={
                "prompt_tokens": usage[0],
                "completion_tokens": usage[1],
                "total_tokens": sum(usage),
                "prompt_tokens_details": {"cached_tokens": 60},
            }
        )
        exchange.send_raw("data: [DONE]\n\n")

    return answer


def fail(status: int, words: str, **headers: str) -> Answer:
    return lambda exchange: exchange.send_json(
        status, {"error": {"message": words, "type": "e", "code": "e"}}, **headers
    )


def cut(exchange: Exchange) -> None:
    exchange.begin_stream()
    exchange.send_chunk(role="assistant", content="half an ans")


def hang(exchange: Exchange) -> None:
    exchange.begin_stream()
    exchange.send_chunk(role="assistant", content="wait")
    exchange.hang()


@contextmanager
def serving() -> Generator[ChatServer]:
    released = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.note()
            parts = urlsplit(self.path)
            self.show(f"GET {parts.path}", dict(parse_qsl(parts.query)))

        def do_POST(self) -> None:
            self.note()
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            if self.path != "/v1/chat/completions":
                self.show(f"POST {self.path}", body)
                return
            chat.visits.append("POST /v1/chat/completions")
            chat.asked.append(body)
            chat.headers.append(chat.all_headers[-1])
            chat.answer(Exchange(self, body, released))

        def note(self) -> None:
            chat.all_headers.append({name.lower(): value for name, value in self.headers.items()})

        def show(self, place: str, values: dict[str, Any]) -> None:
            chat.visits.append(place)
            value = chat.pages[place](values) if place in chat.pages else None
            status, shown = (200, value) if value is not None else chat.unknown
            Exchange(self, values, released).send_json(status, shown)

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    chat = ChatServer(server.server_port)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield chat
    finally:
        released.set()
        server.shutdown()
        thread.join()
        server.server_close()
