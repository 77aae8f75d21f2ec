"""The Train page in Chromium: a training started there lives on without the browser, moves its curves, and obeys."""

import time
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from hemo.runs import supervisor
from hemo.runs.run import Run, list_runs
from hemo.workspace import Workspace
from tests.browser.harness import RunningApp, assert_no_exception, open_page, serve, wait_until_idle
from tests.training_material import write_tiny_phantom

WAIT = 240_000


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory, chromium_path: str) -> Iterator[RunningApp]:
    """The app with a tiny phantom and no models."""
    home = tmp_path_factory.mktemp("home")
    write_tiny_phantom(home / "datasets" / "phantom")
    with serve(home, models=home / "models") as running:
        yield running
    for run in list_runs(home / "runs"):
        if run.status().state not in ("finished", "failed", "stopped"):
            supervisor.command(run, "stop")


def start(page: Page, app: RunningApp, name: str, epochs: int) -> Run:
    page.set_default_timeout(WAIT)
    open_page(page, app, "train")
    for label, value in (("Epochs at most", str(epochs)), ("Batch", "8"), ("Patience", "1000"), ("Name", name)):
        field = page.get_by_label(label, exact=True)
        field.fill(value)
        field.press("Enter")
        wait_until_idle(page)
    page.get_by_role("button", name="Start training").or_(page.get_by_role("button", name="Add to the queue")).click()
    expect(page.get_by_test_id("stMain").get_by_text(name).first).to_be_visible(timeout=WAIT)
    return Run(app.home / "runs" / name)


def curves(page: Page, words: str) -> None:
    expect(page.locator(f'[aria-label*="{words}"]').first).to_be_visible(timeout=WAIT)


def test_two_epochs_from_the_page_end_in_a_model_with_one_click(page: Page, app: RunningApp) -> None:
    run = start(page, app, "two-epochs", 2)
    curves(page, "over 2 epochs")
    expect(page.get_by_text("finished at")).to_be_visible(timeout=WAIT)
    assert_no_exception(page)
    assert run.status().state == "finished"
    wait_until_idle(page)
    page.get_by_role("button", name="Make it a model").click()
    expect(page.get_by_text("stands under Models now")).to_be_visible(timeout=WAIT)
    page.wait_for_timeout(2500)  # the fragment around it is drawn anew every second
    expect(page.get_by_text("stands under Models now")).to_be_visible()
    assert (app.home / "models" / "two-epochs" / "card.json").is_file()


def test_curves_move_a_closed_browser_ends_nothing_and_stop_stops(
    new_page: Callable[..., Page], app: RunningApp
) -> None:
    first = new_page()
    run = start(first, app, "long-run", 5000)
    curves(first, "Training curves over")
    first.context.close()
    epochs = run.epochs_finished()
    deadline = time.monotonic() + WAIT / 1000
    while run.epochs_finished() <= epochs and time.monotonic() < deadline:
        time.sleep(0.2)
    assert run.epochs_finished() > epochs, "the run ended with the browser"
    second = new_page(width=1024, height=768, scheme="dark")
    open_page(second, app, "train")
    expect(second.get_by_text("training since")).to_be_visible(timeout=WAIT)
    seen = described_epochs(second)
    deadline = time.monotonic() + WAIT / 1000
    while described_epochs(second) <= seen and time.monotonic() < deadline:
        second.wait_for_timeout(500)
    assert described_epochs(second) > seen, "the curves stand still"
    second.get_by_test_id("stMain").get_by_role("button", name="Stop", exact=True).click()
    expect(second.get_by_text("stopped at")).to_be_visible(timeout=WAIT)
    assert run.status().state == "stopped"
    assert supervisor.current(Workspace(app.home, app.home / "models")) is None
    expect(second.get_by_role("button", name="Resume after epoch").first).to_be_visible(timeout=WAIT)
    assert_no_exception(second)


def described_epochs(page: Page) -> int:
    words = page.locator('[aria-label*="Training curves over"]').first.get_attribute("aria-label", timeout=WAIT)
    assert words is not None
    return int(words.split("over ")[1].split()[0])
