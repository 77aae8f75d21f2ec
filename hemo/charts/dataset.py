"""What a data set is made of: slices by kind of bleed, and patient by patient."""

import pandas as pd
import plotly.graph_objects as go

from hemo.charts.calls import CALL_STYLES
from hemo.charts.template import empty, styled, wrapped
from hemo.data.importers.base import plural
from hemo.data.manifest import LABEL_NAMES, SUBTYPES

MOST_GROUPS = 400
"""More bars than this are no longer told apart on a screen; the busiest are drawn."""


def group_bars(frame: pd.DataFrame, *, text_color: str | None = None) -> go.Figure:
    """Each patient or series as a bar of its slices, those with a bleed first and in color.

    Args:
        frame: a manifest's frame.
        text_color: of all text; None leaves it to the page's theme.
    """
    kinds = set(frame["group_kind"])
    if kinds == {"file"}:
        reason = "Neither patients nor series are known in this data set: each file counts as its own."
        return empty("Slices by patient", reason, height=220, text_color=text_color)
    kind = "series" if "series" in kinds else "patient"
    labels = frame.groupby("group")["label"]
    counts = pd.DataFrame({"bleeds": labels.sum(), "slices": labels.size()})
    counts["normal"] = counts["slices"] - counts["bleeds"]
    counts = counts.sort_values(["bleeds", "slices"], ascending=False)
    shown = counts.iloc[:MOST_GROUPS]
    figure = go.Figure()
    for column, label in (("bleeds", 1), ("normal", 0)):
        figure.add_trace(
            go.Bar(
                x=[wrapped(str(group)) for group in shown.index],
                y=shown[column],
                name=LABEL_NAMES[label],
                marker={"color": CALL_STYLES[LABEL_NAMES[label]].color, "opacity": 1.0 if label else 0.55},
                hovertemplate=f"{kind} %{{x}}: %{{y}} {LABEL_NAMES[label]}<extra></extra>",
            )
        )
    more = f", the {MOST_GROUPS} with most bleeds shown" if len(counts) > MOST_GROUPS else ""
    bleeding = int((counts["bleeds"] > 0).sum())
    subtitle = (
        f"n = {len(frame):,} slices of {len(counts):,} {plural(kind)}, {bleeding:,} with a bleed (the lower part){more}"
    )
    styled(figure, f"Slices by {kind}", subtitle, y="slices", height=270, text_color=text_color)
    figure.update_layout(barmode="stack", bargap=0.15, margin={"b": 28})
    # Names stand under the bars only where they fit unturned; hovering tells the others.
    fits = sum(len(str(group)) + 2 for group in shown.index) <= 48
    return figure.update_xaxes(type="category", showticklabels=fits, ticks="", showgrid=False)


def subtype_bars(frame: pd.DataFrame, *, text_color: str | None = None) -> go.Figure:
    """Slices of each kind of bleed, with the number of patients; a slice may show several.

    Args:
        frame: a manifest's frame with the five subtype columns.
        text_color: of all text; None leaves it to the page's theme.
    """
    known = [name for name in SUBTYPES if name in frame.columns]
    if not known or not frame[known].to_numpy().any():
        return empty("Slices by kind of bleed", "This data set does not say which kind a bleed is.", height=220)
    kind = "series" if "series" in set(frame["group_kind"]) else "patient"
    rows = [(name, int(frame[name].sum()), int(frame.loc[frame[name], "group"].nunique())) for name in known]
    rows.sort(key=lambda row: row[1])
    figure = go.Figure(
        go.Bar(
            y=[name.capitalize() for name, _, _ in rows],
            x=[slices for _, slices, _ in rows],
            orientation="h",
            marker={"color": CALL_STYLES["Hemorrhage"].color},
            text=[f"{slices:,} of {groups:,} {kind if groups == 1 else plural(kind)}" for _, slices, groups in rows],
            textposition="outside",
            cliponaxis=False,
            hovertemplate="%{y}: %{x:,} slices<extra></extra>",
        )
    )
    n = int(frame[known].any(axis=1).sum())
    subtitle = f"n = {n:,} slices; one may show several"
    styled(figure, "Slices by kind of bleed", subtitle, x="slices", height=270, text_color=text_color)
    figure.update_layout(bargap=0.35, margin={"l": 112, "r": 104})
    return figure.update_yaxes(showgrid=False).update_xaxes(rangemode="tozero", nticks=5)
