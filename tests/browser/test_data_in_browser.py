"""The Data page in Chromium: a set's views without serious faults, a slice large, arrow keys to its neighbors."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from hemo.data.importers import import_dataset
from hemo.data.library import keep_dataset
from tests.browser.harness import RunningApp, open_page, wait_until_idle
from tests.browser.test_pages_in_browser import serious_faults
from tests.data.pictures import write_class_folders

WAIT = 120_000


@pytest.fixture(scope="module")
def kept(app: RunningApp, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A small set on the running app's list, with a copy under another patient."""
    folder = tmp_path_factory.mktemp("data") / "small"
    write_class_folders(folder, {"train/Normal/p1": 8, "train/Hemorrhage/p2": 5})
    write_class_folders(folder, {"test/Normal/p3": 3, "test/Hemorrhage/p4": 2}, seed=100)
    return keep_dataset(import_dataset(folder), app.home / "datasets")


def open_data(page: Page, app: RunningApp) -> None:
    """The Data page, with patience for a machine that does other work."""
    page.set_default_timeout(WAIT)
    open_page(page, app, "data")


def choose_view(page: Page, name: str) -> None:
    page.get_by_test_id("stMain").get_by_text(name, exact=False).first.click()
    wait_until_idle(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_view_has_a_serious_fault(app: RunningApp, kept: str, new_page: Callable[..., Page], scheme: str) -> None:
    page = new_page(scheme=scheme)
    open_data(page, app)
    for view in ("Contents", "Problems", "Augmentation", "Public sets"):
        choose_view(page, view)
        assert serious_faults(page) == [], view


def test_a_slice_opens_large_and_arrow_keys_lead_to_its_neighbors(app: RunningApp, kept: str, page: Page) -> None:
    open_data(page, app)
    page.locator("[class*='st-key-data_open_'] button").first.click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("1 of 18")).to_be_visible(timeout=WAIT)
    page.keyboard.press("ArrowRight")
    expect(dialog.get_by_text("2 of 18")).to_be_visible(timeout=WAIT)
    expect(dialog.get_by_test_id("stPlotlyChart")).to_be_visible(timeout=WAIT)


def test_the_page_stacks_where_it_is_narrow(app: RunningApp, kept: str, new_page: Callable[..., Page]) -> None:
    places = {}
    for width in (1440, 1024):
        page = new_page(width=width)
        open_data(page, app)
        counts, slices = (page.locator(f".st-key-data_{name}").bounding_box() for name in ("counts", "slices"))
        assert counts is not None
        assert slices is not None
        places[width] = slices["y"] >= counts["y"] + counts["height"] - 1
    assert places == {1440: False, 1024: True}


def test_an_import_by_its_path(app: RunningApp, kept: str, page: Page, tmp_path: Path) -> None:
    write_class_folders(tmp_path / "another", {"Normal": 4, "Hemorrhage": 3}, seed=300)
    open_data(page, app)
    page.get_by_role("button", name="Import").click()
    field = page.get_by_role("dialog").get_by_role("textbox", name="Folder or CSV on this machine")
    field.fill(str(tmp_path / "nowhere"))
    field.press("Enter")
    wait_until_idle(page)
    page.get_by_role("dialog").get_by_role("button", name="Import").click()
    expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("which is not there", timeout=WAIT)
    field.fill(str(tmp_path / "another"))
    field.press("Enter")
    wait_until_idle(page)
    page.get_by_role("dialog").get_by_role("button", name="Import").click()
    expect(page.get_by_role("dialog")).to_have_count(0, timeout=WAIT)
    expect(page.get_by_test_id("stMetricValue").first).to_have_text("7", timeout=WAIT)
