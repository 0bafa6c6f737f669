"""A page as a reader has it: its tables, facts, sections and elements."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = {"meta", "link", "img", "br", "hr", "input"}


class Page(HTMLParser):
    """``tables``: rows of cells by caption; ``facts``: names and values by title; ``tags``: all elements."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tables: dict[str, list[list[str]]] = {}
        self.facts: dict[str, dict[str, str]] = {}
        self.sections: list[str] = []
        self.short: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self._words = ""
        self._title = self._name = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag in VOID:
            return
        self.open.append(tag)
        self._words = ""
        if tag == "section":
            self.sections.append(dict(attrs)["id"])
        elif tag == "tr" and self._title:
            self.tables.setdefault(self._title, []).append([])

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self._words += data

    def handle_endtag(self, tag):
        assert self.open.pop() == tag
        words = self._words.strip()
        if tag in ("caption", "h3"):
            self._title = words
        elif tag in ("th", "td"):
            self.tables[self._title][-1].append(words)
        elif tag == "dt":
            self._name = words
        elif tag == "dd":
            self.facts.setdefault(self._title, {})[self._name] = words
        elif tag == "li" and self.sections == ["summary"]:
            self.short.append(words)

    def names(self) -> set[str]:
        return {tag for tag, _ in self.tags}

    def labels(self) -> list[str]:
        """What each drawing says of itself."""
        return [attrs.get("aria-label") or "" for tag, attrs in self.tags if tag == "svg"]
