"""Results in Chromium: evaluate from the page, drag the threshold, click a cell; axe-core finds no serious fault."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from hemo.data.phantom import write_phantom
from tests.browser.harness import RunningApp, assert_no_exception, open_page, serious_faults, serve, wait_until_idle
from tests.small_bundle import write_small_bundle

WAIT = 240_000


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory, chromium_path: str) -> Iterator[RunningApp]:
    """The app with one small bundle and a phantom of ten studies that was never evaluated."""
    folder: Path = tmp_path_factory.mktemp("results")
    write_small_bundle(folder / "models")
    write_phantom(folder / "home" / "datasets" / "phantom", studies=10, seed=3)
    with serve(folder / "home", folder / "models") as running:
        yield running


def open_results(page: Page, app: RunningApp) -> None:
    """The page with its figures; the first visit evaluates, watching the progress."""
    page.set_default_timeout(WAIT)
    open_page(page, app, "results")
    evaluate = page.get_by_role("button", name="Evaluate", exact=True)
    if evaluate.count():
        evaluate.click()
        expect(page.get_by_text("Evaluating tiny on").first).to_be_visible(timeout=WAIT)
    expect(page.get_by_text("By slice").first).to_be_visible(timeout=WAIT)
    wait_until_idle(page)
    assert_no_exception(page)


def test_evaluate_then_move_the_threshold_and_look_behind_a_cell(app: RunningApp, page: Page) -> None:
    open_results(page, app)
    expect(page.get_by_test_id("stPlotlyChart").first).to_be_visible()
    page.get_by_role("button", name="rule-out", exact=True).click()
    wait_until_idle(page)
    expect(page.locator(".st-key-results_threshold")).to_contain_text("0.300")
    page.get_by_role("radiogroup", name="Slices shown").get_by_text("normals cleared").click()
    wait_until_idle(page)
    expect(page.get_by_text("normals cleared, furthest from the threshold first").first).to_be_visible()
    expect(page.locator("[data-testid='stImage'] img").first).to_be_visible()
    assert_no_exception(page)


def test_a_click_on_the_matrix_chooses_the_cell(app: RunningApp, page: Page) -> None:
    open_results(page, app)
    chart = page.locator(".st-key-results_confusion")
    chart.scroll_into_view_if_needed()
    box = chart.locator(".nsewdrag").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 0.75 * box["width"], box["y"] + 0.75 * box["height"])  # lower right: normals cleared
    expect(page.get_by_text("normals cleared, furthest from the threshold first").first).to_be_visible()


def click_in_chart(page: Page, key: str, across: float, down: float) -> None:
    """A real click at a place of a chart, in shares of its plot's width and height."""
    chart = page.locator(f".st-key-{key}")
    chart.scroll_into_view_if_needed()
    box = chart.locator(".nsewdrag").first.bounding_box()
    assert box is not None
    x, y = box["x"] + across * box["width"], box["y"] + down * box["height"]
    page.mouse.move(x, y)
    page.wait_for_timeout(400)  # Plotly takes what the pointer hovers over
    page.mouse.click(x, y)


def test_bars_points_and_dots_open_their_slices(app: RunningApp, page: Page) -> None:
    open_results(page, app)
    dialog = page.get_by_role("dialog")
    click_in_chart(page, "results_roc", 0.995, 0.02)  # the curve's last point, at its upper right end
    expect(dialog).to_contain_text("closest to", timeout=WAIT)
    expect(dialog.locator("[data-testid='stImage'] img").first).to_be_visible(timeout=WAIT)
    page.keyboard.press("Escape")
    page.locator(".st-key-results_view").get_by_text("Patients and subtypes").click()
    wait_until_idle(page)
    click_in_chart(page, "results_subtypes", 0.03, 0.12)
    expect(dialog).to_contain_text("at 0.5", timeout=WAIT)
    wait_until_idle(page)
    dialog.get_by_role("button", name="Similar slices").first.click()
    expect(dialog.get_by_text("Most like").first).to_be_visible(timeout=WAIT)
    assert_no_exception(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_view_has_a_serious_fault(app: RunningApp, new_page: Callable[..., Page], scheme: str) -> None:
    page = new_page(scheme=scheme)
    open_results(page, app)
    for view in ("Curves", "Calibration", "Patients and subtypes", "Shortcut audit", "Report"):
        page.locator(".st-key-results_view").get_by_text(view).click()
        wait_until_idle(page)
        assert serious_faults(page) == [], view
