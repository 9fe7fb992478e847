"""The console as a person has it: a browser, and what can be seen, clicked and typed in it.

Chromium without a window, driven by selenium. Whatever the page throws, and whatever its Content-Security-Policy stops, fails the test.
Test files import the fixtures by name: `from console import browser, console, make_console  # noqa: F401, fixtures`.
"""
import base64
import contextlib
import json
import os
import pathlib
import tempfile

import pytest

from conftest import LIMIT, wait_for
from servers.process import free_ports

selenium = pytest.importorskip("selenium")
from selenium import webdriver  # noqa: E402
from selenium.common.exceptions import (ElementClickInterceptedException, ElementNotInteractableException,  # noqa: E402
                                        NoSuchElementException, StaleElementReferenceException)
from selenium.webdriver import ActionChains  # noqa: E402
from selenium.webdriver.chrome.service import Service  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402, F401, for the tests
from selenium.webdriver.support.ui import Select  # noqa: E402

CHROMIUM, DRIVER = pathlib.Path("/usr/bin/chromium"), pathlib.Path("/usr/bin/chromedriver")
AXE = pathlib.Path(__file__).parent / "node_modules/axe-core/axe.min.js"
SHOTS = pathlib.Path(os.environ.get("DFYD_SCREENSHOTS", pathlib.Path(__file__).parent / "screenshots"))
WIDE, NARROW = (1440, 900), (360, 740)
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
# A try that may come too early: the page is just being drawn anew.
NOT_YET = (StaleElementReferenceException, ElementClickInterceptedException, ElementNotInteractableException)


def _missing():
    return [str(path) for path in (CHROMIUM, DRIVER, AXE) if not path.exists()]


@pytest.fixture(scope="session")
def browser():
    """One browser; each test has its cookies and storage for itself."""
    if missing := _missing():
        if os.environ.get("CI"):
            pytest.fail(f"missing: {', '.join(missing)}; `scripts/setup ui` brings them")
        pytest.skip(f"missing: {', '.join(missing)}; `scripts/setup ui` brings them")
    with tempfile.TemporaryDirectory(prefix="dfyd-browser-", ignore_cleanup_errors=True) as folder:
        options = webdriver.ChromeOptions()
        options.binary_location = str(CHROMIUM)
        for flag in ("--headless=new", "--disable-dev-shm-usage", "--disable-gpu", "--no-proxy-server", "--hide-scrollbars", "--lang=en-US",
                     "--force-color-profile=srgb", f"--user-data-dir={folder}/profile", f"--window-size={WIDE[0]},{WIDE[1]}"):
            options.add_argument(flag)
        if os.geteuid() == 0:
            options.add_argument("--no-sandbox")
        options.add_experimental_option("prefs", {"download.default_directory": f"{folder}/downloads", "download.prompt_for_download": False})
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        service = Service(str(DRIVER), port=free_ports(1)[0], env={**os.environ, "HOME": folder, "TZ": "UTC"})
        driver = webdriver.Chrome(service=service, options=options)
        driver.downloads = pathlib.Path(folder) / "downloads"
        try:
            driver.set_script_timeout(LIMIT)
            driver.set_page_load_timeout(LIMIT)
            yield driver
        finally:
            driver.quit()


class Console:
    """What one person sees of SERVER, with the rights of KEY. What is looked for is waited for."""

    def __init__(self, driver, server, key=None):
        self.driver, self.server, self.key = driver, server, key
        self.allowed = set()  # statuses of answers that the page may meet, as the browser complains of each
        self.size(WIDE)
        self.media("light")
        driver.get(server.base + "/healthz")
        driver.delete_all_cookies()
        driver.execute_script("localStorage.clear(); sessionStorage.clear()")
        driver.get_log("browser")

    # -- where it is

    def open(self, path):
        self.driver.get(self.server.base + path)
        return self

    def sign_in(self, path="/", key=None):
        """Signed in as by the form, and at PATH. tests/ui/test_sign_in.py uses the form itself."""
        status = self.driver.execute_async_script(
            """const [key, done] = arguments;
               fetch("/api/dfyd/v1/session", {method: "POST", headers: {"content-type": "application/json", "x-dfyd-console": "1"},
                   body: JSON.stringify({key})}).then((answer) => done(answer.status), (error) => done(String(error)));""",
            key or self.key)
        assert status == 200, status
        return self.open(path)

    @property
    def path(self):
        return self.driver.execute_script("return location.pathname + location.search")

    def wait_path(self, path):
        return self.wait(f"{path} in the address bar", lambda: self.path == path)

    def back(self):
        self.driver.back()

    def forward(self):
        self.driver.forward()

    def reload(self):
        self.driver.refresh()

    def size(self, size):
        width, height = size
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                                    {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600})

    def media(self, scheme="light", **features):
        """What the person prefers: light or dark, and for example prefers_reduced_motion="reduce"."""
        wanted = {"prefers-color-scheme": scheme, "prefers-reduced-motion": "reduce",
                  **{name.replace("_", "-"): value for name, value in features.items()}}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia",
                                    {"features": [{"name": name, "value": value} for name, value in wanted.items()]})

    # -- what is seen

    def wait(self, what, condition, limit=LIMIT):
        """The first true value of CONDITION, which may meet a page that is just being drawn anew."""
        def tried():
            with contextlib.suppress(*NOT_YET):
                return condition()
        try:
            return wait_for(what, tried, limit, every=0.03)
        except pytest.fail.Exception as failure:
            pytest.fail(f"{failure}\nat {self.path}, seen:\n{self.body()[:3000]}")

    def all(self, css, within=None):
        """The shown elements that CSS selects now."""
        return [one for one in (within or self.driver).find_elements(By.CSS_SELECTOR, css) if one.is_displayed()]

    def find(self, css, within=None):
        return self.wait(css, lambda: next(iter(self.all(css, within)), None))

    def gone(self, css):
        return self.wait(f"no {css}", lambda: not self.all(css))

    def body(self):
        return self.driver.execute_script("return document.body ? document.body.innerText : ''")

    def see(self, *texts, css="body"):
        """Waits until every one of TEXTS can be read."""
        def seen():
            shown = " ".join(self.driver.execute_script(
                "return [...document.querySelectorAll(arguments[0])].map((one) => one.innerText).join(' ')", css).split())
            return all(text in shown for text in texts)
        return self.wait(f"{texts} in {css}", seen)

    def not_see(self, *texts, css="body"):
        return self.wait(f"no {texts} in {css}", lambda: not any(
            text in " ".join(one.text.split()) for one in self.all(css) for text in texts))

    def h1(self):
        return self.find("h1").text

    def named(self, selector, name, within=None):
        """The shown elements that SELECTOR selects and that assistive technology calls NAME; "Delete…" is any name that begins so."""
        def is_it(one):
            label = " ".join((one.accessible_name or "").split())
            return label.startswith(name[:-1]) if name.endswith("…") else label == name
        return [one for one in self.all(selector, within) if is_it(one)]

    def named_one(self, selector, name, within=None):
        return self.wait(f"{name!r} among {selector}", lambda: next(iter(self.named(selector, name, within)), None))

    def button(self, name, within=None):
        return self.named_one("button, [role=button], summary, input[type=submit]", name, within)

    def link(self, name, within=None):
        return self.named_one("a[href]", name, within)

    def field(self, label, within=None):
        return self.named_one("input, textarea, select", label, within)

    def error_of(self, label, *texts):
        """What is said to be wrong with a field: the text that it names as its description, once it is invalid and all TEXTS are in it.
        Of a field that is judged while one types, what is wrong with half a word may be said first."""
        def said():
            field = self.field(label)
            if field.get_attribute("aria-invalid") != "true":
                return None
            ids = ((field.get_attribute("aria-describedby") or "") + " " + (field.get_attribute("aria-errormessage") or "")).split()
            found = " ".join(one.text for id in ids for one in self.driver.find_elements(By.ID, id))
            return found if all(text in found for text in texts) else None
        return self.wait(f"an error beside {label}: {texts}", said)

    def rows(self, css="table tbody tr"):
        """The texts of a table's cells, row by row."""
        return self.driver.execute_script(
            "return [...document.querySelectorAll(arguments[0])].map((row) => [...row.children].map((cell) => cell.innerText.trim()))", css)

    # -- what is done

    def click(self, name, within=None):
        """A button or link by its name. One that still works at what it was pressed for before takes no press."""
        def clicked():
            found = self.named("button, a[href], [role=button], summary, input[type=submit]", name, within)
            if found and found[0].is_enabled() and found[0].get_attribute("aria-busy") != "true":
                found[0].click()
                return True
        self.wait(f"{name!r} to click", clicked)

    def type(self, label, text, within=None):
        """Over what stood in the field."""
        field = self.field(label, within)
        field.send_keys(Keys.CONTROL, "a")
        field.send_keys(text or Keys.DELETE)

    def paste(self, label, text, within=None):
        """As from the clipboard: all at once, also with line ends."""
        field = self.field(label, within)
        self.driver.execute_script(
            """const [field, text] = arguments; field.focus();
               const data = new DataTransfer(); data.setData("text/plain", text);
               if (field.dispatchEvent(new ClipboardEvent("paste", {clipboardData: data, bubbles: true, cancelable: true})))
                   document.execCommand("insertText", false, text);""", field, text)

    def choose(self, label, option, within=None):
        """An option may be written anew when more is known, such as its price."""
        def chosen():
            with contextlib.suppress(NoSuchElementException):
                Select(self.field(label, within)).select_by_visible_text(option)
                return True
        self.wait(f"{option!r} of {label}", chosen)

    def tick(self, label, within=None):
        self.wait(f"{label!r} to tick", lambda: self.field(label, within).click() or True)

    def press(self, *keys):
        """To whatever has the focus."""
        ActionChains(self.driver).send_keys(*keys).perform()

    def focused(self):
        """What assistive technology calls the element that has the focus."""
        def asked():
            return [" ".join((self.driver.switch_to.active_element.accessible_name or "").split())]
        return self.wait("what has the focus", asked)[0]

    def see_focus(self, name):
        """The focus is moved with the next drawing, which is a moment after what was the cause."""
        return self.wait(f"the focus on {name!r}", lambda: self.focused() == name)

    def tab_to(self, name, most=80):
        """By the keyboard alone."""
        for _ in range(most):
            if self.focused() == name:
                return
            self.press(Keys.TAB)
        pytest.fail(f"Tab does not lead to {name!r}; the focus is on {self.focused()!r}")

    def script(self, text, *args):
        return self.driver.execute_script(text, *args)

    def fetch(self, path, method="GET", body=None):
        """(status, text) of a call that the page itself could make."""
        return tuple(self.driver.execute_async_script(
            """const [path, method, body, done] = arguments;
               fetch(path, {method, body: body === null ? undefined : body,
                   headers: method === "GET" ? {} : {"content-type": "application/json", "x-dfyd-console": "1"}})
                   .then(async (answer) => done([answer.status, await answer.text()]));""",
            path, method, None if body is None else json.dumps(body)))

    # -- what has to be true of every page

    def axe(self):
        """No violation of WCAG 2.2 AA that axe can find."""
        if not self.driver.execute_script("return typeof axe !== 'undefined'"):
            self.driver.execute_script(AXE.read_text(encoding="utf-8"))
        found = self.driver.execute_async_script(
            "const [tags, done] = arguments;"
            "axe.run(document, {runOnly: tags, resultTypes: ['violations']}).then((all) => done(all.violations), (e) => done(String(e)))", WCAG)
        assert isinstance(found, list), found
        words = [f"{one['id']}: {one['help']}\n" + "\n".join(f"    {node['html'][:200]}\n      {node['failureSummary'][:300]}"
                                                            for node in one["nodes"][:5]) for one in found]
        assert not found, f"axe at {self.path}:\n" + "\n".join(words)

    def fits(self):
        """Nothing scrolls sideways."""
        wide, shown = self.driver.execute_script("return [document.documentElement.scrollWidth, document.documentElement.clientWidth]")
        assert wide <= shown, f"{self.path} is {wide} px wide, {shown} px are shown"

    def _capture(self, path):
        made = self.driver.execute_cdp_cmd("Page.captureScreenshot", {"format": "png", "captureBeyondViewport": False})
        path.write_bytes(base64.b64decode(made["data"]))

    def shot(self, name):
        """NAME-1440.png, NAME-360.png and NAME-dark.png of the page as it is, whole; at each, axe finds nothing and nothing scrolls sideways."""
        SHOTS.mkdir(exist_ok=True, parents=True)
        try:
            for suffix, (width, height), scheme in (("1440", WIDE, "light"), ("dark", WIDE, "dark"), ("360", NARROW, "light"),
                                                    ("360-dark", NARROW, "dark")):
                self.media(scheme)
                self.size((width, height))
                tall = self.driver.execute_script("return document.documentElement.scrollHeight")
                self.size((width, max(height, min(tall, 6000))))
                self._settle()
                self._painted(scheme)
                self.fits()
                self.axe()
                if suffix != "360-dark":
                    self._capture(SHOTS / f"{name}-{suffix}.png")
        finally:
            self.media("light")
            self.size(WIDE)
            self._settle()
        self.check()

    def _settle(self):
        self.driver.execute_async_script("const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(done))")

    def _painted(self, scheme):
        """The colours of SCHEME are computed, which is a moment after the medium changed."""
        text = {"light": "rgb(0, 0, 0)", "dark": "rgb(255, 255, 255)"}[self.script("return document.documentElement.dataset.theme") or scheme]
        self.wait(f"the colours of {scheme}", lambda: self.script("return getComputedStyle(document.documentElement).color") == text)

    def check(self):
        """Nothing was thrown, and the Content-Security-Policy stopped nothing."""
        def is_allowed(text):
            # Where no page names its icon, as at what is no HTML, the browser asks for one by itself, whenever it likes.
            of_itself = text.startswith(self.server.base + "/favicon.ico - ")
            return "Failed to load resource" in text and (of_itself or any(f"status of {status} " in text for status in self.allowed))
        wrong = [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE" and not is_allowed(entry["message"])]
        assert not wrong, "\n".join(wrong)


@pytest.fixture
def make_console(browser):
    """Makes a Console of a server: make_console(server). At the end the page is left, and nothing may have gone wrong in it."""
    made = []

    def make(server, key=None):
        made.append(Console(browser, server, key or server.key))
        return made[-1]

    yield make
    for one in made[-1:]:
        if one.server.alive():
            one.check()
        browser.get("about:blank")


_workspaces = iter(range(1, 1_000_000))


def workspace(server, card="tok_visa", scope="all:all", operator=False):
    """The key of a new workspace of its own, with CARD unless that is None."""
    name = f"console-{os.getpid()}-{next(_workspaces)}"
    server.cli("workspace", "create", "--name", name)
    if card:
        server.cli("card", "set", "--workspace", name, "--token", card, "--name", "Jane Doe")
    return server.cli("key", "create", "--workspace", name, "--scope", scope, *(["--operator"] if operator else [])).strip()


@pytest.fixture
def console(dfyd, make_console):
    """Signed in nowhere yet: a person with a workspace of their own on the server that many tests share."""
    return make_console(dfyd, workspace(dfyd))
