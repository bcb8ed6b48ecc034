"""What a soak has shown: samples over time, a verdict, a page of text and a curve."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

WIDTH, HEIGHT, LEFT, TOP = 720, 150, 64, 28


@dataclass
class Sample:
    at: float
    "Seconds since the load began."
    rss: float
    "MB."
    figures: dict[str, float]


@dataclass
class SoakReport:
    minutes: float
    seed: int
    samples: list[Sample] = field(default_factory=list)
    answers: dict[str, int] = field(default_factory=dict)
    left: dict[str, float] = field(default_factory=dict)
    "What was still kept when the load had ended and everything had expired."
    rss_left: float = 0.0
    faults: list[str] = field(default_factory=list)

    def settled(self) -> list[Sample]:
        """Without the first third: lives are longer than the load is old at first."""
        return [sample for sample in self.samples if sample.at > self.minutes * 60 / 3]

    def growth(self) -> float:
        """MB an hour, the straight line through the settled samples."""
        points = [(sample.at / 3600, sample.rss) for sample in self.settled()]
        mean_x, mean_y = (sum(values) / len(points) for values in zip(*points, strict=True))
        spread = sum((x - mean_x) ** 2 for x, _ in points)
        return sum((x - mean_x) * (y - mean_y) for x, y in points) / spread if spread else 0.0

    def __str__(self) -> str:
        settled = [sample.rss for sample in self.settled()]
        most = {
            name: max(sample.figures.get(name, 0) for sample in self.samples)
            for name in self.samples[-1].figures
        }
        return "\n".join(
            (
                f"{self.minutes:g} minutes (seed {self.seed}), {len(self.samples)} samples",
                f"memory after the first third: {min(settled):.1f} to {max(settled):.1f} MB, "
                f"{self.growth():+.1f} MB an hour; {self.rss_left:.1f} MB at rest afterwards",
                "asked: " + ", ".join(f"{count} {what}" for what, count in sorted(self.answers.items())),
                "most at a time: " + ", ".join(f"{count:.0f} {what}" for what, count in most.items()),
                "left at rest: " + ", ".join(f"{count:.0f} {what}" for what, count in self.left.items()),
                "nothing grew, nothing failed" if not self.faults else "\n".join(("FAULTS", *self.faults)),
            )
        )

    def write(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "soak.json").write_text(json.dumps(asdict(self)) + "\n")
        (folder / "soak.txt").write_text(f"{self}\n")
        (folder / "soak.svg").write_text(self.picture())

    def picture(self) -> str:
        """Memory above, what is kept below."""
        panels = [
            ("Resident memory, MB", [("memory", "#1f6feb", [sample.rss for sample in self.samples])]),
            (
                "Kept at a time",
                [
                    (name, color, [sample.figures.get(name, 0) for sample in self.samples])
                    for name, color in (
                        ("subscriptions", "#1a7f37"),
                        ("publications", "#bf8700"),
                        ("server transactions", "#cf222e"),
                    )
                ],
            ),
        ]
        height = len(panels) * (HEIGHT + 60)
        out = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH + LEFT + 20} {height}" '
            'font-family="sans-serif" font-size="12">',
            f'<rect width="100%" height="{height}" fill="#ffffff"/>',
        ]
        for number, (title, lines) in enumerate(panels):
            out += self._panel(title, lines, number * (HEIGHT + 60) + TOP)
        return "\n".join((*out, "</svg>")) + "\n"

    def _panel(self, title: str, lines: list[tuple[str, str, list[float]]], top: int) -> list[str]:
        highest = max(max(values) for _, _, values in lines) * 1.1 or 1.0
        last = self.samples[-1].at or 1.0
        out = [f'<text x="{LEFT}" y="{top - 10}" font-weight="bold">{title}</text>']
        for step in range(5):
            y = top + HEIGHT - step * HEIGHT / 4
            out.append(f'<line x1="{LEFT}" x2="{LEFT + WIDTH}" y1="{y:.1f}" y2="{y:.1f}" stroke="#d0d7de"/>')
            out.append(
                f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{highest * step / 4:.0f}</text>'
            )
        for minute in range(0, int(last // 60) + 1, max(1, int(last // 600))):
            x = LEFT + minute * 60 / last * WIDTH
            out.append(f'<text x="{x:.1f}" y="{top + HEIGHT + 16}" text-anchor="middle">{minute} min</text>')
        for number, (name, color, values) in enumerate(lines):
            points = " ".join(
                f"{LEFT + sample.at / last * WIDTH:.1f},{top + HEIGHT - value / highest * HEIGHT:.1f}"
                for sample, value in zip(self.samples, values, strict=True)
            )
            out.append(f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="1.5"/>')
            if len(lines) > 1:
                x = LEFT + 180 + number * 150
                out.append(f'<text x="{x}" y="{top - 10}" fill="{color}">{name}</text>')
        return out
