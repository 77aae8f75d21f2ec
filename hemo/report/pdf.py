"""A study's reading as a PDF: the call, the slices behind it, the model, and what the answer is not."""

import io
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import cv2
import numpy as np

from hemo import __version__
from hemo.ct.identity import Identity
from hemo.ct.window import MODEL_WINDOW, Window
from hemo.evaluate.study_reading import study_rule, study_rule_name
from hemo.model.card import Card
from hemo.report.evaluation_pdf import latin
from hemo.report.key_slices import KEY_SLICES, KeySlice, key_slices
from hemo.report.study_json import StudyResult

BANNER = "NOT FOR DIAGNOSTIC USE"
PURPOSE = "For teaching and research, not for diagnosis."
HEAT_NOTE = "Colors show where the network reacted, not where the bleed is."

_MARGIN, _WIDTH = 16.0, 178.0
# Four rows of pictures with their captions fill a page, two the rest of the first.
_PICTURE_HEIGHT = 55.0
_INK, _FAINT, _LINE = 25, 90, 205
# The calls' colors of hemo/charts/calls.py; the reports lie on a floor below the charts.
_CALL_COLORS = {
    "Hemorrhage": (213, 94, 0),
    "Normal": (0, 158, 115),
    "Uncertain": (230, 159, 0),
    "Refused": (127, 127, 127),
}


def study_pdf(
    result: StudyResult,
    card: Card,
    point: str | None = None,
    *,
    identity: Identity | None = None,
    limit: int = KEY_SLICES,
    window: Window = MODEL_WINDOW,
) -> bytes:
    """Write one study's report.

    Args:
        result: the study, its readings and the reader's verdict.
        card: of the model that read it.
        point: name of the operating point; None for the default call.
        identity: of the patient, only where the user asked for it; None prints none.
        limit: how many key slices at most.
        window: what the key slices are shown through.

    Returns:
        The file. Text outside Latin-1 is written with question marks, because only the built-in fonts are used.
    """
    pdf = _document()
    _head(pdf, result, identity)
    _answer(pdf, result, card, point)
    _scores(pdf, result)
    _listed(pdf, "Warnings", result.warnings or ("None.",))
    if result.verdict or result.note:
        _listed(pdf, "Reader's verdict", tuple(text for text in (result.verdict, result.note) if text))
    _key_slices(pdf, key_slices(result, limit, window), result, window)
    _model(pdf, card)
    return bytes(pdf.output())


def _document() -> Any:
    from fpdf import FPDF

    class Document(FPDF):
        """A4 with the notice on every page."""

        def header(self) -> None:
            self.set_fill_color(_INK)
            self.set_text_color(255)
            self.set_font("helvetica", "B", 9)
            self.cell(0, 6.5, f"   {BANNER}", fill=True, new_x="LMARGIN", new_y="NEXT")
            self.ln(4)

        def footer(self) -> None:
            self.set_y(-12)
            self.set_font("helvetica", size=8)
            self.set_text_color(_FAINT)
            self.cell(0, 6, f"Hemo {__version__}. {PURPOSE}")
            self.cell(0, 6, f"{self.page_no()}", align="R")

    pdf = Document(format="A4")
    pdf.set_margins(_MARGIN, 12, _MARGIN)
    pdf.set_auto_page_break(True, 18)
    pdf.c_margin = 0  # text starts where pictures do
    pdf.set_title("Hemo study report, not for diagnostic use")
    pdf.set_creator(f"Hemo {__version__}")
    pdf.add_page()
    return pdf


def _write(pdf: Any, text: str, size: float = 9.5, style: str = "", grey: int = _INK) -> None:
    pdf.set_font("helvetica", style, size)
    pdf.set_text_color(grey)
    pdf.multi_cell(0, size * 0.48, latin(text), new_x="LMARGIN", new_y="NEXT", align="L")


def _heading(pdf: Any, text: str, room: float = 30) -> None:
    if pdf.will_page_break(room):
        pdf.add_page()
    pdf.ln(4)
    _write(pdf, text, 11.5, "B")
    pdf.ln(1)


def _listed(pdf: Any, title: str, sentences: Sequence[str]) -> None:
    _heading(pdf, title)
    for sentence in sentences:
        _write(pdf, sentence)
        pdf.ln(0.8)


def _head(pdf: Any, result: StudyResult, identity: Identity | None) -> None:
    _write(pdf, "Head CT study report", 17, "B")
    pdf.ln(1)
    created = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    _write(pdf, f"{result.name}. {_count(len(result.slices), 'slice')}. Written {created}.", grey=_FAINT)
    if identity is not None:
        parts = {
            "Patient": identity.patient_name.replace("^", " ").strip(),
            "ID": identity.patient_id,
            "Born": identity.birth_date,
            "Sex": identity.sex,
            "Examination": f"{identity.study_date} {identity.accession}".strip(),
        }
        _write(pdf, "   ".join(f"{name}: {value}" for name, value in parts.items() if value))


def _answer(pdf: Any, result: StudyResult, card: Card, point: str | None) -> None:
    answer = result.answer
    pdf.ln(4)
    top = pdf.get_y()
    _symbol(pdf, answer.call, _MARGIN + 1, top + 0.6, 7)
    pdf.set_xy(_MARGIN + 11, top)
    pdf.set_font("helvetica", "B", 18)
    pdf.set_text_color(_INK)
    score = "" if answer.score is None else f"   score {answer.score:.3f}"
    pdf.cell(0, 8.2, latin(f"{answer.call}{score}"), new_x="LMARGIN", new_y="NEXT")
    pdf.ln(1.5)
    read = f"{answer.n_read} of {_count(len(result.slices), 'slice')} read, {answer.n_called} called Hemorrhage."
    highest = "" if answer.worst is None else f" The score is the highest of any slice, here slice {answer.worst + 1}."
    _write(pdf, f"{read}{highest} {_operating_words(card, point)}")
    if answer.study_score is not None and study_rule(card) != "max":
        _write(pdf, f"Score of the whole study {answer.study_score:.3f}: {study_rule_name(card)}.")


def _operating_words(card: Card, point: str | None) -> str:
    found = next((each for each in card["operating_points"] if each["name"] == point), None)
    if found is None:
        band = card["uncertain_band"]
        return "Called by the model's default." + (
            f" Scores between {band[0]:.3f} and {band[1]:.3f} are Uncertain." if band else ""
        )
    return (
        f'Called at the operating point "{found["name"]}", threshold {found["threshold"]:.3f}: on {found["fitted_on"]}'
        f" sensitivity {found['sensitivity']:.3f}, specificity {found['specificity']:.3f} per slice."
    )


def _symbol(pdf: Any, call: str, x: float, y: float, size: float) -> None:
    """The call's symbol, drawn: the built-in fonts have none of the four."""
    color = _CALL_COLORS[call]
    pdf.set_fill_color(*color)
    pdf.set_draw_color(*color)
    half = size / 2
    if call == "Normal":
        pdf.ellipse(x, y, size, size, style="F")
    elif call == "Hemorrhage":
        pdf.polygon([(x, y + size), (x + half, y), (x + size, y + size)], style="F")
    elif call == "Uncertain":
        pdf.polygon([(x, y + half), (x + half, y), (x + size, y + half), (x + half, y + size)], style="F")
    else:
        pdf.set_line_width(size / 6)
        pdf.line(x, y, x + size, y + size)
        pdf.line(x, y + size, x + size, y)
        pdf.set_line_width(0.2)


def _scores(pdf: Any, result: StudyResult) -> None:
    """A bar a slice, from neck to vertex; refused slices are marked on the base line."""
    if len(result.slices) < 2:
        return
    _heading(pdf, "Score of every slice", room=38)
    top, height = pdf.get_y() + 1, 20.0
    left = _MARGIN + 8
    step = (_WIDTH - 8) / len(result.slices)
    pdf.set_draw_color(_LINE)
    pdf.set_font("helvetica", size=7)
    pdf.set_text_color(_FAINT)
    for value in (0.0, 0.5, 1.0):
        y = top + height * (1 - value)
        pdf.line(left, y, left + _WIDTH - 8, y)
        pdf.text(_MARGIN, y + 1, f"{value:.1f}")
    for index, (reading, call) in enumerate(zip(result.readings, result.answer.calls, strict=True)):
        pdf.set_fill_color(*_CALL_COLORS[call])
        # A bar of no height would look like a slice that is not there.
        bar = 0.5 if reading.probability is None else max(height * reading.probability, 0.5)
        pdf.rect(left + index * step + 0.1 * step, top + height - bar, 0.8 * step, bar, style="F")
    pdf.set_font("helvetica", size=7)
    for number in sorted({1, len(result.slices)}):
        pdf.text(left + (number - 0.9) * step, top + height + 3.4, f"{number}")
    refused = sum(call == "Refused" for call in result.answer.calls)
    pdf.set_y(top + height + 4.5)
    note = f" {_count(refused, 'slice')} refused, drawn in grey on the base line." if refused else ""
    _write(pdf, f"Slices in order, bars in the color of their call.{note}", 8, grey=_FAINT)


def _key_slices(pdf: Any, keys: Sequence[KeySlice], result: StudyResult, window: Window) -> None:
    _heading(pdf, "Key slices", room=90)
    if not keys:
        reasons = dict.fromkeys(result.answer.reasons)
        _write(pdf, f"No slice was read. {' '.join(list(reasons)[:3])}")
        return
    seen = (
        f"window {window.width:g}/{window.level:g} HU" if result.slices[0].unit == "HU" else "the picture's own window"
    )
    _write(pdf, f"The highest scores, in the study's order; {seen}. Left untouched, right with heat map. {HEAT_NOTE}")
    _color_bar(pdf)
    side = (_WIDTH - 4) / 2
    for key in keys:
        rows, columns = key.grey.shape
        row_mm, column_mm = key.spacing_mm or (1.0, 1.0)
        # Pixels need not be square; the page is.
        height = min(side * rows * row_mm / (columns * column_mm), _PICTURE_HEIGHT)
        width = height * columns * column_mm / (rows * row_mm)
        if pdf.will_page_break(height + 8):
            pdf.add_page()
        top = pdf.get_y()
        for place, pixels in enumerate((key.grey, key.marked)):
            label = f"Slice {key.number}, {'untouched' if place == 0 else 'with heat map'}"
            pdf.image(_png(pixels), _MARGIN + place * (width + 4), top, width, height, alt_text=label)
        pdf.set_y(top + height + 1)
        _symbol(pdf, key.call, _MARGIN, pdf.get_y() + 0.6, 2.8)
        pdf.set_x(_MARGIN + 4.5)
        _write(pdf, key.caption, 8.5)
        pdf.ln(2.5)


def _color_bar(pdf: Any) -> None:
    ramp = cv2.applyColorMap(np.arange(256, dtype=np.uint8)[np.newaxis], cv2.COLORMAP_INFERNO)
    pdf.ln(1)
    top = pdf.get_y()
    pdf.set_font("helvetica", size=7)
    pdf.set_text_color(_FAINT)
    words = "response 0"
    pdf.text(_MARGIN, top + 2.3, words)
    start = _MARGIN + pdf.get_string_width(words) + 2
    pdf.image(_png(cv2.cvtColor(ramp, cv2.COLOR_BGR2RGB)), start, top, 40, 2.6, alt_text="Color scale of the heat map")
    pdf.text(start + 42, top + 2.3, "1, the same scale in every slice")
    pdf.set_y(top + 5)


def _model(pdf: Any, card: Card) -> None:
    _heading(pdf, "Model")
    data = card["data"]
    versions = ", ".join(f"{name} {version}" for name, version in sorted(card["versions"].items()))
    for name, value in (
        ("Name", card["name"]),
        ("Architecture", card["architecture"]),
        ("Version", f"of {card['created']}, read with Hemo {__version__}"),
        ("sha256", card["sha256"]),
        ("Trained on", f"{data['name']}, {data['n']} slices of {data['n_patients']} patients. {data['citation']}"),
        ("Made with", versions),
    ):
        pdf.set_font("helvetica", "B", 8.5)
        pdf.set_text_color(_INK)
        pdf.cell(26, 4.4, name)
        pdf.set_font("helvetica", "", 8.5)
        pdf.multi_cell(0, 4.4, latin(str(value)), new_x="LMARGIN", new_y="NEXT", align="L")
    _listed(pdf, "Limits", card["limits"])


def _png(pixels: np.ndarray) -> io.BytesIO:
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    stream.seek(0)
    return stream


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
