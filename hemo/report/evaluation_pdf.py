"""The evaluation report as a PDF, charts drawn as vectors."""

from typing import Any

from hemo.report.evaluation_report import Block, Report, Table
from hemo.report.plot import Frame, Plot, ticks

_MARGIN = 16.0
_PAGE = 210.0
_SHEET_WIDTH, _SHEET_HEIGHT = 470.0, 320.0
_PLAIN = {
    "–": "-",
    "−": "-",
    "—": "-",
    "≥": ">=",
    "≤": "<=",
    "…": "...",
    "×": "x",
    "’": "'",
    "“": '"',
    "”": '"',
    "→": "->",
}


def report_pdf(report: Report) -> bytes:
    """The report as a PDF in the fonts that every reader has; characters these lack become their nearest in ASCII."""
    from fpdf import FPDF

    class Document(FPDF):
        def footer(self) -> None:
            self.set_y(-12)
            self.set_font("helvetica", size=8)
            self.set_text_color(90)
            self.cell(0, 6, latin(f"{report.title}. Not for diagnosis. Page {self.page_no()}"))

    pdf = Document(format="A4")
    pdf.set_margins(_MARGIN, _MARGIN, _MARGIN)
    pdf.set_auto_page_break(True, 16)
    pdf.set_title(latin(report.title))
    pdf.set_creator("Hemo")
    pdf.add_page()
    _write(pdf, report.title, size=16, style="B")
    _write(pdf, report.subtitle, size=9, grey=80)
    for section in report.sections:
        pdf.ln(3)
        if pdf.will_page_break(24):
            pdf.add_page()
        _write(pdf, section.title, size=12, style="B")
        _write(pdf, f"CLAIM {section.claim}", size=8, grey=80)
        _blocks(pdf, section.blocks)
    return bytes(pdf.output())


def latin(text: str) -> str:
    """Text in the characters of the built-in fonts."""
    for character, plain in _PLAIN.items():
        text = text.replace(character, plain)
    return text.encode("latin-1", "replace").decode("latin-1")


def _write(pdf: Any, text: str, size: float = 9.5, style: str = "", grey: int = 20) -> None:
    pdf.set_font("helvetica", style=style, size=size)
    pdf.set_text_color(grey)
    pdf.multi_cell(0, size * 0.5, latin(text), new_x="LMARGIN", new_y="NEXT", align="L")


def _blocks(pdf: Any, blocks: Any) -> None:
    side = 0
    width = (_PAGE - 2 * _MARGIN - 6) / 2
    height = width * _SHEET_HEIGHT / _SHEET_WIDTH
    for block in blocks:
        if isinstance(block, Plot):
            if side == 0 and pdf.will_page_break(height + 4):
                pdf.add_page()
            _plot(pdf, block, _MARGIN + side * (width + 6), pdf.get_y() + 1, width)
            if side == 1:
                pdf.set_y(pdf.get_y() + height + 4)
            side = 1 - side
        else:
            if side == 1:
                pdf.set_y(pdf.get_y() + height + 4)
                side = 0
            _block(pdf, block)
    if side == 1:
        pdf.set_y(pdf.get_y() + height + 4)


def _block(pdf: Any, block: Block) -> None:
    pdf.ln(1)
    if not isinstance(block, Table):
        _write(pdf, str(block))
        return
    pdf.set_font("helvetica", size=8)
    pdf.set_text_color(20)
    pdf.set_draw_color(200)
    widths = _widths(block)
    with pdf.table(
        borders_layout="HORIZONTAL_LINES",
        first_row_as_headings=any(block.columns),
        col_widths=widths,
        line_height=4.2,
        text_align="LEFT",
        padding=0.6,
    ) as table:
        rows = [block.columns, *block.rows] if any(block.columns) else block.rows
        for row in rows:
            cells = table.row()
            for cell in row:
                cells.cell(latin(cell))
    if block.caption:
        _write(pdf, block.caption, size=8, grey=80)


def _widths(block: Table) -> tuple[float, ...]:
    """Relative widths by the longest cell of each column, within reason."""
    rows = [block.columns, *block.rows]
    longest = [max(len(str(row[i])) for row in rows) for i in range(len(block.columns))]
    return tuple(float(min(max(length, 10), 60)) for length in longest)


def _plot(pdf: Any, plot: Plot, left: float, top: float, width: float) -> None:
    """Draw a chart with its upper left corner at (left, top) mm; the cursor stays where it was."""
    frame = Frame(plot, _SHEET_WIDTH, _SHEET_HEIGHT)
    scale = width / _SHEET_WIDTH
    kept = pdf.get_x(), pdf.get_y()

    def at(x: float, y: float) -> tuple[float, float]:
        return left + x * scale, top + y * scale

    def text(x: float, y: float, words: str, size: float = 6.5, style: str = "", align: str = "L") -> None:
        pdf.set_font("helvetica", style=style, size=size)
        words = latin(words)
        shift = {"L": 0.0, "C": 0.5, "R": 1.0}[align] * pdf.get_string_width(words)
        place = at(x, y)
        pdf.text(place[0] - shift, place[1], words)

    pdf.set_text_color(20)
    text(frame.left, 15, plot.title, 9, "B")
    text(frame.left, 30, plot.subtitle, 6)
    pdf.set_line_width(0.1)
    pdf.set_draw_color(215)
    for value in ticks(*plot.x_range):
        pdf.line(*at(frame.x(value), frame.top), *at(frame.x(value), frame.bottom))
        text(frame.x(value), frame.bottom + 15, f"{value:g}", align="C")
    for value in ticks(*plot.y_range):
        pdf.line(*at(frame.left, frame.y(value)), *at(frame.right, frame.y(value)))
        text(frame.left - 6, frame.y(value) + 4, f"{value:g}", align="R")
    for band in plot.bands:
        _color(pdf, band.color, fill=True)
        with pdf.local_context(fill_opacity=0.18):
            pdf.polygon([at(x, y) for x, y in frame.outline(band)], style="F")
    for each in plot.lines:
        _color(pdf, each.color, fill=each.mark)
        points = [at(x, y) for x, y in frame.points(each.x, each.y)]
        if each.mark:
            for x, y in points:
                pdf.circle(x=x, y=y, radius=0.7, style="F")
            continue
        pdf.set_line_width(0.2 if each.dashed else 0.35)
        if each.dashed:
            pdf.set_dash_pattern(dash=0.9, gap=0.7)
        pdf.polyline(points)
        pdf.set_dash_pattern()
    for x, y, words, color in plot.notes:
        pdf.set_text_color(*_rgb(color))
        near_end = x > (plot.x_range[0] + plot.x_range[1]) / 2
        text(frame.x(x), frame.y(y), words, 7.5, "B", "R" if near_end else "L")
    pdf.set_text_color(20)
    text((frame.left + frame.right) / 2, _SHEET_HEIGHT - 8, plot.x_title, 7, align="C")
    middle = at(12, (frame.top + frame.bottom) / 2)
    with pdf.rotation(90, *middle):
        pdf.set_font("helvetica", size=7)
        pdf.text(middle[0] - pdf.get_string_width(latin(plot.y_title)) / 2, middle[1], latin(plot.y_title))
    pdf.set_fill_color(255)
    pdf.set_xy(*kept)


def _rgb(color: str) -> tuple[int, int, int]:
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)


def _color(pdf: Any, color: str, fill: bool) -> None:
    pdf.set_draw_color(*_rgb(color))
    if fill:
        pdf.set_fill_color(*_rgb(color))
