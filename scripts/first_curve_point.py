"""How long after a training's first batch its point is on screen, in a real Chromium, and what the open page costs.

    python scripts/first_curve_point.py [--runs N] [--json FILE]

Starts the app on a free port with an empty workspace, opens its Train page, puts runs in the queue and takes, for each,
the time from the first batch's event (its own time stamp in the run's `events.jsonl`) to the moment that a mark of the
first panel stands in the page's document and a frame was drawn. Then the page stays open while the run trains on, and
the processor time of the app's server and of the trainer over the same seconds is read. Needs Chromium and playwright.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from playwright.sync_api import Page, sync_playwright

from hemo.atomic import write_json_atomically
from hemo.bench.machine import described, machine
from hemo.data.phantom import write_phantom
from hemo.model.training_config import RECOMMENDED, EarlyStop
from hemo.runs import supervisor
from hemo.runs.history import read_history
from hemo.runs.run import Run
from hemo.workspace import Workspace
from tests.browser.conftest import CHROMIUM_FLAGS
from tests.browser.harness import RunningApp, open_page, serve

TARGET_SECONDS = 2.0
PATIENCE_SECONDS = 300
OPEN_SECONDS = 15
# A point of the first panel, or a line of at least two: a path that only moves draws nothing.
WATCH = """() => {
  window.firstPoint = null;
  const look = () => {
    const marks = document.querySelectorAll('.js-plotly-plot .subplot.xy .scatterlayer .trace path');
    const drawn = [...marks].some(m => m.classList.contains('point') || (m.getAttribute('d') || '').includes('L'));
    if (drawn) requestAnimationFrame(() => { window.firstPoint = Date.now() / 1000; });
    else requestAnimationFrame(look);
  };
  look();
}"""


def main() -> int:
    """Measure and print; 1 where the slowest run missed the target."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures here")
    args = parser.parse_args()
    about = machine()
    print(described(about), flush=True)
    with tempfile.TemporaryDirectory() as folder, serve(Path(folder), models=Path(folder) / "models") as app:
        workspace = Workspace(app.home, app.home / "models")
        write_phantom(app.home / "datasets" / "phantom", studies=12, n_slices=16, size=128)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=os.environ.get("HEMO_CHROMIUM", "/usr/bin/chromium"), args=list(CHROMIUM_FLAGS)
            )
            measured = [_one_run(browser.new_page(), app, workspace, number) for number in range(args.runs)]
            browser.close()
    seconds = [each["seconds"] for each in measured]
    reached = max(seconds) <= TARGET_SECONDS
    verdict = "reached" if reached else "NOT reached"
    print(
        f"first point on screen after the first batch: median {statistics.median(seconds):.2f} s, slowest "
        f"{max(seconds):.2f} s of {len(seconds)} (target ≤ {TARGET_SECONDS:g} s, {verdict})"
    )
    server, trainer = (statistics.median(each[name] for each in measured) for name in ("server", "trainer"))
    print(
        f"with the page open the app's server takes {server * 1e3:.0f} ms of processor time a second, the trainer "
        f"{trainer * 1e3:.0f} ms: {server / trainer:.1%}"
    )
    if args.json:
        write_json_atomically(args.json, {"machine": about, "runs": measured, "target_s": TARGET_SECONDS})
    return 0 if reached else 1


def _one_run(page: Page, app: RunningApp, workspace: Workspace, number: int) -> dict[str, Any]:
    open_page(page, app, "train")
    config = RECOMMENDED.replace(
        data=str(app.home / "datasets" / "phantom"),
        image_size=96,
        batch=16,
        epochs=1000,
        seed=number,
        early_stop=EarlyStop(monitor=""),
    )
    run = supervisor.submit(workspace, config, f"run-{number}")
    _wait(lambda: run.status().state == "training", "the training")
    page.get_by_text(run.name).first.wait_for()
    page.evaluate(WATCH)
    page.wait_for_function("window.firstPoint !== null", timeout=PATIENCE_SECONDS * 1000)
    shown = float(page.evaluate("window.firstPoint"))
    first = read_history(run.folder).batches[0]["time"]
    server, trainer = _processor_shares(run)
    supervisor.command(run, "stop")
    _wait(lambda: run.status().state == "stopped", "the stop")
    page.close()
    result = {"seconds": round(shown - first, 3), "server": round(server, 4), "trainer": round(trainer, 4)}
    print(f"{run.name}: {result['seconds']:.2f} s", flush=True)
    return result


def _processor_shares(run: Run) -> tuple[float, float]:
    """Processor seconds a second of the app's server and of the trainer, with the page open."""
    pids = _server_pid(), int(run.status().process["pid"])
    began, before = time.monotonic(), [_processor_seconds(pid) for pid in pids]
    time.sleep(OPEN_SECONDS)
    seconds = time.monotonic() - began
    server, trainer = ((_processor_seconds(pid) - was) / seconds for pid, was in zip(pids, before, strict=True))
    return server, trainer


def _server_pid() -> int:
    for stat in Path("/proc").glob("[0-9]*/cmdline"):
        words = stat.read_bytes().split(b"\0")
        if b"streamlit" in words and int(_stat(int(stat.parent.name))[1]) == os.getpid():
            return int(stat.parent.name)
    raise RuntimeError("Expected the app's server among this process's children. Received: none")


def _processor_seconds(pid: int) -> float:
    """User and system time of a process, see proc(5)."""
    fields = _stat(pid)
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _stat(pid: int) -> list[str]:
    """Fields of /proc/PID/stat from the state on."""
    text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    return text[text.rindex(")") + 2 :].split()


def _wait(condition: Any, what: str) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError(f"Expected {what} within {PATIENCE_SECONDS} s. Received: none")
        time.sleep(0.05)


if __name__ == "__main__":
    sys.exit(main())
