"""How names sound, so that they are found by pinyin; kept beside the names, written by the clock."""

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from ..db import Base


class Spelling(Base):
    """One name of areas or people, however many bear it. `sounds`: full pinyin and initials, without tones, for each
    reading of its first character: 'dongwancun dwc'. Empty for a name without Chinese."""

    __tablename__ = "spelling"

    name: Mapped[str] = mapped_column(String(120), primary_key=True)
    sounds: Mapped[str] = mapped_column(Text)
