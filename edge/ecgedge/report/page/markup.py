"""HTML as text: words that cannot leave their place, tables that a screen reader understands."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from ecgedge.sinks.plain import plain

__all__ = ["Html", "drawing", "facts", "figure", "items", "note", "paragraph", "section", "table", "words"]


_FEW_COLUMNS = 4  # as wide as a page they would be hard to read across


class Html(str):
    """Text that is markup already."""

    __slots__ = ()


def words(text: str) -> Html:
    """Return text as markup: foreign or our own, it stays text.

    Examples
    --------
    >>> words("<b>Polar & Söhne</b>")
    '&lt;b&gt;Polar &amp; Söhne&lt;/b&gt;'
    """
    return text if isinstance(text, Html) else Html(escape(plain(text)))


def paragraph(text: str, kind: str = "") -> Html:
    """Return a paragraph; nothing for no words."""
    named = f' class="{kind}"' if kind else ""
    return Html(f"<p{named}>{words(text)}</p>\n") if text else Html()


def note(text: str) -> Html:
    """Return a paragraph that explains what stands above it."""
    return paragraph(text, "note")


def items(lines: Iterable[str], kind: str = "") -> Html:
    """Return a list; nothing for no lines."""
    listed = "".join(f"<li>{words(line)}</li>" for line in lines if line)
    named = f' class="{kind}"' if kind else ""
    return Html(f"<ul{named}>{listed}</ul>\n") if listed else Html()


def section(name: str, title: str, *parts: str) -> Html:
    """Return a section with its heading; nothing where it has nothing to say."""
    inside = "".join(parts)
    if not inside:
        return Html()
    return Html(
        f'<section id="{name}" aria-labelledby="{name}-title">\n'
        f'<h2 id="{name}-title">{words(title)}</h2>\n{inside}</section>\n'
    )


def table(
    caption: str, heads: Sequence[str], rows: Iterable[Sequence[str]], *, foot: Sequence[str] = ()
) -> Html:
    """Return a table whose first column names its rows, without heads one of facts; nothing without a row."""
    cells = list(rows)
    if not cells:
        return Html()
    lines = [_row(row) for row in cells]
    kind = "narrow" if len(cells[0]) <= _FEW_COLUMNS else "broad"
    named = "".join(f'<th scope="col">{words(one)}</th>' for one in heads)
    head = f"<thead><tr>{named}</tr></thead>\n" if heads else ""
    below = f"<tfoot>{_row(foot)}</tfoot>" if foot else ""
    return Html(
        f'<div class="wide" tabindex="0"><table class="{kind}"><caption>{words(caption)}</caption>\n'
        f"{head}<tbody>{''.join(lines)}</tbody>{below}</table></div>\n"
    )


def _row(cells: Sequence[str]) -> str:
    first, *others = cells
    return (
        f'<tr><th scope="row">{words(first)}</th>{"".join(f"<td>{words(one)}</td>" for one in others)}</tr>\n'
    )


def facts(title: str, pairs: Iterable[tuple[str, str]]) -> Html:
    """Return names and their values below a title; what has no value is left out."""
    listed = "".join(
        f"<div><dt>{words(name)}</dt><dd>{words(value)}</dd></div>" for name, value in pairs if value
    )
    return Html(f'<div class="facts"><h3>{words(title)}</h3><dl>{listed}</dl></div>\n') if listed else Html()


def figure(drawn: str, caption: str = "") -> Html:
    """Return strips or a chart, with words below; nothing where nothing was drawn."""
    if not drawn:
        return Html()
    below = f"<figcaption>{words(caption)}</figcaption>" if caption else ""
    return Html(f"<figure>{drawn}{below}</figure>\n")


def drawing(*drawn: str) -> str:
    """Return charts that scroll by themselves on a narrow screen."""
    from ecgedge.report.drawing.svg import scrolling

    return scrolling(*drawn)
