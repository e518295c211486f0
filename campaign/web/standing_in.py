"""A person's page of standing in: who acts for them and for whom they act; naming somebody, ending it."""

from datetime import date
from typing import Any
from uuid import uuid4

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import HiddenField, SelectField, StringField
from wtforms.validators import InputRequired, Optional

from ..clock import local_today
from ..db import unit_of_work
from ..errors import Invalid, NotFound, Problem, say
from ..operations import delegation
from ..operations.delegation import LONGEST_REASON, Wish
from ..queries.delegations import Candidate, Lendable, candidates, lendable, link, links_of
from .access import current_actor, page_now
from .form_reading import DayField, at_most
from .language import speak
from .words import word

bp = Blueprint("standing_in", __name__, url_prefix="/me/delegations")

NEEDED = _l("Please fill this in.")
CHOOSE = _l("Please choose.")
LONGEST_SEARCH = 60


class StandInForm(FlaskForm):
    """Which post, who, from when to when, and why. `find` narrows the people to choose from."""

    post = SelectField(_l("Post"), [InputRequired(CHOOSE)], coerce=int, validate_choice=False)
    find = StringField(_l("Find a person by name or unit"), [Optional(), at_most(LONGEST_SEARCH)])
    delegate_id = SelectField(_l("Stand-in"), [InputRequired(CHOOSE)], validate_choice=False)
    valid_from = DayField(_l("From"), [InputRequired(NEEDED)])
    valid_to = DayField(_l("Last day"), [InputRequired(NEEDED)])
    reason = StringField(_l("Reason"), [Optional(), at_most(LONGEST_REASON)])
    client_action_id = HiddenField()

    def offer(self, posts: list[Lendable]) -> Lendable | None:
        """Fills the choice of posts; the one that is chosen, or the first."""
        self.post.choices = [(post.id, post_words(post)) for post in posts]
        chosen = next((post for post in posts if post.id == self.post.data), posts[0] if posts else None)
        if chosen is not None and not request.form:
            self.post.data = chosen.id
        return chosen

    def offer_people(self, people: list[Candidate]) -> None:
        """Fills the choice of people."""
        words = [(str(one.id), _("%(name)s · %(unit)s", name=one.name, unit=one.unit_name)) for one in people]
        self.delegate_id.choices = [("", _("Please choose.")), *words]

    def begin(self, today: date) -> None:
        """The values of an empty form."""
        self.valid_from.data, self.client_action_id.data = today, str(uuid4())

    def wish(self) -> Wish:
        """What was asked for."""
        delegate_id = number_in(self.delegate_id.data)
        if delegate_id is None:
            raise Invalid(say("The form is damaged. Please open the page again."))
        return Wish(
            self.post.data, delegate_id, self.valid_from.data, self.valid_to.data,
            (self.reason.data or "").strip(),
        )  # fmt: skip

    def refuse(self, refused: Invalid) -> None:
        """Puts what was refused to the fields it concerns."""
        for problem in refused.problems or [Problem("delegate_id", refused.sentence)]:
            field = self._fields.get(problem.where, self.delegate_id)
            field.errors = [*field.errors, speak(problem.sentence)]


def number_in(text: object) -> int | None:
    """The id that a choice names, or None for what is not one."""
    text = str(text or "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None


def post_words(post: Lendable) -> str:
    """A post as it stands in a choice; with its holder when it is not an own one."""
    words = _("%(unit)s · %(role)s", unit=post.unit_name, role=word(post.role))
    return words if post.own else _("%(post)s, for %(holder)s", post=words, holder=post.holder_name)


@bp.get("")
def index() -> Any:
    """What concerns the reader, and the form."""
    form = StandInForm(formdata=None)
    form.begin(local_today(page_now()))
    return _draw(form)


@bp.post("")
def name() -> Any:
    """Names somebody; or only looks for people, when that button was pressed."""
    form = StandInForm()
    if "look" in request.form:
        return _draw(form)
    if not form.validate_on_submit():
        return _draw(form), 422
    try:
        with unit_of_work():
            delegation.name_stand_in(
                form.wish(), actor=current_actor(), now=page_now(),
                client_action_id=form.client_action_id.data or None,
            )  # fmt: skip
    except Invalid as refused:
        form.refuse(refused)
        return _draw(form), 422
    flash(_("The stand-in is named. Both of you have been told."), "success")
    return redirect(url_for(".index"), 303)


@bp.post("/<int:id>/end")
def end(id: int) -> Any:
    """Ends it now, by either side."""
    actor, found = current_actor(), link(id)
    if found is None or actor.person_id not in (found.holder_id, found.giver_id, found.delegate_id):
        raise NotFound(say("This does not exist, or it is not for you."))
    with unit_of_work():
        delegation.end_stand_in(id, actor=actor, now=page_now())
    flash(_("It has ended. From the next page on the stand-in no longer acts in this post."), "success")
    return redirect(url_for(".index"), 303)


def _draw(form: StandInForm) -> str:
    actor, today = current_actor(), local_today(page_now())
    posts, links = lendable(actor.person_id, on=today), links_of(actor.person_id, on=today)
    chosen = form.offer(posts)
    people = []
    if chosen is not None:
        text = (form.find.data or "").strip()[:LONGEST_SEARCH]
        people = candidates(chosen, text, on=today, leave_out={actor.person_id}, keep=number_in(form.delegate_id.data))
        form.offer_people(people)
    return render_template(
        "standing_in/index.html",
        form=form,
        posts=posts,
        people=people,
        given=[found for found in links if found.delegate_id != actor.person_id],
        received=[found for found in links if found.delegate_id == actor.person_id],
        held=[post for post in actor.posts if post.holder_id is None],
        today=today,
        reader_id=actor.person_id,
    )
