"""A bundle's README for people, filled from its card so that the two cannot disagree."""

from typing import Any

from hemo.model.card import Card, Metric

INTENDED_USE = (
    "Teaching, research and demonstrations of triage on axial non-contrast head-CT slices, by people who can read the "
    "slice themselves. Not for diagnosis, not for a patient's care, not for other body parts or other modalities. The "
    "heat map says where the network reacted, not where the bleed is."
)
_CAPITALS = {"auc": "AUC", "ppv": "PPV", "npv": "NPV", "ece": "Expected calibration error", "brier": "Brier score"}


def bundle_readme(card: Card, size_bytes: int) -> str:
    """The README of one bundle, as Markdown.

    Args:
        card: a validated card.
        size_bytes: size of model.keras.
    """
    sections = [
        f"# {card['name']}",
        "A network that gives a head-CT slice a score for intracranial hemorrhage and a map of where it reacted. "
        "For teaching and research, not for diagnosis.",
        "## Intended use",
        _inline(str(card.get("intended_use") or INTENDED_USE)),
        "## What it is",
        _table(_identity(card, size_bytes), ("", "")),
        "## What it learned from",
        _table(_data(card), ("", "")),
        "## What it reaches",
        *_measured_on(card),
        _metrics(card["metrics"]),
        "## Operating points",
        _operating_points(card),
        *_failures(card),
        "## Limits",
        "\n".join(f"- {_inline(limit)}" for limit in card["limits"]) or "None were written down; assume all.",
        "## Where the files come from",
        f"`model.keras` has the sha256 `{card['sha256']}`. `card.json` holds everything above and the settings it was "
        "trained with; Hemo loads the network only when the two agree.",
    ]
    return "\n\n".join(sections) + "\n"


def _identity(card: Card, size_bytes: int) -> list[tuple[str, str]]:
    preparation = card["preparation"]
    calibration = card["calibration"]
    rows = [
        ("Architecture", card["architecture"]),
        *_joined(card),
        ("Input", f"{preparation.get('kind')} at {preparation.get('size')} × {preparation.get('size')} pixels, grey"),
        ("File", f"{size_bytes / 1e6:.1f} MB"),
        ("Created", card["created"]),
        ("Calibration", _calibration(card)),
        ("Calibrated on", str(calibration.get("how") or "not calibrated")),
        ("Versions", ", ".join(f"{package} {version}" for package, version in card["versions"].items())),
    ]
    return rows


def _joined(card: Card) -> list[tuple[str, str]]:
    """How many networks were joined into this one, where its settings list several."""
    members = card["settings"].get("members")
    if not isinstance(members, list) or len(members) < 2:
        return []
    return [("Networks", f"{len(members)}, trained apart and joined: the map is the mean of theirs")]


def _calibration(card: Card) -> str:
    temperature, bias = card["calibration"].get("temperature"), card["calibration"].get("bias")
    if temperature is None:
        return "none"
    return f"score = sigmoid(logit / {temperature:.3f}{f' {bias:+.3f}' if bias else ''})"


def _data(card: Card) -> list[tuple[str, str]]:
    data = card["data"]
    patients = data["n_patients"] if data["n_patients"] is not None else "unknown"
    rows = [
        ("Data set", data["name"]),
        ("Slices", data["n"]),
        ("Patients or series", patients),
        ("Split", data["split"]),
        ("Licence", data["licence"]),
        ("Cite", data["citation"]),
        ("Fingerprint", data["fingerprint"]),
    ]
    return [(name, str(value)) for name, value in rows]


def _metrics(metrics: dict[str, Metric]) -> str:
    if not metrics:
        return "Nothing was measured."
    rows = [
        (
            _title(name),
            f"{metric['value']:.3f}",
            interval_text(metric),
            str(metric["n"]),
            str(metric["n_groups"]) if metric.get("n_groups") is not None else "unknown",
        )
        for name, metric in metrics.items()
    ]
    return _table(rows, ("Figure", "Value", "95 % interval", "Slices or cases", "Patients or series"))


def _title(name: str) -> str:
    words = " ".join(_CAPITALS.get(word, word) for word in name.split("_"))
    return words[:1].upper() + words[1:]


def _measured_on(card: Card) -> list[str]:
    return [f"Measured on: {_inline(str(card['measured_on']))}."] if card.get("measured_on") else []


def _failures(card: Card) -> list[str]:
    """What it gets wrong, where the card says so."""
    failures = card.get("failures") or []
    return (
        ["## What it gets wrong", "\n".join(f"- {_inline(str(failure))}" for failure in failures)] if failures else []
    )


def interval_text(metric: Metric) -> str:
    """A figure's interval, or why it has none."""
    interval = metric.get("interval")
    if interval is None:
        return f"none: {metric.get('why_none') or 'no reason given'}"
    return f"{interval[0]:.3f} to {interval[1]:.3f}"


def _operating_points(card: Card) -> str:
    rows = [
        (
            point["name"],
            f"{point['threshold']:.3f}",
            _fraction(point.get("sensitivity")),
            _fraction(point.get("specificity")),
            point["fitted_on"],
        )
        for point in card["operating_points"]
    ]
    band = card["uncertain_band"]
    uncertain = (
        f"Scores from {band[0]:.3f} to {band[1]:.3f} are called Uncertain." if band else "No score is called Uncertain."
    )
    table = _table(rows, ("Name", "Threshold", "Sensitivity", "Specificity", "Fitted on")) if rows else "None fitted."
    study = card.get("study_score") or {}
    rule = (
        f" A study's score: {_inline(str(study['name']))} ({_inline(str(study.get('how', '')))})."
        if "name" in study
        else ""
    )
    reach = (card.get("study_context") or {}).get("reach_mm")
    smoothed = f" Scores smoothed over a series reach {_inline(str(reach))} mm." if reach is not None else ""
    return f"{table}\n\n{uncertain}{rule}{smoothed}"


def _fraction(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.3f}"


def _table(rows: list[Any], header: tuple[str, ...]) -> str:
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    lines += ["| " + " | ".join(_inline(str(cell)) for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def _inline(text: str) -> str:
    """One line that cannot break out of a table cell or become markup."""
    flat = " ".join(text.split())
    for character in "\\`*_[]<>|":
        flat = flat.replace(character, "\\" + character)
    return flat
