"""A letter's looks: plain text, and HTML that is pleasant on a phone. Styles stand inline; others get lost in mail."""

from dataclasses import dataclass

from markupsafe import Markup, escape

FONT = "-apple-system,PingFang SC,Microsoft YaHei,Noto Sans CJK SC,Segoe UI,Roboto,sans-serif"
INK, QUIET, LINE, GROUND, ACCENT = "#1f2328", "#59636e", "#d9dee3", "#f3f4f6", "#9b1c1c"


@dataclass(frozen=True)
class Entry:
    """One thing: its title, what to know line by line, and where to act."""

    title: str
    lines: tuple[str, ...]
    link: str


@dataclass(frozen=True)
class Group:
    """What stands under one heading; `n`: how many there are, named or not."""

    heading: str
    n: int
    colour: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class Page:
    """A whole letter, in words of its reader's language. `counts`: heading, number and colour, most urgent first."""

    lang: str
    subject: str
    greeting: str
    counts: tuple[tuple[str, int, str], ...]
    groups: tuple[Group, ...]
    rest: str
    open_words: str
    links: tuple[tuple[str, str], ...]
    footer: str
    colon: str = ": "

    @property
    def mixed(self) -> bool:
        """Whether things of several kinds are in it, so that it pays to count them at the top."""
        return len(self.counts) > 1

    @property
    def single(self) -> bool:
        """Whether it tells of one thing only, so that headings and counts would say nothing."""
        return sum(n for _, n, _ in self.counts) == 1


def text_of(page: Page) -> str:
    """The letter as plain text, a link below each thing."""
    said = [page.greeting, ""]
    if page.mixed:
        said += [" · ".join(f"{heading} {n}" for heading, n, _ in page.counts), ""]
    for group in page.groups:
        if not page.single:
            said += [f"== {group.heading} · {group.n} ==", ""]
        for entry in group.entries:
            said += [entry.title, *entry.lines, entry.link, ""]
    if page.rest:
        said += [page.rest, ""]
    said += [f"{words}{page.colon}{link}" for words, link in page.links]
    return "\n".join([*said, "", page.footer, ""])


def html_of(page: Page) -> str:
    """The letter as a page of its own: one column, links as large as a thumb, nothing loaded from anywhere."""
    parts = [_p(page.greeting, "font-size:16px;margin:0 0 12px")]
    if page.mixed:
        parts.append(_counts(page))
    parts += [_group(group, page) for group in page.groups]
    if page.rest:
        parts.append(_p(page.rest, f"color:{QUIET};margin:16px 0"))
    inner = Markup("").join(parts)
    links = Markup(" &nbsp; ").join(
        Markup('<a href="{}" style="color:{};line-height:32px;white-space:nowrap">{}</a>').format(link, QUIET, words)
        for words, link in page.links
    )
    return str(
        Markup(
            '<!doctype html><html lang="{lang}"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1"><title>{subject}</title></head>'
            '<body style="margin:0;padding:0;background:{ground};color:{ink};font:15px/1.55 {font}">'
            '<div style="max-width:600px;margin:0 auto;padding:16px 12px">'
            '<div style="background:#fff;border:1px solid {line};border-top:4px solid {accent};padding:16px">'
            "{inner}</div>"
            '<p style="font-size:13px;color:{quiet};margin:12px 4px 0">{links}</p>'
            '<p style="font-size:13px;color:{quiet};margin:4px">{footer}</p></div></body></html>'
        ).format(
            lang=page.lang, subject=page.subject, ground=GROUND, ink=INK, font=FONT, line=LINE, accent=ACCENT,
            inner=inner, quiet=QUIET, links=links, footer=page.footer,
        )
    )  # fmt: skip


def _counts(page: Page) -> Markup:
    return Markup('<p style="margin:0 0 8px">{}</p>').format(
        Markup(" ").join(
            Markup(
                '<span style="display:inline-block;border:1px solid {};border-radius:14px;padding:2px 10px;'
                'margin:0 4px 6px 0;font-size:14px;white-space:nowrap;color:{}">{} <b>{}</b></span>'
            ).format(LINE, colour, heading, n)
            for heading, n, colour in page.counts
        )
    )


def _group(group: Group, page: Page) -> Markup:
    head = Markup("")
    if not page.single:
        head = Markup(
            '<h2 style="font-size:16px;margin:20px 0 4px;padding-bottom:4px;border-bottom:1px solid {};color:{}">{} '
            '<span style="font-weight:normal">{}</span></h2>'
        ).format(LINE, group.colour, group.heading, group.n)
    return head + Markup("").join(_entry(entry, group.colour, page.open_words) for entry in group.entries)


def _entry(entry: Entry, colour: str, open_words: str) -> Markup:
    first, *facts = entry.lines
    return Markup(
        '<div style="margin:12px 0;padding:2px 0 2px 12px;border-left:4px solid {}">'
        '<p style="margin:0;font-size:16px;font-weight:600">'
        '<a href="{}" style="color:{};text-decoration:none">{}</a></p>'
        '<p style="margin:2px 0">{}</p><p style="margin:2px 0;color:{};font-size:14px">{}</p>'
        '<p style="margin:4px 0 0"><a href="{}" style="display:inline-block;padding:8px 0;color:{}">{}</a></p></div>'
    ).format(
        colour, entry.link, INK, entry.title, first, QUIET, Markup("<br>").join(facts), entry.link, ACCENT, open_words
    )


def _p(text: str, style: str) -> Markup:
    return Markup('<p style="{}">{}</p>').format(style, escape(text))
