"""A network between one node and PostgreSQL that fails as told. It reads just enough of the protocol to know which transaction a
COMMIT ends (https://www.postgresql.org/docs/15/protocol-message-formats.html); connections have to come without TLS.
"""
import asyncio
import contextlib
import dataclasses
import struct
import threading

PASS, DROP, RESET = "pass", "drop", "reset"
STARTUP_ONLY = (80877102, 80877103, 80877104)  # CancelRequest, SSLRequest, GSSENCRequest


@dataclasses.dataclass
class CommitCut:
    """Cuts a connection at the COMMIT of a transaction that ran a statement with HAVING in its text: BEFORE the server hears of it, or
    AFTER it did it, before the node hears of that. HOW: RESET, or DROP: nothing is heard any more, also not that it is over."""
    having: str
    when: str  # "before" or "after"
    how: str = RESET
    times: int = 1
    then: str = PASS  # what the whole network does from then on


class Messages:
    """Cuts a stream into whole messages."""

    def __init__(self, has_startup):
        self.buffer, self.startup = bytearray(), has_startup

    def feed(self, data):
        self.buffer += data
        while True:
            kind_bytes = 0 if self.startup else 1
            if len(self.buffer) < kind_bytes + 4:
                return
            end = kind_bytes + struct.unpack_from("!I", self.buffer, kind_bytes)[0]
            if len(self.buffer) < end:
                return
            message = bytes(self.buffer[:end])
            del self.buffer[:end]
            if self.startup and struct.unpack_from("!I", message, 4)[0] not in STARTUP_ONLY:
                self.startup = False
                yield "startup", message
            else:
                yield chr(message[0]) if kind_bytes else "startup", message


def text_at(message, start):
    end = message.index(b"\0", start)
    return message[start:end].decode("utf-8", "replace"), end + 1


class Link:
    """One connection through the proxy."""

    def __init__(self, proxy, reader, writer):
        self.proxy, self.reader, self.writer = proxy, reader, writer
        self.server = None
        self.is_dark = False  # bytes of both sides are swallowed, and neither side hears that
        self.statements = {}  # name -> text
        self.ran = []  # texts of the transaction
        self.turns = 0  # how often it has waited for the server
        self.cut = None  # one that is made once the node's message ends
        self.waits_for_commit = None  # a cut that comes once the server has committed

    def abort(self):
        for writer in (self.writer, self.server):
            if writer:
                writer.transport.abort()

    def _statement_of(self, kind, message):
        """The text that MESSAGE has run, if any."""
        if kind == "Q":
            return text_at(message, 5)[0]
        if kind == "P":
            name, at = text_at(message, 5)
            self.statements[name] = text_at(message, at)[0]
        if kind == "B":
            _, at = text_at(message, 5)
            return self.statements.get(text_at(message, at)[0], "")
        return None

    def _cut_at(self, kind, message):
        """The cut that is to be made at this message of the node's."""
        text = self._statement_of(kind, message)
        if text is None:
            return None
        word = text.lstrip().split(" ", 1)[0].rstrip(";").upper()
        if word in ("BEGIN", "START"):
            self.ran, self.turns = [], 0
        self.ran.append(text)
        if word not in ("COMMIT", "END"):
            return None
        self.proxy.committed.append((self.ran, self.turns + 1))
        for cut in self.proxy.cuts:
            if cut.times > 0 and any(cut.having in one for one in self.ran):
                cut.times -= 1
                return cut
        return None

    def _make(self, cut):
        self.proxy.made.append(cut)
        if cut.then != PASS:
            self.proxy.set_mode(cut.then)
        self.is_dark = True
        if cut.how == RESET:
            self.abort()

    async def _from_node(self):
        messages, group = Messages(True), []
        while data := await self.reader.read(1 << 16):
            await self.proxy.hold()
            for kind, message in messages.feed(data):
                if self.is_dark:
                    break
                group.append(message)
                self.cut = self._cut_at(kind, message) or self.cut
                self.turns += kind in "QS"  # it asks for all answers up to here
                if kind in "PBDEC":  # what one write sends arrives as a whole, or not at all
                    continue
                cut, self.cut = self.cut, None
                if cut and cut.when == "before":
                    self._make(cut)
                    break
                self.waits_for_commit = cut or self.waits_for_commit
                self.server.write(b"".join(group))
                group.clear()
            if not self.is_dark:
                await self.server.drain()

    async def _from_server(self, reader):
        messages = Messages(False)
        while data := await reader.read(1 << 16):
            await self.proxy.hold()
            if self.is_dark:
                continue
            for kind, message in messages.feed(data):  # what is not whole yet follows
                if self.waits_for_commit and kind == "C" and message[5:-1] in (b"COMMIT", b"ROLLBACK"):
                    cut, self.waits_for_commit = self.waits_for_commit, None
                    self._make(cut)
                if self.is_dark:
                    break
                self.writer.write(message)
            await self.writer.drain()

    async def run(self):
        if self.proxy.mode == DROP:
            self.is_dark = True
            while await self.reader.read(1 << 16):
                pass
            return
        reader, self.server = await asyncio.open_connection(*self.proxy.target)
        if self.proxy.mode == DROP:
            self.is_dark = True
        done, pending = await asyncio.wait([asyncio.ensure_future(self._from_node()), asyncio.ensure_future(self._from_server(reader))],
                                           return_when=asyncio.FIRST_COMPLETED)
        # In the dark, one side's end is not heard by the other either.
        if self.is_dark and pending:
            await asyncio.wait(pending)
        for task in pending:
            task.cancel()
        for task in done:
            with contextlib.suppress(OSError, asyncio.CancelledError):
                task.result()


class Proxy:
    """Listens on a port of its own for what goes to TARGET, (host, port). Used from any thread."""

    def __init__(self, target):
        self.target, self.mode, self.delay_s = target, PASS, 0
        self.links, self.cuts, self.made = set(), [], []
        self.committed = []  # of each transaction the texts that were run, and how many round trips it took
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.server = self._call(asyncio.start_server(self._accept, "127.0.0.1", 0))
        self.port = self.server.sockets[0].getsockname()[1]

    def _call(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(10)

    async def _accept(self, reader, writer):
        if self.mode == RESET:
            writer.transport.abort()
            return
        link = Link(self, reader, writer)
        self.links.add(link)
        try:
            await link.run()
        except OSError:
            pass
        finally:
            self.links.discard(link)
            link.abort()

    async def hold(self):
        if self.delay_s:
            await asyncio.sleep(self.delay_s)

    def set_mode(self, mode):
        """Within the loop."""
        self.mode = mode
        for link in list(self.links):
            if mode == RESET:
                link.abort()
            elif mode == DROP:
                link.is_dark = True

    def turn(self, mode):
        """PASS; RESET: all connections break, and none can be made; DROP: nothing gets through, and nobody is told. Connections that
        were in the dark stay there, as those of which a firewall has forgotten."""
        async def change():
            self.set_mode(mode)
        self._call(change())

    def delay(self, seconds):
        """Of whatever comes, both ways."""
        self.delay_s = seconds

    def calm(self):
        """Passes on from now on, whatever was armed or about to happen."""
        async def change():
            self.delay_s = 0
            self.cuts.clear()
            for link in self.links:
                link.cut = link.waits_for_commit = None
            self.set_mode(PASS)
        self._call(change())

    def cut(self, cut):
        """Arms it; made lists those that were."""
        async def add():
            self.cuts.append(cut)
        self._call(add())
        return cut

    def close(self):
        async def end():
            self.server.close()
            for link in list(self.links):
                link.abort()
        self._call(end())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)
        self.loop.close()
