"""What a receiver thinks of a message: SPF, DKIM and DMARC by pyspf, dkimpy and authheaders, which ask one name server only."""
import dns.resolver
import spf
from authheaders import authenticate_message

MISSING = (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer, dns.resolver.NoNameservers)


class Verifier:
    """Asks the name server at DNS_PORT of 127.0.0.1."""

    def __init__(self, dns_port):
        self.resolver = dns.resolver.Resolver(configure=False)
        self.resolver.nameservers, self.resolver.port, self.resolver.lifetime = ["127.0.0.1"], dns_port, 30

    def _txt(self, name, timeout=5):
        try:
            answer = self.resolver.resolve(name.decode() if isinstance(name, bytes) else name, "TXT")
        except MISSING:
            return ""
        return b"".join(answer[0].strings).decode()

    def _spf(self, name, kind, strict=True, timeout=20, level=0):
        try:
            answer = self.resolver.resolve(name, kind)
        except MISSING:
            return []
        pick = {"TXT": lambda r: r.strings, "SPF": lambda r: r.strings, "A": lambda r: r.address, "AAAA": lambda r: r.address,
                "MX": lambda r: (r.preference, str(r.exchange).rstrip("."))}.get(kind, str)
        return [((name, kind), pick(r)) for r in answer]

    def judge(self, message, ip, sender, helo):
        """The Authentication-Results header field of MESSAGE (bytes), which came from IP. authheaders takes a domain to end at its
        first hyphen, so the sender's must have none."""
        kept, spf.DNSLookup = spf.DNSLookup, self._spf  # pyspf has no other way to be told whom to ask
        try:
            return authenticate_message(message, "receiver.test", ip=ip, mail_from=sender, helo=helo,
                                        spf=True, dkim=True, dmarc=True, arc=False, dnsfunc=self._txt)
        finally:
            spf.DNSLookup = kept
