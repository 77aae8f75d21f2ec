"""Every page in Chromium: it opens, shows no exception, and axe-core finds no serious fault in it."""

import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.harness import RunningApp, open_page, serious_faults, serve

PATHS = ("", "data", "train", "read", "results", "models")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", PATHS)
def test_axe_finds_no_serious_fault(app: RunningApp, new_page: Callable[..., Page], path: str, scheme: str) -> None:
    page = new_page(scheme=scheme)
    open_page(page, app, path)
    assert serious_faults(page) == []


def test_the_sidebar_leads_to_every_page(app: RunningApp, page: Page) -> None:
    open_page(page, app)
    for title in ("Data", "Train", "Read a scan", "Results", "Models", "Overview"):
        page.get_by_test_id("stSidebarNav").get_by_role("link", name=title).click()
        heading = page.get_by_test_id("stMain").get_by_role("heading", level=1)
        expect(heading).to_contain_text("Hemo" if title == "Overview" else title)
        expect(page.get_by_test_id("stException")).to_have_count(0)


def test_a_page_opened_first_by_its_own_address_has_the_sidebar(new_page: Callable[..., Page], tmp_path: Path) -> None:
    with serve(tmp_path) as fresh:
        page = new_page()
        open_page(page, fresh, "results")
        expect(page.get_by_test_id("stSidebarNav").get_by_role("link", name="Read a scan")).to_be_visible()


def websocket_status(app: RunningApp, host: str) -> int:
    """Ask for the app's WebSocket under a host name; the HTTP status of the answer."""
    address = app.url.removeprefix("http://")
    server, port = address.split(":")
    request = (
        f"GET /_stcore/stream HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Protocol: streamlit\r\n\r\n"
    )
    with socket.create_connection((server, int(port)), timeout=10) as connection:
        connection.sendall(request.encode())
        return int(connection.recv(64).split()[1])


def test_only_local_host_names_are_answered(app: RunningApp) -> None:
    """The allow-list in config.toml stops a web page that points its own host name at this machine."""
    assert websocket_status(app, "127.0.0.1") == 101
    assert websocket_status(app, "evil.example") != 101
