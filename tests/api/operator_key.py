"""A client with an operator's key, which sees the whole business."""
import itertools

BASE = "/api/dfyd/v1/operator"
numbers = itertools.count(1)


class Operator:
    def __init__(self, server):
        self.server = server
        self.key = server.cli("key", "create", "--workspace", "default", "--scope", "all:all", "--operator", "--name", "console").strip()

    def send(self, method, path, key=None, **kw):
        headers = {"Authorization": f"Bearer {key or self.key}", **kw.pop("headers", {})}
        return self.server.request(method, BASE + path, headers=headers, **kw)

    def get(self, path, **params):
        response = self.send("GET", path, params=params)
        assert response.status_code == 200, response.text
        return response.json()

    def post(self, path, body=None, **kw):
        response = self.send("POST", path, json=body, **kw)
        assert response.status_code == 200, response.text
        return response.json()

    def refused(self, status, method, path, *words, **kw):
        response = self.send(method, path, **kw)
        assert response.status_code == status, response.text
        message = response.json()["message"]
        assert all(word in message for word in words), message
        return response.json()

    def pages(self, path, **params):
        """All items of a paged list."""
        items = []
        while True:
            page = self.get(path, **params)
            items += page["items"]
            if "next_starting_after" not in page:
                return items
            params["starting_after"] = page["next_starting_after"]

    def records(self, activity, **params):
        return self.get("/audit-logs", activity=activity, limit=100, **params)["items"]


def workspace(server):
    """Name and id of a new one."""
    name = f"business-{next(numbers)}"
    return name, server.cli("workspace", "create", "--name", name).strip()
