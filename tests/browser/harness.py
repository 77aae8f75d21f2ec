"""What the browser tests share: a server of the app on a free port, and what to wait for on its pages."""

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

REPOSITORY = Path(__file__).resolve().parents[2]
START_SECONDS = 90
IDLE_MILLISECONDS = 120_000


@dataclass(frozen=True)
class RunningApp:
    """One server of the app.

    Args:
        url: its address, without a slash at the end.
        home: its HEMO_HOME.
        log: everything the server has printed.
    """

    url: str
    home: Path
    log: Path


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_healthy(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"The app ended at its start with code {process.returncode}: {log.read_text()[-2000:]}")
        with (
            contextlib.suppress(urllib.error.URLError, ConnectionError, TimeoutError),
            urllib.request.urlopen(f"{url}/_stcore/health", timeout=2) as answer,
        ):
            if answer.status == 200:
                return
        time.sleep(0.2)
    raise RuntimeError(f"The app did not answer within {START_SECONDS} s: {log.read_text()[-2000:]}")


@contextlib.contextmanager
def serve(home: Path, models: Path | None = None) -> Iterator[RunningApp]:
    """Run the app until the block ends.

    Args:
        home: HEMO_HOME of the server; made where it is missing.
        models: HEMO_MODELS of the server; None takes the shipped ones.
    """
    home.mkdir(parents=True, exist_ok=True)
    port, log = _free_port(), home / "server.log"
    environment = os.environ | {"HEMO_HOME": str(home), "PYTHONUNBUFFERED": "1"}
    if models is not None:
        environment["HEMO_MODELS"] = str(models)
    command = [sys.executable, "-m", "streamlit", "run", "streamlit_app.py", f"--server.port={port}"]
    command += ["--server.headless=true", "--server.fileWatcherType=none"]
    with log.open("wb") as sink:
        process = subprocess.Popen(
            command, cwd=REPOSITORY, env=environment, stdout=sink, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL
        )
        try:
            url = f"http://127.0.0.1:{port}"
            _wait_until_healthy(url, process, log)
            yield RunningApp(url=url, home=home, log=log)
        finally:
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def wait_until_idle(page: Page) -> None:
    """Wait until the script has run to its end and the page shows what it drew."""
    expect(page.get_by_test_id("stApp")).to_have_attribute(
        "data-test-script-state", "notRunning", timeout=IDLE_MILLISECONDS
    )
    # A rerun that an upload or a click has just asked for starts a moment later.
    page.wait_for_timeout(250)
    expect(page.get_by_test_id("stApp")).to_have_attribute(
        "data-test-script-state", "notRunning", timeout=IDLE_MILLISECONDS
    )


def open_page(page: Page, app: RunningApp, path: str = "") -> None:
    """Go to one of Hemo's pages by its path (`""`, `data`, `train`, `read`, `results`, `models`) and wait for it."""
    page.goto(f"{app.url}/{path}")
    expect(page.get_by_test_id("stMain").get_by_role("heading", level=1).first).to_be_visible(timeout=60_000)
    wait_until_idle(page)
    # The shared style arrives with the page's first elements, and buttons take a moment to change their color.
    page.wait_for_function("getComputedStyle(document.documentElement).getPropertyValue('--hemo-fill') !== ''")
    page.wait_for_timeout(500)
    assert_no_exception(page)


def assert_no_exception(page: Page) -> None:
    """No traceback and no 'something went wrong' box is shown."""
    expect(page.get_by_test_id("stException")).to_have_count(0)


def serious_faults(page: Page) -> list[str]:
    """What axe-core finds on the page that is serious or critical, a line each."""
    answer = Axe().run(page).response
    return [
        f"{fault['id']}: {fault['help']}: {[node['html'][:160] for node in fault['nodes'][:3]]}"
        for fault in answer["violations"]
        if fault["impact"] in {"serious", "critical"}
    ]
