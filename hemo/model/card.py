"""The model card: what a bundle says about itself, and the check that it says enough.

A card is plain JSON, so that it can be read, compared and listed without TensorFlow. `validate_card` is the one gate:
a bundle whose card does not pass is not loaded, and the message names the field.
"""

import json
import math
import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, TypedDict

from hemo.errors import BundleError

MAX_CARD_BYTES = 2_000_000
NAME_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
SHA256_PATTERN = re.compile(r"[0-9a-f]{64}")
DEFAULT_THRESHOLD = 0.5
# What a heat map is divided by where a card gives no scale, in logits at one place. A pooled network's evidence must be
# large where a bleed is small, because the whole slice dilutes it.
DEFAULT_HEAT_SCALE = 8.0


class Metric(TypedDict, total=False):
    """One figure: its value, on how many slices and patients or series, and its interval or why there is none."""

    value: float
    n: int
    n_groups: int | None
    interval: list[float] | None
    why_none: str | None


class OperatingPoint(TypedDict, total=False):
    """A named threshold on the calibrated probability, with what it reaches and on what it was fitted."""

    name: str
    threshold: float
    sensitivity: float | None
    specificity: float | None
    fitted_on: str


class Card(TypedDict, total=False):
    """The fields of card.json; those of `REQUIRED_FIELDS` must be there."""

    name: str
    architecture: str
    preparation: dict[str, Any]
    data: dict[str, Any]
    settings: dict[str, Any]
    versions: dict[str, str]
    metrics: dict[str, Metric]
    calibration: dict[str, Any]
    operating_points: list[OperatingPoint]
    uncertain_band: list[float] | None
    sha256: str
    created: str
    limits: list[str]
    heat: dict[str, Any]
    study_score: dict[str, Any]
    study_context: dict[str, Any]
    default: bool
    intended_use: str
    measured_on: str
    failures: list[str]


REQUIRED_FIELDS: dict[str, tuple[type, ...]] = {
    "name": (str,),
    "architecture": (str,),
    "preparation": (dict,),
    "data": (dict,),
    "settings": (dict,),
    "versions": (dict,),
    "metrics": (dict,),
    "calibration": (dict,),
    "operating_points": (list,),
    "uncertain_band": (list, type(None)),
    "sha256": (str,),
    "created": (str,),
    "limits": (list,),
}
REQUIRED_DATA_FIELDS = ("name", "fingerprint", "n", "n_patients", "licence", "citation", "split")


def read_card(path: Path) -> Card:
    """Read and validate a card.json.

    Raises:
        BundleError: the file is missing, too large, not JSON, or a field is missing or of the wrong kind.
    """
    try:
        if path.stat().st_size > MAX_CARD_BYTES:
            raise BundleError(f"Expected a card of at most {MAX_CARD_BYTES} bytes. Received: {path.stat().st_size}")
        data = path.read_bytes()
    except OSError as error:
        raise BundleError(f"Expected a card.json in the bundle. Received: {error.strerror or 'no such file'}") from None
    return parse_card(data)


def parse_card(data: bytes) -> Card:
    """The card in these bytes of JSON, validated.

    Raises:
        BundleError: not JSON, or a field is missing or of the wrong kind.
    """
    try:
        content = json.loads(data.decode("utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError):
        raise BundleError("Expected card.json to be a JSON object in UTF-8. Received: text that is not JSON") from None
    return validate_card(content)


def validate_card(content: object) -> Card:
    """Check every required field of a card; unknown fields are kept.

    Raises:
        BundleError: names the first field that is missing or of the wrong kind, and what was received.
    """
    if not isinstance(content, Mapping):
        raise BundleError(f"Expected card.json to hold a JSON object. Received: {type(content).__name__}")
    for field, kinds in REQUIRED_FIELDS.items():
        if field not in content:
            raise BundleError(f"Expected the card to hold the field {field!r}. Received: a card without it")
        if not isinstance(content[field], kinds):
            _wrong(field, " or ".join(kind.__name__ for kind in kinds), content[field])
    _validate_identity(content)
    _validate_data(content["data"])
    for name, metric in content["metrics"].items():
        _validate_metric(name, metric)
    _validate_calibration(content["calibration"])
    for point in content["operating_points"]:
        _validate_operating_point(point)
    _validate_uncertain_band(content["uncertain_band"])
    if not all(isinstance(limit, str) for limit in content["limits"]):
        _wrong("limits", "a list of sentences", content["limits"])
    if content.get("heat") is not None:
        _validate_heat(content["heat"])
    return Card(**dict(content))  # type: ignore[typeddict-item]


def operating_point(card: Card, name: str) -> OperatingPoint:
    """The card's operating point called `name`.

    Raises:
        BundleError: the card has none of that name.
    """
    for point in card["operating_points"]:
        if point["name"] == name:
            return point
    names = ", ".join(point["name"] for point in card["operating_points"]) or "none"
    raise BundleError(f"Expected an operating point of this model ({names}). Received: {name!r}")


def default_threshold(card: Card) -> float:
    """The threshold of the point called "balanced", else of the first point, else 0.5."""
    points = card["operating_points"]
    for point in points:
        if point["name"] == "balanced":
            return float(point["threshold"])
    return float(points[0]["threshold"]) if points else DEFAULT_THRESHOLD


def _wrong(field: str, expected: str, received: object) -> None:
    shown = repr(received)
    raise BundleError(
        f"Expected the card's {field!r} to be {expected}. Received: {shown[:80] + ('…' if len(shown) > 80 else '')}"
    )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_fraction(value: object) -> bool:
    return _is_number(value) and 0.0 <= float(value) <= 1.0  # type: ignore[arg-type]


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _validate_identity(content: Mapping[str, Any]) -> None:
    if not NAME_PATTERN.fullmatch(content["name"]):
        _wrong("name", "letters, digits, dot, dash and underscore, at most 64", content["name"])
    if not SHA256_PATTERN.fullmatch(content["sha256"]):
        _wrong("sha256", "64 lower-case hexadecimal digits", content["sha256"])
    try:
        datetime.fromisoformat(content["created"])
    except ValueError:
        _wrong("created", "an ISO 8601 date", content["created"])


def _validate_data(data: Mapping[str, Any]) -> None:
    for field in REQUIRED_DATA_FIELDS:
        if field not in data:
            raise BundleError(f"Expected the card to hold the field 'data.{field}'. Received: a card without it")
    if not _is_count(data["n"]):
        _wrong("data.n", "a count of slices", data["n"])
    if data["n_patients"] is not None and not _is_count(data["n_patients"]):
        _wrong("data.n_patients", "a count of patients or null", data["n_patients"])


def _validate_metric(name: str, metric: object) -> None:
    if not isinstance(metric, Mapping):
        _wrong(f"metrics.{name}", "an object with value, n, n_groups and interval or why_none", metric)
        return
    if not _is_number(metric.get("value")):
        _wrong(f"metrics.{name}.value", "a finite number", metric.get("value"))
    if not _is_count(metric.get("n")):
        _wrong(f"metrics.{name}.n", "a count", metric.get("n"))
    if metric.get("n_groups") is not None and not _is_count(metric["n_groups"]):
        _wrong(f"metrics.{name}.n_groups", "a count or null", metric["n_groups"])
    interval = metric.get("interval")
    if interval is None:
        if not isinstance(metric.get("why_none"), str) or not metric["why_none"].strip():
            _wrong(f"metrics.{name}.why_none", "a sentence where there is no interval", metric.get("why_none"))
    elif not (isinstance(interval, list | tuple) and len(interval) == 2 and all(map(_is_number, interval))):
        _wrong(f"metrics.{name}.interval", "two numbers, low and high", interval)


def _validate_calibration(calibration: Mapping[str, Any]) -> None:
    if "temperature" not in calibration:
        raise BundleError("Expected the card to hold 'calibration.temperature', a number or null. Received: neither")
    temperature = calibration["temperature"]
    if temperature is not None and not (_is_number(temperature) and temperature > 0):
        _wrong("calibration.temperature", "a number above 0 or null", temperature)
    if not _is_number(calibration.get("bias", 0.0)):
        _wrong("calibration.bias", "a finite number, added to logit / temperature", calibration["bias"])


def _validate_operating_point(point: object) -> None:
    if not isinstance(point, Mapping) or not isinstance(point.get("name"), str):
        _wrong("operating_points", "a list of objects with a name", point)
        return
    if not _is_fraction(point.get("threshold")):
        _wrong(f"operating_points.{point['name']}.threshold", "between 0 and 1", point.get("threshold"))
    for field in ("sensitivity", "specificity"):
        if point.get(field) is not None and not _is_fraction(point[field]):
            _wrong(f"operating_points.{point['name']}.{field}", "between 0 and 1, or null", point[field])
    if not isinstance(point.get("fitted_on"), str):
        _wrong(f"operating_points.{point['name']}.fitted_on", "a sentence", point.get("fitted_on"))


def _validate_uncertain_band(band: object) -> None:
    if band is None:
        return
    if not (isinstance(band, list) and len(band) == 2 and all(map(_is_fraction, band)) and band[0] <= band[1]):
        _wrong("uncertain_band", "[low, high] between 0 and 1, or null", band)


def _validate_heat(heat: object) -> None:
    if not isinstance(heat, Mapping) or not (_is_number(heat.get("scale")) and heat["scale"] > 0):
        _wrong("heat", "an object with a scale above 0", heat)
