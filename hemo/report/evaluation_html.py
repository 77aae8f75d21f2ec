"""The evaluation report as one self-contained HTML file: no script, no font, nothing fetched."""

from html import escape

from hemo.report.evaluation_report import Block, Report, Table
from hemo.report.plot import Plot, svg

_STYLE = """
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1.2rem; color: #17212b;
  background: #fff; }
h1 { font-size: 1.6rem; margin-bottom: 0.2rem; } h2 { font-size: 1.15rem; margin: 2rem 0 0.4rem; }
.sub, .claim, caption { color: #4a5763; font-size: 0.85rem; } .claim { font-weight: 400; margin-left: 0.6rem; }
table { border-collapse: collapse; margin: 0.8rem 0; font-variant-numeric: tabular-nums; font-size: 0.9rem; }
caption { text-align: left; caption-side: bottom; padding-top: 0.3rem; }
th, td { text-align: left; padding: 0.22rem 0.9rem 0.22rem 0; border-bottom: 1px solid #d5dbe2; vertical-align: top;
  overflow-wrap: anywhere; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(22rem, 1fr)); gap: 1.2rem; }
@media (prefers-color-scheme: dark) { body { color: #e3e8ed; background: #0d1115; } th, td { border-color: #2b343d; }
  .sub, .claim, caption { color: #a4b0bb; } }
@media print { body { max-width: none; } h2 { break-after: avoid; } table, svg { break-inside: avoid; } }
"""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def report_html(report: Report) -> str:
    """The report as HTML; everything from outside is escaped, and the page may load nothing."""
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(report.title)}</title><style>{_STYLE}</style></head><body>",
        f'<h1>{escape(report.title)}</h1><p class="sub">{escape(report.subtitle)}</p>',
    ]
    for section in report.sections:
        parts.append(
            f'<h2>{escape(section.title)}<span class="claim">CLAIM {escape(section.claim)}</span></h2>'
            + _blocks(section.blocks)
        )
    return "\n".join([*parts, "</body></html>"]) + "\n"


def _blocks(blocks: object) -> str:
    parts: list[str] = []
    plots: list[str] = []
    for block in blocks:  # type: ignore[attr-defined]
        if isinstance(block, Plot):
            plots.append(f"<div>{svg(block)}</div>")
        else:
            parts.append(_block(block))
    if plots:
        parts.append(f'<div class="plots">{"".join(plots)}</div>')
    return "\n".join(parts)


def _block(block: Block) -> str:
    if isinstance(block, Table):
        caption = f"<caption>{escape(block.caption)}</caption>" if block.caption else ""
        head = ""
        if any(block.columns):
            head = f"<thead><tr>{''.join(f'<th>{escape(name)}</th>' for name in block.columns)}</tr></thead>"
        rows = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in block.rows)
        return f"<table>{caption}{head}<tbody>{rows}</tbody></table>"
    return f"<p>{escape(str(block))}</p>"
