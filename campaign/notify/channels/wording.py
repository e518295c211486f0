"""How a robot says a letter to a group: in lines, each perhaps with a link, as many as its provider takes.

What people wrote (names, titles, reasons) cannot become a link, a mention or a tag there: the signs that would do that
are put in full width, where they look the same and do nothing. Links are ours alone.
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from ...config import Settings
from ..letters import Letter

FULL_WIDTH = str.maketrans({sign: chr(ord(sign) + 0xFEE0) for sign in "@<>[]&`*_#~|\\"})
ADDRESSES = re.compile(r"://|(?<=\w)\.(?=[^\W\d_])|\b\d{1,3}(?:\.\d{1,3}){3}\b")  # clients make links of these unasked
SENTENCE_ENDS = re.compile(r"[。！？；!?;]|\.(?=\s)")
MOBILE = re.compile(r"(?:\+?86|0086)?(1[3-9]\d{9})", re.ASCII)
MORE = "……"
FEWEST = 8  # characters of a line that are worth showing


@dataclass(frozen=True)
class Line:
    """One line; `link`: where its words lead."""

    text: str
    link: str = ""


def harmless(text: str) -> str:
    """The text on one line, to be read and not to be acted on."""
    shown = "".join(sign for sign in " ".join(text.split()) if not unicodedata.category(sign).startswith("C"))
    shown = ADDRESSES.sub(lambda found: found[0].replace(":", "：").replace(".", "．"), shown)
    return shown.translate(FULL_WIDTH)


def mobile(phone: str) -> str:
    """The eleven digits of a mobile number of the mainland, as people write it; empty for anything else."""
    found = MOBILE.fullmatch(re.sub(r"[\s()（）-]", "", phone))
    return found[1] if found else ""


def lines(letter: Letter, settings: Settings) -> list[Line]:
    """The letter in lines: to whom it speaks and of what, then each point with its facts."""
    name = harmless(letter.name)
    head = f"{name}{': ' if name.isascii() else '：'}{harmless(letter.subject)}"
    if len(letter.points) == 1:
        point = letter.points[0]
        return [Line(head, point.link), *(Line(harmless(line)) for line in point.lines)]
    said = [Line(head, home(settings))]
    for point in letter.points:
        said += [Line(harmless(point.heading), point.link), *(Line(harmless(line)) for line in point.lines)]
    return said


def home(settings: Settings) -> str:
    """Where everything can be read, whatever a message had to leave out."""
    return f"{settings.address}/messages"


def fitted(said: list[Line], most: int, size: Callable[[Line], int], settings: Settings) -> list[Line]:
    """As many lines as fit into `most`, measured by `size`; cut at the end of a sentence, with a link to all of it."""
    if sum(map(size, said)) <= most:
        return said
    end = Line(MORE, home(settings))
    room, kept = most - size(end), list[Line]()
    for line in said:
        if size(line) > room:
            kept += _cut(line, room, size)
            break
        kept.append(line)
        room -= size(line)
    return [*kept, end]


def _cut(line: Line, room: int, size: Callable[[Line], int]) -> list[Line]:
    """The line's beginning, up to a sentence's end if that keeps half of what fits; nothing when too little would."""
    low, high = 0, len(line.text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if size(Line(line.text[:middle] + "…", line.link)) <= room else (low, middle - 1)
    if low < FEWEST:
        return []
    ends = [found.end() for found in SENTENCE_ENDS.finditer(line.text[:low])]
    at = ends[-1] if ends and ends[-1] > low // 2 else 0
    return [Line(line.text[:at] if at else line.text[:low] + "…", line.link)]
