"""Which of a study's series is read first: axial, without contrast, of the head, for soft tissue."""

from hemo.ct.series import Series

# Networks were trained on slices of about 5 mm; thinner ones are noisier and many more.
USUAL_THICKNESS_MM = 5.0
# Fewer slices than this do not cover a head.
FEW_SLICES = 8


def preference(series: Series) -> tuple[object, ...]:
    """Sort key, best first; every part is a reason that `why_not` can put into words."""
    thickness = series.thickness_mm or USUAL_THICKNESS_MM
    return (
        series.plane not in ("axial", "unknown"),
        series.head is False,
        bool(series.contrast),
        series.count < FEW_SLICES,
        series.sharp,
        series.plane == "unknown",
        series.head is None,
        abs(thickness - USUAL_THICKNESS_MM),
        -series.count,
        series.files[0].header.series_number or 0,
        series.files[0].name,
    )


def why_not(series: Series, chosen: Series) -> str:
    """Why `series` was not read in place of `chosen`, in a few words."""
    reasons = (
        "not axial",
        "not of the head",
        "with contrast",
        "too few slices",
        "bone kernel",
        "orientation unknown",
        "body part unknown",
        f"slices further from {USUAL_THICKNESS_MM:g} mm",
        "fewer slices",
    )
    for reason, mine, best in zip(reasons, preference(series), preference(chosen), strict=False):
        if mine != best:
            return reason
    return "equal to the one read"


def is_readable(series: Series) -> bool:
    """Whether the series can be read at all: models know axial slices only."""
    return series.plane in ("axial", "unknown")
