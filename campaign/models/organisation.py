"""The organisation: areas (one tree), units (area and line), people, posts."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    CompoundSelect,
    Date,
    ForeignKey,
    Index,
    Integer,
    ScalarSelect,
    SmallInteger,
    String,
    UniqueConstraint,
    and_,
    false,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import Mapped, mapped_column

from ..db import Base, BigId, Code, Instant
from ..rules.organisation import DELEGABLE, LeafKind, Level, Line, Role


class Area(Base):
    """A node of the one tree. `path`: the ids from the root ('/1/7/30/'); `lft`..`rgt`: its preorder interval.

    `successor_id`: who follows an area that ended, by a merger or a split.
    """

    __tablename__ = "area"
    __table_args__ = (
        CheckConstraint("lft <= rgt", name="interval"),
        Index("ix_area_parent_lft", "parent_id", "lft"),
        Index("ix_area_lft", "lft"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    code: Mapped[str] = mapped_column(String(24), unique=True)
    name: Mapped[str] = mapped_column(String(120))
    level: Mapped[Level] = mapped_column(Code(Level))
    kind: Mapped[LeafKind | None] = mapped_column(Code(LeafKind))
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("area.id"))
    path: Mapped[str] = mapped_column(String(120))
    depth: Mapped[int] = mapped_column(SmallInteger)
    lft: Mapped[int] = mapped_column(Integer)
    rgt: Mapped[int] = mapped_column(Integer)
    valid_from: Mapped[date | None] = mapped_column(Date)
    valid_to: Mapped[date | None] = mapped_column(Date)
    successor_id: Mapped[int | None] = mapped_column(ForeignKey("area.id"))


class Placement(Base):
    """Where an area stood before it was moved: below that parent until then. The present place stands in the area."""

    __tablename__ = "placement"
    __table_args__ = (Index("ix_placement_parent_id", "parent_id"), {"sqlite_with_rowid": False})

    area_id: Mapped[int] = mapped_column(ForeignKey("area.id"), primary_key=True, autoincrement=False)
    until: Mapped[datetime] = mapped_column(Instant, primary_key=True)
    parent_id: Mapped[int] = mapped_column(ForeignKey("area.id"))


class Unit(Base):
    """One line's body in one area. `level` and `lft` repeat the area's, so that a subtree is a range of one index.

    `superior_id`: the unit of the same line in the nearest area above; where there is none, the 党委 unit of the
    same area or the nearest above.
    """

    __tablename__ = "unit"
    __table_args__ = (
        UniqueConstraint("area_id", "line"),
        Index("ix_unit_line_level_lft", "line", "level", "lft"),
        Index("ix_unit_lft", "lft"),
        Index("ix_unit_superior_id", "superior_id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    area_id: Mapped[int] = mapped_column(ForeignKey("area.id"))
    line: Mapped[Line] = mapped_column(Code(Line))
    level: Mapped[Level] = mapped_column(Code(Level))
    lft: Mapped[int] = mapped_column(Integer)
    name: Mapped[str] = mapped_column(String(160))
    superior_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"))
    valid_from: Mapped[date | None] = mapped_column(Date)
    valid_to: Mapped[date | None] = mapped_column(Date)


class Person(Base):
    """A human with an account; `id` 1 is the system itself, which cannot sign in."""

    __tablename__ = "person"
    __table_args__ = (Index("ix_person_feed_digest", "feed_digest", unique=True),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    login: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(64))
    phone: Mapped[str | None] = mapped_column(String(32))
    email: Mapped[str | None] = mapped_column(String(254))
    locale: Mapped[str | None] = mapped_column(String(8))
    password_hash: Mapped[str | None] = mapped_column(String(200))
    must_change_password: Mapped[bool] = mapped_column(default=True)
    disabled_at: Mapped[datetime | None] = mapped_column(Instant)
    created_at: Mapped[datetime] = mapped_column(Instant)
    # How the person wants to be told; None: as everybody. Times are minutes after midnight, local.
    digest_at: Mapped[int | None] = mapped_column(SmallInteger)
    quiet_from: Mapped[int | None] = mapped_column(SmallInteger)
    quiet_until: Mapped[int | None] = mapped_column(SmallInteger)
    on_rest_days: Mapped[bool] = mapped_column(default=False, server_default=false())
    channels: Mapped[str | None] = mapped_column(String(60))  # numbers of channels, comma-joined
    feed_digest: Mapped[str | None] = mapped_column(String(64))  # SHA-256 of the calendar link's token


class Post(Base):
    """A person's role in a unit for a time; `valid_to` is the last day, in the organisation's time zone."""

    __tablename__ = "post"
    __table_args__ = (
        UniqueConstraint("person_id", "unit_id", "role", "valid_from"),
        CheckConstraint("valid_to IS NULL OR valid_from <= valid_to", name="validity"),
        Index("ix_post_unit_role", "unit_id", "role"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    role: Mapped[Role] = mapped_column(Code(Role))
    valid_from: Mapped[date] = mapped_column(Date)
    valid_to: Mapped[date | None] = mapped_column(Date)
    disabled_at: Mapped[datetime | None] = mapped_column(Instant)


class Delegation(Base):
    """Somebody stands in for the holder of a post for a time, both days included. `delegator_id` gave it: the holder,
    or a stand-in who passes it on. An act of the stand-in is stamped with the post, so that it reads 'X for Y'."""

    __tablename__ = "delegation"
    __table_args__ = (
        CheckConstraint("valid_from <= valid_to", name="validity"),
        CheckConstraint("delegator_id <> delegate_id", name="somebody_else"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    post_id: Mapped[int] = mapped_column(ForeignKey("post.id"), index=True)
    delegator_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    delegate_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    valid_from: Mapped[date] = mapped_column(Date)
    valid_to: Mapped[date] = mapped_column(Date)
    reason: Mapped[str] = mapped_column(String(400), default="")
    at: Mapped[datetime] = mapped_column(Instant)
    ended_at: Mapped[datetime | None] = mapped_column(Instant)


def holds_on(day: date) -> ColumnElement[bool]:
    """Whether a post is held on that day (in the organisation's time zone): within its dates and not disabled."""
    return and_(Post.disabled_at.is_(None), Post.valid_from <= day, or_(Post.valid_to.is_(None), Post.valid_to >= day))


def stands_in_on(day: date) -> ColumnElement[bool]:
    """ON clause between Post and Delegation: the stand-ins who act in the post on that day, while it is held.

    To tell or count everybody who acts, write the statement twice and join the halves by UNION: with `Post.person_id`,
    and with `Delegation.delegate_id` and this clause. An OR would let neither database use its indexes.
    """
    return and_(
        Delegation.post_id == Post.id,
        Delegation.ended_at.is_(None),
        Delegation.valid_from <= day,
        Delegation.valid_to >= day,
        Post.role.in_(DELEGABLE),
        holds_on(day),
    )


def works_near(line: Line, lft: int, rgt: int, day: date) -> ColumnElement[bool]:
    """A clause over Post joined with Unit: who does the work on that day around a unit of this line whose area has
    this preorder interval: in the same area in any line, and below it where the unit itself sees."""
    seen = Unit.lft.between(lft, rgt) if line is Line.PARTY else and_(Unit.lft.between(lft, rgt), Unit.line == line)
    return and_(Post.role.in_(DELEGABLE), holds_on(day), or_(Unit.lft == lft, seen))


def manned_on(unit_id: Any, role: Role, day: date) -> ColumnElement[bool]:
    """Whether anybody acts in that role of that unit on that day: a holder or a stand-in whose account is open."""
    post, person, lent = Post, Person.__table__.alias(), Delegation
    held = select(post.id).join(person, person.c.id == post.person_id)
    stood_in = select(post.id).join(lent, stands_in_on(day)).join(person, person.c.id == lent.delegate_id)
    here = Post.unit_id == unit_id, Post.role == role, person.c.disabled_at.is_(None)
    return or_(
        held.where(*here, holds_on(day)).correlate_except(post, person).exists(),
        stood_in.where(*here).correlate_except(post, person, lent).exists(),
    )


def acts_in(person_id: Any, day: date) -> CompoundSelect[Any]:
    """The posts in which one person acts on that day, as rows (post_id, unit_id, role): those held and those stood in
    for. A person has a few, so ask this first and the assignments of these units afterwards."""
    columns = (Post.id.label("post_id"), Post.unit_id.label("unit_id"), Post.role.label("role"))
    held = select(*columns).where(Post.person_id == person_id, holds_on(day))
    stood_in = select(*columns).join(Delegation, stands_in_on(day)).where(Delegation.delegate_id == person_id)
    return union_all(held, stood_in)


def acted_for(post_id: Any, person_id: Any) -> ScalarSelect[str | None]:
    """A column: the name of the holder of the post when somebody else acted in it, NULL otherwise."""
    holder, post = Person.__table__.alias(), Post.__table__.alias()
    named = select(holder.c.name).join(post, post.c.person_id == holder.c.id)
    return named.where(post.c.id == post_id, post.c.person_id != person_id).scalar_subquery()
