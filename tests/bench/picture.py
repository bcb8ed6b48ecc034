"""The bench's table as a picture: for each rate two bars, ours and Kamailio's."""

from collections.abc import Sequence
from html import escape

from tests.bench.compare import Row

WIDTH, BAR, LEFT = 760, 14, 330
ROW = 2 * BAR + 18
OURS, THEIRS = "#d97706", "#94a3b8"


def draw(rows: Sequence[Row]) -> str:
    """SVG of the rates: longer is better, and each pair has its own scale."""
    shown = [row for row in rows if row.is_rate and row.theirs]
    height = 60 + ROW * len(shown)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif"'
        ' font-size="12">',
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        '<text x="12" y="22" font-size="15" font-weight="bold">Requests and NOTIFYs a second on one core</text>',
        f'<rect x="12" y="32" width="10" height="10" fill="{OURS}"/>',
        '<text x="27" y="41">Lamplighter, SQLite, durable</text>',
        f'<rect x="220" y="32" width="10" height="10" fill="{THEIRS}"/>',
        '<text x="235" y="41">Kamailio, memory only</text>',
    ]
    for number, row in enumerate(shown):
        top = 58 + number * ROW
        most = max(row.ours, row.theirs or 0.0)
        parts.append(f'<text x="12" y="{top + 12}">{escape(row.figure)}</text>')
        parts.append(f'<text x="12" y="{top + 27}" fill="#64748b">{escape(row.load)}</text>')
        for line, (value, color) in enumerate(((row.ours, OURS), (row.theirs or 0.0, THEIRS))):
            length = (WIDTH - LEFT - 110) * value / most
            y = top + line * (BAR + 2)
            ratio = f"  ({row.ratio:.2f} ×)" if line == 0 and row.ratio is not None else ""
            parts.append(f'<rect x="{LEFT}" y="{y}" width="{length:.0f}" height="{BAR}" fill="{color}"/>')
            parts.append(f'<text x="{LEFT + length + 6:.0f}" y="{y + 11}">{value:,.0f}{ratio}</text>')
    return "\n".join([*parts, "</svg>", ""])
