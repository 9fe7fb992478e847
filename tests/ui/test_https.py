"""The console behind https, as production has it: the cookie is bound to its host, and the browser takes it."""
import asyncio
import contextlib
import ssl
import subprocess
import threading
import types

import pytest

from conftest import LIMIT
from console import browser, make_console, workspace  # noqa: F401, fixtures
from test_sign_in import sign_in_by_hand


class Front:
    """Takes the encryption off and passes on to `to`, (host, port), as a proxy in front of dfyd does."""

    def __init__(self, folder):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                        "-keyout", "key.pem", "-out", "cert.pem", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"],
                       cwd=folder, check=True, capture_output=True)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
        self.to = None
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.server = self._call(asyncio.start_server(self._accept, "127.0.0.1", 0, ssl=context))
        self.port = self.server.sockets[0].getsockname()[1]

    def _call(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(LIMIT)

    @staticmethod
    async def _pass(reader, writer):
        with contextlib.suppress(OSError):
            while data := await reader.read(1 << 16):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def _accept(self, reader, writer):
        inner_reader, inner_writer = await asyncio.open_connection(*self.to)
        await asyncio.gather(self._pass(reader, inner_writer), self._pass(inner_reader, writer))

    def close(self):
        async def end():
            self.server.close()
            passing = asyncio.all_tasks() - {asyncio.current_task()}
            for task in passing:
                task.cancel()
            await asyncio.gather(*passing, return_exceptions=True)
        self._call(end())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(LIMIT)
        self.loop.close()


@pytest.fixture
def front(tmp_path, browser):
    """The browser takes its certificate, which nobody vouches for."""
    made = Front(tmp_path)
    browser.execute_cdp_cmd("Security.setIgnoreCertificateErrors", {"ignore": True})
    yield made
    browser.execute_cdp_cmd("Security.setIgnoreCertificateErrors", {"ignore": False})
    made.close()


def sessions(console):
    return [cookie for cookie in console.driver.get_cookies() if cookie["name"].endswith("dfyd_session")]


def test_signed_in_over_https(front, fresh, make_console):
    base = f"https://127.0.0.1:{front.port}"
    server = fresh(public_url=base)
    front.to = ("127.0.0.1", server.port)
    console = make_console(types.SimpleNamespace(base=base, alive=server.alive), workspace(server))
    console.allowed.add(401)
    console.open("/")
    sign_in_by_hand(console)
    console.see("Overview", "No mailboxes yet")
    cookie, = sessions(console)
    assert cookie["name"] == "__Host-dfyd_session" and cookie["domain"] == "127.0.0.1" and cookie["path"] == "/"
    assert cookie["secure"] and cookie["httpOnly"] and cookie["sameSite"] == "Strict"
    console.reload()
    console.see("Overview", "No mailboxes yet")
    console.click("Sign out")
    console.see("Sign in", "API key")
    assert sessions(console) == []
