"""A card says enough or is refused, and the message names the field."""

import json
from pathlib import Path
from typing import Any

import pytest

from hemo.errors import BundleError
from hemo.model.card import (
    REQUIRED_DATA_FIELDS,
    REQUIRED_FIELDS,
    default_threshold,
    operating_point,
    read_card,
    validate_card,
)
from hemo.model.card import parse_card as parse
from tests.small_bundle import small_card


def complete(**changes: Any) -> dict[str, Any]:
    return small_card(created="2026-01-02T03:04:05+00:00", versions={}, sha256="a" * 64) | changes


def test_a_complete_card_passes_and_keeps_unknown_fields() -> None:
    assert validate_card(complete(note="kept"))["note"] == "kept"  # type: ignore[typeddict-item]


@pytest.mark.parametrize("field", REQUIRED_FIELDS)
def test_a_missing_field_is_named(field: str) -> None:
    card = complete()
    del card[field]
    with pytest.raises(BundleError, match=f"'{field}'"):
        validate_card(card)


@pytest.mark.parametrize("field", REQUIRED_DATA_FIELDS)
def test_a_missing_data_field_is_named(field: str) -> None:
    card = complete()
    card["data"] = {name: value for name, value in card["data"].items() if name != field}
    with pytest.raises(BundleError, match=rf"data\.{field}"):
        validate_card(card)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"name": "../escape"}, "name"),
        ({"name": ".hidden"}, "name"),
        ({"sha256": "A" * 64}, "sha256"),
        ({"created": "yesterday"}, "created"),
        ({"metrics": {"auc": 0.9}}, "metrics.auc"),
        ({"metrics": {"auc": {"value": float("nan"), "n": 3, "why_none": "x"}}}, "metrics.auc.value"),
        ({"metrics": {"auc": {"value": 0.9, "n": -1, "why_none": "x"}}}, "metrics.auc.n"),
        ({"metrics": {"auc": {"value": 0.9, "n": 3, "interval": None}}}, "metrics.auc.why_none"),
        ({"metrics": {"auc": {"value": 0.9, "n": 3, "interval": [0.1]}}}, "metrics.auc.interval"),
        ({"calibration": {}}, "calibration.temperature"),
        ({"calibration": {"temperature": 0}}, "calibration.temperature"),
        ({"operating_points": [{"name": "balanced", "threshold": 1.2, "fitted_on": "x"}]}, "balanced.threshold"),
        ({"operating_points": [{"name": "balanced", "threshold": 0.2}]}, "balanced.fitted_on"),
        ({"operating_points": ["balanced"]}, "operating_points"),
        ({"uncertain_band": [0.6, 0.4]}, "uncertain_band"),
        ({"uncertain_band": [0.4]}, "uncertain_band"),
        ({"limits": [1]}, "limits"),
        ({"heat": {"scale": 0}}, "heat"),
        ({"data": {"name": "x"}}, "data.fingerprint"),
    ],
)
def test_a_wrong_value_is_named_with_what_was_received(change: dict[str, Any], named: str) -> None:
    with pytest.raises(BundleError, match=named.replace(".", r"\.")) as caught:
        validate_card(complete(**change))
    assert "Received:" in str(caught.value)


@pytest.mark.parametrize("data", [b"", b"\xff\xfe", b"[1]", b"null", b"{", b"[" * 100_000])
def test_bytes_that_are_no_card_give_one_sentence(data: bytes) -> None:
    with pytest.raises(BundleError, match="Received"):
        parse(data)


def test_a_missing_or_huge_card_file_gives_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BundleError, match=r"Expected a card\.json"):
        read_card(tmp_path / "card.json")
    monkeypatch.setattr("hemo.model.card.MAX_CARD_BYTES", 10)
    (tmp_path / "card.json").write_text(json.dumps(complete()))
    with pytest.raises(BundleError, match="at most 10 bytes"):
        read_card(tmp_path / "card.json")


def test_the_default_threshold_is_the_balanced_one() -> None:
    card = validate_card(complete())
    assert default_threshold(card) == 0.5
    assert default_threshold(validate_card(complete(operating_points=[]))) == 0.5
    assert operating_point(card, "rule-out")["threshold"] == 0.3
    with pytest.raises(BundleError, match="rule-out, balanced"):
        operating_point(card, "rule-in")
