"""A conversation with resolver-talk, the resolver driver `stub` alone. Values are bytes as latin-1 text."""
from conversation import Conversation


class Talk(Conversation):
    def __init__(self, **env):
        super().__init__("resolver-talk", **env)

    def asks(self, name, type="A", times=1):
        self.write(f"{name} {type} {times}")
        said = [self.read() for _ in range(times)]
        for one in said:
            one["data"] = [bytes.fromhex(value).decode("latin-1") for value in one.get("data", [])]
        return said

    def ask(self, name, type="A"):
        return self.asks(name, type)[0]

    def data(self, name, type="A"):
        said = self.ask(name, type)
        assert said["outcome"] == "done", said
        assert (said["name"], said["type"]) == (name, type)
        return sorted(said["data"])

    def unknown(self, name, type="A"):
        said = self.ask(name, type)
        assert said["outcome"] == "unknown" and said["reason"], said
        return said["reason"]
