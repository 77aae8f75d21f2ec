"""Reading in Chromium: a picture and a DICOM go in, the call and the overlay come out; the keyboard leads through."""

import io
import json
import re
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import FilePayload, Locator, Page, expect

from tests.browser.harness import RunningApp, assert_no_exception, open_page, serious_faults, serve, wait_until_idle
from tests.phantom_files import dicom_files, png_file, small_study
from tests.small_bundle import write_small_bundle

READ_SECONDS = 180


@pytest.fixture(scope="module")
def reading_app(tmp_path_factory: pytest.TempPathFactory, chromium_path: str) -> Iterator[RunningApp]:
    models = tmp_path_factory.mktemp("models")
    write_small_bundle(models)
    with serve(tmp_path_factory.mktemp("home"), models) as running:
        yield running


def drop(page: Page, files: list[tuple[str, bytes]]) -> None:
    payloads = [FilePayload(name=name, mimeType="application/octet-stream", buffer=data) for name, data in files]
    page.get_by_test_id("stFileUploaderDropzoneInput").first.set_input_files(payloads)
    expect(page.get_by_text("This slice:")).to_be_visible(timeout=READ_SECONDS * 1000)
    expect(viewer(page)).to_contain_text("Where the network reacted", timeout=60_000)
    assert_no_exception(page)


def viewer(page: Page) -> Locator:
    return page.locator(".st-key-read_view").first


def place(page: Page) -> Locator:
    return page.locator(".st-key-read_place")


@pytest.mark.parametrize("kind", ["png", "dicom"])
def test_a_dropped_slice_gets_a_call_and_an_overlay(reading_app: RunningApp, page: Page, kind: str) -> None:
    open_page(page, reading_app, "read")
    files = [("slice.png", png_file(small_study()))] if kind == "png" else dicom_files(small_study())
    drop(page, files)
    calls = re.compile("Hemorrhage|Normal|Uncertain")
    expect(page.locator(".st-key-read_call")).to_contain_text(calls)
    expect(page.locator(".st-key-read_this_slice")).to_contain_text(calls)
    pictures = viewer(page).locator("image")
    expect(pictures).to_have_count(2)
    untouched, overlaid = (pictures.nth(index).get_attribute("href") for index in range(2))
    assert untouched and overlaid and untouched.startswith("data:image/png") and untouched != overlaid
    named = page.get_by_role("figure", name=re.compile("CT slice .* Where the network reacted, not where the bleed is"))
    expect(named.first).to_be_attached()


def test_a_folder_is_one_study(reading_app: RunningApp, page: Page, tmp_path: Path) -> None:
    folder = tmp_path / "study"
    folder.mkdir()
    for name, data in dicom_files(small_study()):
        (folder / name.removesuffix(".dcm")).write_bytes(data)  # files of a study often have no suffix
    open_page(page, reading_app, "read")
    page.get_by_role("button", name="Folder").click()
    page.get_by_test_id("stFileUploaderDropzoneInput").last.set_input_files(folder)
    expect(place(page)).to_contain_text("of 3", timeout=READ_SECONDS * 1000)
    assert_no_exception(page)


def test_a_zip_is_read_beside_a_file_that_is_none(reading_app: RunningApp, page: Page) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in dicom_files(small_study()):
            archive.writestr(f"../{name}", data)  # a hostile name is a name only
    open_page(page, reading_app, "read")
    drop(page, [("study.zip", stream.getvalue()), ("[x](http://evil.example).png", b"text")])
    expect(place(page)).to_contain_text("of 3")
    expect(page.get_by_text(re.compile(r"\[x\]\(http.*png: Expected a PNG"))).to_be_visible()
    expect(page.get_by_test_id("stMain").get_by_role("link")).to_have_count(0)


def test_the_keyboard_leads_through_slices_windows_and_overlay(reading_app: RunningApp, page: Page) -> None:
    open_page(page, reading_app, "read")
    drop(page, dicom_files(small_study()))
    page.locator("body").press("PageUp")
    expect(place(page)).to_contain_text("Slice 1 of 3")
    page.keyboard.press("ArrowRight")
    expect(place(page)).to_contain_text("Slice 2 of 3")
    page.keyboard.press("ArrowLeft")
    expect(place(page)).to_contain_text("Slice 1 of 3")
    page.keyboard.press("4")
    expect(viewer(page)).to_contain_text("Bone 600/2800")
    page.keyboard.press("Space")
    expect(viewer(page)).to_contain_text("Overlay hidden")
    page.keyboard.press("Space")
    expect(viewer(page)).to_contain_text("Where the network reacted")


def test_a_click_on_the_strip_jumps_to_the_slice(reading_app: RunningApp, page: Page) -> None:
    open_page(page, reading_app, "read")
    drop(page, dicom_files(small_study()))
    for number in (3, 1, 3):
        page.mouse.click(*hovered(page, number))
        expect(place(page)).to_contain_text(f"Slice {number} of 3", timeout=20_000)
        wait_until_idle(page)


def hovered(page: Page, number: int) -> tuple[float, float]:
    """Move over a slice's place in the strip until the strip names it; a chart just drawn takes a moment to listen."""
    strip = page.locator("[class*=st-key-read_strip]").first
    for _ in range(40):
        box = strip.locator(".plot-container").first.bounding_box()
        assert box is not None
        left, right = 30, 6  # the chart's margins
        x, y = box["x"] + left + (box["width"] - left - right) * (number - 0.5) / 3, box["y"] + box["height"] / 2
        page.mouse.move(x - 4, y)
        page.mouse.move(x, y)
        page.wait_for_timeout(250)
        if f"Slice {number}" in (strip.locator(".hoverlayer").first.text_content() or ""):
            return x, y
    raise AssertionError(f"the strip never named slice {number}")


def test_nothing_that_matters_lies_below_the_fold(reading_app: RunningApp, page: Page) -> None:
    open_page(page, reading_app, "read")
    drop(page, dicom_files(small_study()))
    for name in ("read_call", "read_cut", "read_verdict", "read_view", "read_place"):
        box = page.locator(f".st-key-{name}").first.bounding_box()
        assert box is not None and box["y"] + box["height"] <= 900, name
    export = page.get_by_role("button", name="Export").first.bounding_box()
    assert export is not None and export["y"] + export["height"] <= 900


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_fault_beside_a_study(
    reading_app: RunningApp, new_page: Callable[..., Page], scheme: str
) -> None:
    page = new_page(scheme=scheme)
    open_page(page, reading_app, "read")
    drop(page, [*dicom_files(small_study()), ("other.png", png_file(small_study())), ("notes.txt", b"text")])
    assert serious_faults(page) == []


def test_exports_download_and_carry_no_patient(reading_app: RunningApp, page: Page) -> None:
    open_page(page, reading_app, "read")
    drop(page, dicom_files(small_study(), folder="CANARY"))
    page.get_by_role("button", name="Export").first.click()
    with page.expect_download() as event:
        page.get_by_role("button", name="Everything as JSON").first.click()
    text = Path(event.value.path()).read_text(encoding="utf-8")
    assert len(json.loads(text)["studies"][0]["slices"]) == 3
    assert "CANARY" not in text and "PHANTOM" not in text


def test_no_file_and_no_log_of_the_server_names_the_patient(reading_app: RunningApp, page: Page) -> None:
    open_page(page, reading_app, "read")
    drop(page, dicom_files(small_study(), folder="CANARY"))
    written = [path for path in reading_app.home.rglob("*") if path.is_file()]
    assert reading_app.log in written
    for path in written:
        content = path.read_bytes()
        assert b"CANARY" not in content and b"PHANTOM" not in content, path.name
