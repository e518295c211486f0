"""Figures rolled up: what each assignment contributes, the sums per area, and how they stood at a slot."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, SmallInteger, text
from sqlalchemy.orm import Mapped, mapped_column

from ..db import Base, BigId, Code, Exact, Instant
from ..rules.figures import Standing
from ..rules.organisation import Line


class Contribution(Base):
    """What one assignment counts for in a metric, as it was last folded. No row: nothing was reported, so it counts
    as missing. `n`: 0 where it is not asked of the unit (any more), else 1. `met`: 1 where the figure reaches what the
    assignment itself must reach.

    A row with another unit than the assignment's own is what a joint activity credits to that partner: `credited`
    alone. A metric without a sum contributes its counts alone.
    """

    __tablename__ = "contribution"
    __table_args__ = ({"sqlite_with_rowid": False},)

    assignment_id: Mapped[int] = mapped_column(ForeignKey("assignment.id"), primary_key=True, autoincrement=False)
    metric_id: Mapped[int] = mapped_column(ForeignKey("metric.id"), primary_key=True, autoincrement=False)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), primary_key=True, autoincrement=False)
    standing: Mapped[Standing] = mapped_column(Code(Standing))
    n: Mapped[int] = mapped_column(SmallInteger)
    met: Mapped[int] = mapped_column(SmallInteger)
    number: Mapped[Decimal] = mapped_column(Exact)
    numerator: Mapped[Decimal] = mapped_column(Exact)
    denominator: Mapped[Decimal] = mapped_column(Exact)
    credited: Mapped[Decimal] = mapped_column(Exact)


class Figure(Base):
    """The figures of a subtree: of one metric, one line and one period, by how they stand. Folded by the clock.

    `n`: how many assignments stand so, `met`: how many of them meet their own target. The sums are over those that
    reported. `credited`: what units of other lines did together with this line; a total over lines leaves it out,
    since it is in their numbers. Leaf areas have no row: their assignments are the fact. What stands nowhere yet is
    MISSING with its batch.
    """

    __tablename__ = "figure"
    __table_args__ = ({"sqlite_with_rowid": False},)

    metric_id: Mapped[int] = mapped_column(ForeignKey("metric.id"), primary_key=True)
    area_id: Mapped[int] = mapped_column(ForeignKey("area.id"), primary_key=True)
    line: Mapped[Line] = mapped_column(Code(Line), primary_key=True)
    period: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    standing: Mapped[Standing] = mapped_column(Code(Standing), primary_key=True)
    n: Mapped[int] = mapped_column(Integer)
    met: Mapped[int] = mapped_column(Integer)
    number: Mapped[Decimal] = mapped_column(Exact)
    numerator: Mapped[Decimal] = mapped_column(Exact)
    denominator: Mapped[Decimal] = mapped_column(Exact)
    credited: Mapped[Decimal] = mapped_column(Exact, default=0, server_default=text("0"))
    changed_at: Mapped[datetime] = mapped_column(Instant)


class FigureTouch(Base):
    """An assignment whose contribution must be looked at again though its state did not change: a target moved."""

    __tablename__ = "figure_touch"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    assignment_id: Mapped[int] = mapped_column(ForeignKey("assignment.id"))


class FigureCount(Base):
    """The record of the figures at a slot, written when a key changed since the last; it holds until the next."""

    __tablename__ = "figure_count"
    __table_args__ = ({"sqlite_with_rowid": False},)

    metric_id: Mapped[int] = mapped_column(ForeignKey("metric.id"), primary_key=True)
    area_id: Mapped[int] = mapped_column(ForeignKey("area.id"), primary_key=True)
    line: Mapped[Line] = mapped_column(Code(Line), primary_key=True)
    period: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    slot: Mapped[datetime] = mapped_column(Instant, primary_key=True)
    standing: Mapped[Standing] = mapped_column(Code(Standing), primary_key=True)
    n: Mapped[int] = mapped_column(Integer)
    met: Mapped[int] = mapped_column(Integer)
    number: Mapped[Decimal] = mapped_column(Exact)
    numerator: Mapped[Decimal] = mapped_column(Exact)
    denominator: Mapped[Decimal] = mapped_column(Exact)
    credited: Mapped[Decimal] = mapped_column(Exact, default=0, server_default=text("0"))


class Joint(Base):
    """Of a reported figure, how much was done together with another unit: credited to both, in the total once."""

    __tablename__ = "joint"
    __table_args__ = (
        CheckConstraint("number > 0", name="number"),
        Index("ix_joint_partner_unit_id", "partner_unit_id"),
    )

    submission_id: Mapped[int] = mapped_column(ForeignKey("submission.id"), primary_key=True)
    metric_id: Mapped[int] = mapped_column(ForeignKey("metric.id"), primary_key=True)
    partner_unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), primary_key=True)
    number: Mapped[Decimal] = mapped_column(Exact)
