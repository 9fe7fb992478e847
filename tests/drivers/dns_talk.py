"""A conversation with dns-talk, a DNS driver alone. RRsets are [name, type, ttl, [value, ...]]; a value is bytes as latin-1 text."""
from conversation import Conversation

NONE = [0, []]


def change(name, type, was, to):
    """One change of an RRset; WAS and TO are [ttl, [value, ...]], or NONE."""
    return {"name": name, "type": type, "was": was or NONE, "to": to or NONE}


class Talk(Conversation):
    """One driver, with the settings ENV (TALK_...). SECRETS never come back in what it says."""

    def __init__(self, driver, secrets=(), **env):
        super().__init__("dns-talk", secrets, TALK_DRIVER=driver, **env)

    def fetch(self, zone, *names):
        """NAMES: pairs of name and type."""
        return self.ask("fetch", zone=zone, sets=[list(pair) for pair in names])

    def served(self, zone, name, type):
        """[ttl, sorted values], or NONE; the zone must be ours."""
        said = self.fetch(zone, (name, type))
        assert (said["outcome"], said["state"]) == ("done", "ours"), said
        assert said["served"][0][:2] == [name, type]
        ttl, values = said["served"][0][2:]
        return [ttl, sorted(values)] if values else NONE

    def change(self, zone, *changes):
        return self.ask("change", zone=zone, changes=list(changes))

    def must_change(self, zone, *changes):
        said = self.change(zone, *changes)
        assert said["outcome"] == "done", said

    def all(self, jobs, threads=8):
        return self.ask("all", jobs=jobs, threads=threads)["answers"]
