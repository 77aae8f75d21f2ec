"""The router: six pages, and a sidebar that says what Hemo is not."""

import pytest
from streamlit.testing.v1 import AppTest

PAGES = ("overview", "data", "train", "read", "results", "models")


def run_page(name: str) -> AppTest:
    app = AppTest.from_file("../../streamlit_app.py", default_timeout=60)
    app.run()
    return app if name == "overview" else app.switch_page(f"pages/{name}.py").run()


@pytest.mark.parametrize("name", PAGES)
def test_every_page_opens_without_an_exception(name: str) -> None:
    app = run_page(name)
    assert not app.exception
    assert app.title


def test_the_sidebar_says_what_hemo_is_not() -> None:
    captions = [caption.value for caption in run_page("overview").sidebar.caption]
    assert "For teaching and research, not for diagnosis." in captions
