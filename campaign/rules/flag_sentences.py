"""Each flag explains itself in one sentence, from what was kept with it."""

from collections.abc import Mapping
from typing import Any

from ..errors import Sentence, say
from .flags import FlagKind

# The sentence, and what it needs; where something of that is missing, the plain one is said.
SENTENCES: dict[FlagKind, tuple[Sentence, tuple[str, ...]]] = {
    FlagKind.LEAP: (
        say("“%(name)s” is %(value)s, %(times)s times the %(other)s reported before."),
        ("name", "value", "times", "other"),
    ),
    FlagKind.PART_ABOVE_WHOLE: (
        say("“%(name)s”: the part, %(value)s, is larger than the whole, %(other)s."),
        ("name", "value", "other"),
    ),
    FlagKind.BELOW_APPROVED: (
        say("“%(name)s” is %(value)s, less than the %(other)s approved before."),
        ("name", "value", "other"),
    ),
    FlagKind.PARTS_DIFFER: (
        say("The parts of “%(name)s” add up to %(value)s, but %(other)s is reported."),
        ("name", "value", "other"),
    ),
    FlagKind.AGAINST_TREND: (
        say("“%(name)s” is %(value)s after %(other)s, against the way it went before."),
        ("name", "value", "other"),
    ),
    FlagKind.SAME_BYTES: (say("The file “%(file)s” was submitted before, byte for byte."), ("file",)),
    FlagKind.SAME_PICTURE: (
        say("The picture “%(file)s” looks nearly like one submitted before (%(score)s%% alike)."),
        ("file", "score"),
    ),
    FlagKind.OUTSIDE_WINDOW: (say("“%(file)s” was captured outside the task's time."), ("file",)),
    FlagKind.SAME_WORDS: (say("%(score)s%% of the description stands in another report."), ("score",)),
}
# What is known more closely of a file: the word of the data that says it, its value, and the sentence.
CLOSER: dict[FlagKind, tuple[tuple[str, Any, Sentence], ...]] = {
    FlagKind.SAME_BYTES: (
        ("own", True, say("The file “%(file)s” was submitted before by this unit itself, byte for byte.")),
    ),
    FlagKind.SAME_PICTURE: (
        ("own", True, say("The picture “%(file)s” looks nearly like one that this unit itself submitted before.")),
    ),
    FlagKind.OUTSIDE_WINDOW: (
        ("when", "before", say("“%(file)s” was captured before this task began.")),
        ("when", "after", say("“%(file)s” was captured after the due date.")),
        ("when", "ahead", say("“%(file)s” tells a time that lies ahead of the day it was sent.")),
        ("when", "unknown", say("“%(file)s” does not say when it was captured, though the task asks for it.")),
    ),
}
PLAIN: dict[FlagKind, Sentence] = {
    FlagKind.LEAP: say("A figure is many times what was reported before."),
    FlagKind.PART_ABOVE_WHOLE: say("A part is larger than its whole."),
    FlagKind.BELOW_APPROVED: say("A figure is less than what was approved before."),
    FlagKind.PARTS_DIFFER: say("The parts of a figure do not add up to it."),
    FlagKind.AGAINST_TREND: say("A figure goes against the way it went before."),
    FlagKind.SAME_BYTES: say("A file was submitted before, byte for byte."),
    FlagKind.SAME_PICTURE: say("A picture looks nearly like one submitted before."),
    FlagKind.OUTSIDE_WINDOW: say("Something was captured outside the task's time."),
    FlagKind.SAME_WORDS: say("Much of the description stands in another report."),
}


def sentence(kind: FlagKind, data: Mapping[str, Any]) -> Sentence:
    """The flag in words. `data`: what was kept with it, with `file` and `score` beside."""
    said, needed = SENTENCES[kind]
    for name, value, closer in CLOSER.get(kind, ()):
        if data.get(name) == value and data.get("file"):
            return say(closer.text, file=data["file"])
    if any(data.get(name) in (None, "") for name in needed):
        return PLAIN[kind]
    return say(said.text, **{name: _plain(data[name]) for name in needed})


def _plain(value: Any) -> str:
    """Figures are kept as text, with places that say nothing."""
    text = str(value)
    return text.rstrip("0").rstrip(".") if "." in text and text.replace(".", "").isdigit() else text
