"""Parser for the text and links of an HTML page."""

import dataclasses
from html.parser import HTMLParser

_VOID = {"img", "meta", "br", "link", "input"}
_LOADS = ("src", "href", "srcset", "data", "action", "poster", "background")


@dataclasses.dataclass(frozen=True)
class Page:
    """Attributes:
    tags: of all elements.
    links: whatever its elements load or lead to.
    images: the sources of its images.
    text: what is read, blanks made one; styles are left out.
    styles: the text of its style sheets and style attributes.
    """

    tags: list[str]
    links: list[str]
    images: list[str]
    text: str
    styles: str


def read_page(html: str) -> Page:
    """Parses a page; elements that are not closed, or not in order, fail an assertion."""
    parser = _Parser()
    parser.feed(html)
    parser.close()
    assert parser.open in ([], ["html"])  # </html> may be left out
    text = " ".join(" ".join(parser.text).split())
    return Page(parser.tags, parser.links, parser.images, text, " ".join(parser.styles))


class _Parser(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.links, self.images, self.text, self.styles = [], [], [], [], []
        self.open = []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name in _LOADS]
        self.styles += [value for name, value in attrs if name == "style"]
        if tag == "img":
            self.images.append(dict(attrs)["src"])
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, (tag, self.getpos())

    def handle_data(self, data):
        (self.styles if self.open[-1:] == ["style"] else self.text).append(data)
