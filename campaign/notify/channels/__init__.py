"""The ways to reach a person: one file and one line each. A channel is a function that sends or raises.

It raises Temporary or Permanent from `letters`; returning means the other side has taken the letter.
"""

from collections.abc import Callable
from dataclasses import dataclass

from ...config import Settings
from ...rules.telling import Channel
from ..letters import Letter
from . import mail


@dataclass(frozen=True)
class Way:
    """How a channel is served: the setting that turns it on, and the function that sends."""

    setting: str
    send: Callable[[Letter, Settings], None]


WAYS: dict[Channel, Way] = {
    Channel.MAIL: Way("smtp_url", mail.send),
}


def configured(settings: Settings) -> tuple[Channel, ...]:
    """The channels that the settings turn on."""
    return tuple(channel for channel, way in WAYS.items() if getattr(settings, way.setting))
