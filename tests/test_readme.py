"""The project's README says of the shipped model what its card says."""

import importlib.util
from types import ModuleType

import pytest

from hemo.model.card import read_card
from hemo.workspace import REPOSITORY


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("readme_figures", REPOSITORY / "scripts" / "readme_figures.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_its_figures_are_those_of_the_card(script: ModuleType) -> None:
    readme, card = script.README.read_text(encoding="utf-8"), read_card(script.CARD)
    assert script.with_figures(readme, card) == readme
    assert f"| AUC by slice | {card['metrics']['auc']['value']:.3f} |" in readme


def test_an_older_figure_is_written_anew(script: ModuleType) -> None:
    card = read_card(script.CARD)
    old = f"before\n{script.BEGIN}\n| AUC by slice | 0.500 |\n{script.END}\nafter\n"
    new = script.with_figures(old, card)
    assert new.startswith("before\n") and new.endswith("\nafter\n") and "0.500 |" not in new
