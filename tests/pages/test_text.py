"""Text from outside is shown as it is and never as markdown."""

import pytest

from pages.components.text import one_line, plain


@pytest.mark.parametrize(
    "text", ["**bold**", "![x](y)", "[a](b)", "<b>", "$x$", ":red[x]", ":material/x:", "`code`", "# h"]
)
def test_every_mark_is_escaped(text: str) -> None:
    shown = plain(text)
    marks = set("*![]()<>$:`#")
    assert all(shown[at - 1] == "\\" for at, character in enumerate(shown) if character in marks)


@pytest.mark.parametrize("address", ["https://evil.example", "www.evil.example", "a@evil.example"])
def test_bare_addresses_are_split(address: str) -> None:
    assert "\u2060" in plain(address)


def test_a_name_cannot_pose_as_another() -> None:
    assert one_line("scan\u202egnp.exe\n\x00") == "scangnp.exe"


def test_long_text_ends_in_an_ellipsis() -> None:
    assert one_line("x" * 300, limit=10) == "x" * 9 + "…"
