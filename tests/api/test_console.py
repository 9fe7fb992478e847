"""The console's files as they are served: the page that every view's path answers, what it is allowed to load, and how much that is."""
import contextlib
import http.client
import os
import posixpath
import re
import shutil
import subprocess
import sys
import urllib.parse

import pytest

from conftest import DESCRIPTION, LIMIT, ROOT

WEB = ROOT / "web"
FIRST_VIEW_MOST = 150_000  # bytes over the wire, headers included
POLICY = ("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'none'; "
          "form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
VIEWS = ["/"] + DESCRIPTION.document["paths"]["/"]["get"]["x-views"]
TYPES = {".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
FILES = sorted(str(path.relative_to(WEB)) for path in WEB.rglob("*")
               if path.suffix in TYPES and "node_modules" not in path.parts and path.name != "plain.html")
IMPORT = re.compile(r"""(?:^|[\n;])\s*(?:import|export)\b[^"'`;]*?\bfrom\s*["']([^"']+)["']|(?:^|[\n;])\s*import\s*["']([^"']+)["']""")
LAZY = re.compile(r"""\bimport\(\s*["']([^"']+)["']\s*\)""")


def get(server, path, **kw):
    return server.request("GET", path, auth=False, **kw)


@pytest.fixture(scope="module")
def page(dfyd):
    page = get(dfyd, "/")
    if "built without its console" in page.text:
        if os.environ.get("CI"):
            pytest.fail("CI has to build the console")
        pytest.skip("built without npm")
    return page


def test_every_view_answers_the_same_page(dfyd, page):
    for view in VIEWS:
        path = re.sub(r"\{\w+\}", "a-name.com", view)
        answer = get(dfyd, path)
        assert answer.status_code == 200 and answer.text == page.text, path
        assert dfyd.request("HEAD", path + "?search=x", auth=False).headers["ETag"] == page.headers["ETag"]


def test_the_views_are_those_of_the_server():
    source = (ROOT / "src/api/console.c").read_text(encoding="utf-8")
    listed = re.findall(r'"(/.*?)"', re.search(r"pages\[\] = \{(.*?)\};", source, re.S)[1])
    assert listed == [re.sub(r"\{\w+\}", "{}", view) for view in VIEWS]


@pytest.mark.parametrize("method,path", [
    ("GET", "/nothing"), ("GET", "/orders/"), ("GET", "/orders/7/x"), ("GET", "/sign-in/"), ("GET", "/operator/nothing"), ("GET", "/index.html"),
    ("POST", "/"), ("POST", "/orders"), ("DELETE", "/orders/7"), ("GET", "/console"), ("POST", "/console/main.js")])
def test_other_paths_are_not_found(dfyd, method, path):
    answer = dfyd.request(method, path, auth=False)
    assert answer.status_code == 404 and answer.json()["message"] == f"Route {method}:{path} not found"


def test_the_page_may_load_its_own_files_alone(page):
    assert page.headers["Content-Type"] == TYPES[".html"]
    assert page.headers["Content-Security-Policy"] == POLICY
    assert page.headers["Referrer-Policy"] == "same-origin" and page.headers["X-Content-Type-Options"] == "nosniff"
    assert page.headers["Cache-Control"] == "no-cache"
    assert not re.search(r"<script(?![^>]* src=)|<style| style=| on\w+=|https?:", page.text)


def test_every_file_is_served_as_it_is(dfyd, page):
    assert "main.js" in FILES and "style.css" in FILES
    for name in FILES:
        answer = get(dfyd, f"/console/{name}")
        assert answer.status_code == 200, name
        assert answer.headers["Content-Type"] == TYPES[os.path.splitext(name)[1]]
        assert answer.content == (WEB / name).read_bytes(), name
        assert ("Content-Security-Policy" in answer.headers) == name.endswith((".html", ".svg"))
        assert answer.headers.get("Content-Encoding") == (None if name.endswith(".html") else "gzip")


def test_a_file_is_not_sent_twice(dfyd, page):
    for path in ("/", "/orders", "/console/style.css"):
        etag = get(dfyd, path).headers["ETag"]
        again = get(dfyd, path, headers={"If-None-Match": etag})
        assert again.status_code == 304 and not again.content and again.headers["ETag"] == etag
        assert get(dfyd, path, headers={"If-None-Match": '"other"'}).status_code == 200


def test_what_is_no_file_of_the_console(dfyd, page):
    for name in ("nothing.js", "package.json", "meson.build", "plain.html", "node_modules/htm/package.json", "pages", "pages/", "/main.js"):
        answer = get(dfyd, f"/console/{name}")
        assert (answer.status_code, answer.json()["message"]) == (404, "Resource not found"), name


# ---- what a view needs


def imports(text, lazy=False):
    found = [a or b for a, b in IMPORT.findall(text)]
    return found + (LAZY.findall(text) if lazy else [])


def crawl(server, roots, lazy=False):
    """path -> answer of all that ROOTS load, modules by their imports."""
    seen, waiting = {}, list(roots)
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        answer = seen[path] = get(server, path)
        assert answer.status_code == 200, path
        if path.endswith(".js"):
            for name in imports(answer.text, lazy):
                assert name.startswith(("./", "../")), f"{path} imports {name}: not a relative path, which a browser would have to map"
                waiting.append(posixpath.normpath(posixpath.join(posixpath.dirname(path), name)))
    return seen


def links(page):
    return re.findall(r'<(?:script|link)\b[^>]*?(?:src|href)="(.*?)"', page.text)


def test_every_import_is_served(dfyd, page):
    seen = crawl(dfyd, links(page), lazy=True)
    missing = {f"/console/{name}" for name in FILES if name.endswith(".js")} - set(seen)
    assert not missing, f"nothing loads {sorted(missing)}"


def wire(answer):
    """Bytes of an answer as it was sent: its body is read again as it was on the wire."""
    parts = urllib.parse.urlsplit(answer.url)
    with contextlib.closing(http.client.HTTPConnection(parts.hostname, parts.port, timeout=LIMIT)) as connection:
        connection.request("GET", parts.path, headers={"Accept-Encoding": "gzip"})
        sent = connection.getresponse()
        return len(sent.read()) + sum(len(name) + len(value) + 4 for name, value in sent.getheaders()) + len("HTTP/1.1 200 OK\r\n\r\n")


def test_a_first_view_is_small(dfyd, page):
    """The page with sign-in and the overview, and all that they load."""
    roots = links(page) + ["/console/pages/sign_in.js", "/console/pages/overview.js"]
    sizes = {path: wire(answer) for path, answer in crawl(dfyd, roots).items()}
    total = wire(page) + sum(sizes.values())
    assert total < FIRST_VIEW_MOST, f"{total} bytes: {sorted(sizes.items(), key=lambda pair: -pair[1])}"


# ---- a folder of files that are worked on


@pytest.fixture
def folder(tmp_path):
    """A copy of web/."""
    web = tmp_path / "web"
    shutil.copytree(WEB, web, ignore=shutil.ignore_patterns("node_modules"))
    library = web / "node_modules/htm/preact/standalone.module.js"
    library.parent.mkdir(parents=True)
    library.write_text("export const made = 1;\n")
    (web / ".hidden.js").write_text("secret")
    (tmp_path / "outside.js").write_text("secret")
    return web


def test_a_folder_is_read_each_time(fresh, folder):
    server = fresh(web_dir=folder)
    assert get(server, "/orders/7").text == (folder / "index.html").read_text()
    assert get(server, "/").headers["Content-Security-Policy"] == POLICY
    assert get(server, "/console/lib/htm.js").text == "export const made = 1;\n"
    path = "/console/pages/new_one.js"
    assert get(server, path).status_code == 404
    (folder / "pages").mkdir(exist_ok=True)
    (folder / "pages/new_one.js").write_text("1")
    first = get(server, path)
    assert first.text == "1" and first.headers["Content-Type"] == TYPES[".js"] and "Content-Encoding" not in first.headers
    assert get(server, path, headers={"If-None-Match": first.headers["ETag"]}).status_code == 304
    (folder / "pages/new_one.js").write_text("2")
    assert get(server, path, headers={"If-None-Match": first.headers["ETag"]}).text == "2"


@pytest.mark.parametrize("name", [
    "../outside.js", "pages/../../outside.js", "%2e%2e/outside.js", "..%2foutside.js", "./main.js", ".hidden.js", "pages//x.js", "/main.js",
    "package.json", "meson.build", "pages", "pages/", "main.js/", "main.js%00", "a.js.", "..", "%ff.js", "folder.js", "pipe.js"])
def test_nothing_else_is_read(fresh, folder, name):
    (folder / "folder.js").mkdir()
    os.mkfifo(folder / "pipe.js")
    server = fresh(web_dir=folder)
    connection = http.client.HTTPConnection(server.host, server.port, timeout=LIMIT)
    connection.request("GET", f"/console/{name}")
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    assert answer.status == 404 and b"secret" not in text


def test_a_folder_that_is_none(cli, tmp_path):
    done = cli("serve", "--data", str(tmp_path / "data"), "--listen", "127.0.0.1:0", "--web-dir", str(tmp_path))
    assert done.returncode != 0 and f"web_dir: {tmp_path}/index.html cannot be read" in done.stderr


# ---- a build without npm


def test_without_libraries_one_page_is_packed(tmp_path):
    out = tmp_path / "packed.c"
    subprocess.run([sys.executable, ROOT / "scripts/pack_web.py", out, WEB, "--library", "lib/a.js=node_modules/a.js", "--index", WEB / "plain.html"],
                   check=True)
    text = out.read_text()
    assert "packed_files_n = 1;" in text and '{"index.html", "text/html; charset=utf-8", data0,' in text
    assert '{"lib/a.js", "node_modules/a.js"},' in text
    plain = (WEB / "plain.html").read_text()
    assert "scripts/setup console" in plain and 'href="/docs"' in plain and "<script" not in plain and "<style" not in plain
