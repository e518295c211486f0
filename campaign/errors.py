"""What can be refused, each with a sentence for the human.

A `Sentence` is written in English below the door and put into the reader's language at the door, where the
catalogue is. `say()` marks it for extraction, as `_()` does in a template.
"""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Sentence:
    """A translatable text and what is put into its `%(name)s` places: words, numbers, dates or other sentences."""

    text: str
    values: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        """The English sentence, for logs and terminals."""
        return self.text % {name: str(value) for name, value in self.values.items()} if self.values else self.text


def say(text: str, **values: Any) -> Sentence:
    """A sentence for the human, translated where it is shown."""
    return Sentence(text, values)


class CampaignError(Exception):
    """Something the product will not do; `sentence` tells the human why."""

    status = 500

    def __init__(self, sentence: Sentence) -> None:
        super().__init__(str(sentence))
        self.sentence = sentence


class Refused(CampaignError):
    """Not possible from this state, or a guard does not hold."""

    status = 409


class Stale(CampaignError):
    """Somebody was faster: the thing is no longer as the reader saw it."""

    status = 409


class Conflict(CampaignError):
    """The same client action id came with other content."""

    status = 409


class Forbidden(CampaignError):
    """The reader sees the thing but may not do this to it."""

    status = 403


class NotFound(CampaignError):
    """It does not exist, or not for this reader; the two cannot be told apart."""

    status = 404


class Busy(CampaignError):
    """The database or the store is away or locked; nothing was half done."""

    status = 503


class NoSpace(CampaignError):
    """There is no room left to keep what was sent; nothing was half done."""

    status = 507


@dataclass(frozen=True)
class Problem:
    """One thing wrong with what was given: the field or line it concerns, and the sentence."""

    where: str
    sentence: Sentence


class Invalid(CampaignError):
    """What was given does not hold; `problems` names each field or line."""

    status = 422

    def __init__(self, sentence: Sentence, problems: list[Problem] | None = None, status: int = 422) -> None:
        super().__init__(sentence)
        self.problems = problems or []
        self.status = status
