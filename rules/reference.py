"""The part of docs/rules.md that is made from the vocabulary."""

from rules.vocabulary import STALE, TEMPLATE_NAMES, TIMES, UNKNOWN, WORDS, Word


def reference() -> str:
    """Markdown: each condition with every attribute and an example, and the names for templates."""
    parts = [_word(name, word) for name, word in WORDS.items()]
    names = "\n".join(
        f"| `{{{name}{':%H:%M' if name in TIMES else ''}}}` | {doc} |" for name, doc in TEMPLATE_NAMES.items()
    )
    return "\n".join(
        [*parts, "### Names in texts\n", "| name | what it puts in |", "| --- | --- |", names, ""]
    )


def _word(name: str, word: Word) -> str:
    lines = [f"### `{name}`\n", word.doc + f" Example: `{name}: {word.example}`."]
    if word.fact:
        lines[-1] += (
            f" Also `{name}: {UNKNOWN}` (never heard of) and `{name}: {STALE}` (the source has gone silent)."
        )
    if len(word.attributes) == 1:
        return "\n".join([*lines, ""])
    lines += ["", "| attribute | means | takes | example |", "| --- | --- | --- | --- |"]
    for attribute, one in word.attributes.items():
        takes = one.takes.value.replace("|", "\\|")
        if one.choices:
            takes += ": " + ", ".join(f"`{choice}`" for choice in one.choices)
        short = " (the short form)" if attribute == word.short else ""
        lines.append(
            f"| `{attribute}`{short} | {one.doc} | {takes} | `{name}: {{{attribute}: {one.example}}}` |"
        )
    return "\n".join([*lines, ""])
