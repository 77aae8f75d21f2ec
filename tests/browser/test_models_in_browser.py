"""The Models page in Chromium: activate, download, upload it again, be refused; axe-core finds no serious fault."""

import shutil
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.harness import RunningApp, assert_no_exception, open_page, serve, wait_until_idle
from tests.small_bundle import write_small_bundle


@pytest.fixture(scope="module")
def two_models(tmp_path_factory: pytest.TempPathFactory, chromium_path: str) -> Iterator[tuple[RunningApp, Path]]:
    root = tmp_path_factory.mktemp("models_app")
    models = root / "models"
    for name in ("first", "second"):
        write_small_bundle(models, name)
    with serve(root / "home", models) as app:
        yield app, models


def card(page: Page, name: str):  # type: ignore[no-untyped-def]
    return page.locator(f".st-key-models_card_{name}")


def test_activating_downloading_and_uploading(two_models: tuple[RunningApp, Path], page: Page, tmp_path: Path) -> None:
    app, models = two_models
    open_page(page, app, "models")
    activate = page.get_by_role("button", name="Activate", exact=True)
    expect(activate).to_have_count(1)
    activate.click()
    wait_until_idle(page)
    expect(activate).to_have_count(1)

    with page.expect_download() as waiting:
        card(page, "first").get_by_role("button", name="Download").click()
    saved = tmp_path / waiting.value.suggested_filename
    waiting.value.save_as(saved)
    assert saved.name == "first.zip"
    with zipfile.ZipFile(saved) as archive:
        assert "first/model.keras" in archive.namelist()

    page.locator("input[type=file]").set_input_files(saved)
    expect(page.get_by_text("The model was not added.")).to_contain_text("which is there already", timeout=60_000)

    shutil.rmtree(models / "first")
    open_page(page, app, "models")
    expect(card(page, "first")).to_have_count(0)
    page.locator("input[type=file]").set_input_files(saved)
    expect(page.get_by_text("first was added; its card is above.")).to_be_visible(timeout=60_000)
    expect(card(page, "first")).to_be_visible()
    assert (models / "first" / "model.keras").is_file()
    assert_no_exception(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_fault_on_filled_cards(
    two_models: tuple[RunningApp, Path], new_page: Callable[..., Page], scheme: str
) -> None:
    page = new_page(scheme=scheme)
    open_page(page, two_models[0], "models")
    expect(page.locator(".js-plotly-plot")).to_have_count(1, timeout=120_000)
    faults = [fault for fault in Axe().run(page).response["violations"] if fault["impact"] in ("serious", "critical")]
    assert [(fault["id"], [node["html"][:160] for node in fault["nodes"][:2]]) for fault in faults] == []
