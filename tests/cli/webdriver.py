"""A real Chromium through its chromedriver, by plain W3C WebDriver calls: no package to install."""

from __future__ import annotations

import base64
import json
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--hide-scrollbars",
)
KEYS = {
    "ArrowUp": "\ue013",
    "ArrowDown": "\ue015",
    "ArrowLeft": "\ue012",
    "ArrowRight": "\ue014",
    "Enter": "\ue007",
    "Tab": "\ue004",
    "Escape": "\ue00c",
}


def chromium() -> tuple[str, str] | None:
    """(browser, driver) when both are installed."""
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
    driver = shutil.which("chromedriver")
    return (browser, driver) if browser and driver else None


class Browser:
    """One headless browser with a profile of its own; use as a context manager."""

    def __init__(self, width: int = 1440, height: int = 1000) -> None:
        found = chromium()
        assert found is not None
        self._profile = tempfile.TemporaryDirectory(prefix="attndsl-chromium-", ignore_cleanup_errors=True)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self._driver = subprocess.Popen(
            [found[1], f"--port={port}", "--silent"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self._base = f"http://127.0.0.1:{port}"
        try:
            self._wait_until_ready()
            options = {
                "binary": found[0],
                "args": [*FLAGS, f"--user-data-dir={self._profile.name}", f"--window-size={width},{height}"],
            }
            wanted = {
                "browserName": "chrome",
                "goog:chromeOptions": options,
                "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
            }
            answer = self._call("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
        except BaseException:
            self._driver.kill()
            raise
        self._session = f"/session/{answer['sessionId']}"
        self.size(width, height)

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._call("DELETE", self._session)
        finally:
            self._driver.terminate()
            self._driver.wait(timeout=20)
            self._profile.cleanup()

    def open(self, path: Path, fragment: str = "") -> None:
        """Load a file afresh and wait until its page is drawn."""
        self._call("POST", f"{self._session}/url", {"url": "about:blank"})
        self.console()
        self.requests()
        self._call("POST", f"{self._session}/url", {"url": path.as_uri() + fragment})

    def js(self, body: str, *arguments: Any) -> Any:
        """Run the body of a function in the page; ``arguments`` are its ``arguments``."""
        return self._call("POST", f"{self._session}/execute/sync", {"script": body, "args": list(arguments)})

    def source_text(self) -> str:
        """The visible text of the page, found without running any script in it."""
        root = self._call("POST", f"{self._session}/element", {"using": "css selector", "value": "body"})
        return str(self._call("GET", f"{self._session}/element/{next(iter(root.values()))}/text"))

    def cdp(self, command: str, **parameters: Any) -> Any:
        return self._call("POST", f"{self._session}/goog/cdp/execute", {"cmd": command, "params": parameters})

    def size(self, width: int, height: int, phone: bool = False) -> None:
        self.cdp(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=2 if phone else 1,
            mobile=phone,
        )

    def prefer(self, scheme: str) -> None:
        """Change the system's colour scheme, and wait until the page has answered and is drawn again."""
        self.cdp("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self._call(
            "POST",
            f"{self._session}/execute/async",
            {"script": "requestAnimationFrame(() => requestAnimationFrame(arguments[0]))", "args": []},
        )

    def move(self, css: str, x: int = 0, y: int = 0, *, click: bool = False) -> None:
        """A real pointer to the middle of an element (plus an offset), with a click if asked."""
        self.js("document.querySelector(arguments[0]).scrollIntoView({block: 'center', behavior: 'instant'})", css)
        middle = "const b = document.querySelector(arguments[0]).getBoundingClientRect(); "
        box = self.js(middle + "return [b.x + b.width / 2, b.y + b.height / 2]", css)
        steps = [{"type": "pointerMove", "duration": 0, "x": round(box[0]) + x, "y": round(box[1]) + y}]
        if click:
            steps += [{"type": "pointerDown", "button": 0}, {"type": "pointerUp", "button": 0}]
        self._act({"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"}, "actions": steps})

    def press(self, *names: str) -> None:
        """Real key presses to whatever has the focus."""
        steps = [{"type": kind, "value": KEYS.get(name, name)} for name in names for kind in ("keyDown", "keyUp")]
        self._act({"type": "key", "id": "keys", "actions": steps})

    def console(self) -> list[str]:
        """Messages of the console since the last call."""
        return [f"{entry['level']}: {entry['message']}" for entry in self._log("browser")]

    def requests(self) -> list[str]:
        """Addresses the browser asked for since the last call."""
        events = [json.loads(entry["message"])["message"] for entry in self._log("performance")]
        return [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]

    def picture(self, path: Path, *, whole: bool = False) -> None:
        """A screenshot of the window, or of the whole page."""
        if whole:
            height = self.js("return document.documentElement.scrollHeight")
            width = self.js("return window.innerWidth")
            shot = self.cdp(
                "Page.captureScreenshot",
                captureBeyondViewport=True,
                clip={"x": 0, "y": 0, "width": width, "height": height, "scale": 1},
            )
            path.write_bytes(base64.b64decode(shot["data"]))
        else:
            path.write_bytes(base64.b64decode(self._call("GET", f"{self._session}/screenshot")))

    def _act(self, device: dict[str, Any]) -> None:
        self._call("POST", f"{self._session}/actions", {"actions": [device]})

    def _log(self, kind: str) -> list[dict[str, Any]]:
        return list(self._call("POST", f"{self._session}/se/log", {"type": kind}))

    def _wait_until_ready(self) -> None:
        for _ in range(100):
            try:
                if self._call("GET", "/status")["ready"]:
                    return
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.1)
        raise RuntimeError("chromedriver did not start in ten seconds")

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        data = None if method != "POST" else json.dumps(body or {}).encode()
        request = urllib.request.Request(self._base + path, data, {"Content-Type": "application/json"}, method=method)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=60) as answer:
                return json.loads(answer.read())["value"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{method} {path}: {error.read().decode()[:800]}") from error
