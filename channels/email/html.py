"""HTML mail: made harmless for showing, and turned into text.

`nh3` is quick on everything except deep nesting (20,000 open `<div>` take 0.7 s, growing with the square), so depth and
size are looked at first; what is over is shown as its plain text.
"""

from __future__ import annotations

import html as entities
import re

import nh3

from channels.email.charsets import clean

MAX_HTML = 250_000  #: characters that are cleaned; the rest is in the original
MAX_NESTING = 1_500
_VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track"}
)
_VOID |= {"wbr", "p", "li", "dt", "dd", "tr", "td", "th", "option"}  #: often left open: no sign of nesting
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]{0,20})")
_ANY_TAG = re.compile(r"<[^<>]*>")
_BLOCK = re.compile(r"<(/?)(br|hr|div|tr|li|p|h[1-6]|table|ul|ol|pre|blockquote)\b[^>]*>")
#: Stand for what a tag means until the lines are put together; no text contains them, `clean` took them out.
_LINE, _EDGE, _GAP, _OPEN, _CLOSE = "\x01", "\x02", "\x03", "\x04", "\x05"
_MARK = re.compile("([\x01-\x05])")
_CELL = re.compile(r"</t[dh]>")
_LINK = re.compile(r'<a href="([^"]{1,2000})"[^>]*>([^<]{0,500})</a>')
_SPACES = re.compile(r"[ \t\xa0\u200b\u200c\ufeff]+")
_TEXT_TAGS = frozenset({"a", "br", "hr", "p", "div", "table", "tr", "td", "th", "ul", "ol", "li", "blockquote", "pre"})
_TEXT_TAGS |= {"h1", "h2", "h3", "h4", "h5", "h6"}
_SHOWN_TAGS = frozenset(nh3.ALLOWED_TAGS) - {"map", "area"}
_CONTENT_DROPPED = frozenset(
    {"script", "style", "head", "title", "template", "noscript", "svg", "math", "iframe", "object"}
)
_REMOTE = "about:blank#"


def harmless(source: str) -> str:
    """Sanitised HTML: no scripts, styles, forms or remote pictures; `cid:` and `data:` pictures stay by reference."""
    if _too_deep(source):
        return f"<pre>{entities.escape(_stripped(source))}</pre>"
    return nh3.clean(
        source[:MAX_HTML],
        tags=set(_SHOWN_TAGS),
        clean_content_tags=set(_CONTENT_DROPPED),
        attribute_filter=_keep,
        url_schemes={"http", "https", "mailto", "tel", "cid"},
        link_rel="noopener noreferrer nofollow",
    )


def text_of(source: str) -> str:
    """The words of an HTML mail with its paragraphs and the targets of its links."""
    if _too_deep(source):
        return _tidy(_ANY_TAG.sub(" ", clean(source[:MAX_HTML])).replace("\n", _LINE))
    plain = nh3.clean(
        source[:MAX_HTML],
        tags=set(_TEXT_TAGS),
        clean_content_tags=set(_CONTENT_DROPPED),
        attributes={"a": {"href"}},
        link_rel=None,
        strip_comments=True,
    )
    plain = clean(plain).replace("\n", _LINE if "<pre" in plain else " ")
    return _tidy(_ANY_TAG.sub("", _CELL.sub(" ", _BLOCK.sub(_mark, _LINK.sub(_link, plain)))))


def _keep(tag: str, attribute: str, value: str) -> str | None:
    """Pictures from other hosts tell the sender who reads and when (only `cid:` stays)."""
    if tag == "img" and attribute == "src":
        return value if value.lower().startswith("cid:") else None
    return value


def _link(match: re.Match[str]) -> str:
    target, label = entities.unescape(match.group(1)), match.group(2)
    if not target.startswith(("http://", "https://")) or target.rstrip("/") in entities.unescape(label):
        return label
    return f"{label} ({entities.escape(target)})"


def _too_deep(source: str) -> bool:
    depth = 0
    for match in _TAG.finditer(source, 0, MAX_HTML):
        if match.group(2).lower() in _VOID:
            continue
        depth += -1 if match.group(1) else 1
        if depth > MAX_NESTING:
            return True
        depth = max(depth, 0)
    return False


def _stripped(source: str) -> str:
    return clean(entities.unescape(_ANY_TAG.sub(" ", source[:MAX_HTML])))


def _mark(tag: re.Match[str]) -> str:
    closes, name = bool(tag.group(1)), tag.group(2)
    if name in ("br", "hr"):
        return _LINE
    if name == "blockquote":
        return _CLOSE if closes else _OPEN
    if name in ("div", "tr"):
        return _EDGE
    if name == "li":
        return "" if closes else f"{_EDGE}- "
    return _GAP


def _tidy(marked: str) -> str:
    """Single spaces, at most one empty line in a row, `>` before what was quoted."""
    lines: list[str] = []
    depth = 0
    for piece in _MARK.split(f"{marked}{_EDGE}"):
        if not _MARK.fullmatch(piece):
            text = _SPACES.sub(" ", clean(entities.unescape(piece)).replace("\n", " ")).strip()
            if text:
                lines.append("> " * min(depth, 5) + text)
            written = bool(text)
            continue
        depth = max(0, depth + (piece == _OPEN) - (piece == _CLOSE))
        if lines and lines[-1] and (piece == _GAP or (piece == _LINE and not written)):
            lines.append("")
        written = False
    return "\n".join(lines).strip()
