"""A client that is quick enough for 64 of them in one process: HTTP/1.1 on kept connections, over bare asyncio."""
import asyncio

ORDERS = "/api/v2/dfy-email-account-orders"


class Lost(Exception):
    """No answer came: the connection was refused, ended, or nothing was heard for too long."""


class Line:
    """One kept connection to one node; made anew after whatever went wrong."""

    def __init__(self, port, limit):
        self.port, self.limit = port, limit
        self.reader = self.writer = None

    def drop(self):
        if self.writer:
            self.writer.transport.abort()
        self.reader = self.writer = None

    async def _answer(self):
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        status = int(head.split(" ", 2)[1])
        headers = {}
        for line in head.split("\r\n")[1:]:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        body = await self.reader.readexactly(int(headers.get("content-length", 0)))
        if headers.get("connection", "").lower() == "close":
            self.drop()
        return status, headers, body

    async def ask(self, request, hang_up=False):
        """(status, headers, body) of REQUEST, whole bytes. With HANG_UP it is sent, and its answer not waited for: Lost."""
        try:
            async with asyncio.timeout(self.limit):
                if self.writer is None:
                    self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
                self.writer.write(request)
                await self.writer.drain()
                if hang_up:
                    raise ConnectionError("hung up")
                return await self._answer()
        except (OSError, EOFError, TimeoutError) as error:
            self.drop()
            raise Lost(f"{type(error).__name__}: {error}") from error


def request(method, path, key, body=b"", headers=()):
    """The bytes of a request with the API key KEY."""
    lines = [f"{method} {path} HTTP/1.1", "Host: dfyd", f"Authorization: Bearer {key}", *(f"{n}: {v}" for n, v in headers)]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body
