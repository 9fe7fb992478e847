"""What the private DNS servers have in common: how they are stopped, killed and frozen, and what others see that they serve."""
import dns.flags
import dns.rcode
import dns.rdatatype


class DnsServer:
    """Has PROCESS and FOLDER, start() to start it again at the same ports, and ask(name, type) for an answer."""

    def stop(self):
        self.process.stop()

    def kill(self):
        self.process.kill()
        self.process.child.wait(60)

    def restart(self):
        self.stop()
        self.start()

    def freeze(self):
        self.process.freeze()

    def thaw(self):
        self.process.thaw()

    def end(self):
        self.thaw()
        self.stop()
        self.folder.remove()

    # ---- other people's eyes ----

    def records(self, name, type):
        """What is served; None: refused, nothing of that name or type."""
        answer = self.ask(name, type)
        found = [one for one in answer.answer if one.rdtype == dns.rdatatype.from_text(type)]
        if answer.rcode() != dns.rcode.NOERROR or not found:
            return None
        assert answer.flags & dns.flags.AA
        return found[0]

    def dig(self, name, type):
        """(TTL, sorted texts), or None."""
        found = self.records(name, type)
        return found and (found.ttl, sorted(text_of(one) for one in found))

    def serial(self, zone):
        return self.records(zone, "SOA")[0].serial


def text_of(rdata):
    """TXT as the bytes of all its strings, as latin-1; others in presentation form."""
    strings = getattr(rdata, "strings", None)
    return b"".join(strings).decode("latin-1") if strings is not None else rdata.to_text()
