"""For administrators: posts handed over from one person to another, and a stand-in named for who cannot do it."""

from typing import Any
from uuid import uuid4

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import HiddenField, SelectField, SelectMultipleField, StringField, TextAreaField
from wtforms.validators import InputRequired, Optional

from ..clock import local_today
from ..db import unit_of_work
from ..errors import Invalid, NotFound, Problem, say
from ..operations import delegation, handover
from ..operations.handover import LONGEST_NOTE, Handing
from ..queries import accounts, handovers
from ..queries.accounts import PersonRow
from ..queries.delegations import Lendable, candidates_of, lendable, link, links_of
from ..rules.accounts import may_administer
from .access import current_actor, page_now
from .admin_person import way_to
from .form_reading import DayField, at_most
from .language import speak
from .standing_in import CHOOSE, LONGEST_SEARCH, NEEDED, StandInForm, number_in
from .words import word


class HandOverForm(FlaskForm):
    """Which posts, to whom, from when, and what the successor should know. `find` narrows the people."""

    posts = SelectMultipleField(_l("Posts"), [InputRequired(CHOOSE)], coerce=int, validate_choice=False)
    find = StringField(_l("Find a person by name or unit"), [Optional(), at_most(LONGEST_SEARCH)])
    to_id = SelectField(_l("Successor"), [InputRequired(CHOOSE)], validate_choice=False)
    first_day = DayField(_l("First day of the successor"), [InputRequired(NEEDED)])
    note = TextAreaField(_l("For the successor"), [Optional(), at_most(LONGEST_NOTE)])
    client_action_id = HiddenField()

    def handing(self, from_id: int) -> Handing:
        """What was asked for."""
        to_id = number_in(self.to_id.data)
        if to_id is None:
            raise Invalid(say("The form is damaged. Please open the page again."))
        return Handing(
            from_id, to_id, tuple(sorted(set(self.posts.data))), self.first_day.data,
            (self.note.data or "").strip(),
        )  # fmt: skip


def hand_over(id: int) -> Any:
    """First the choice, then the consequences, then the act; `look` and `preview` change nothing."""
    account = _account(id)
    if request.method == "GET":
        form = HandOverForm(formdata=None)
        form.first_day.data, form.client_action_id.data = local_today(page_now()), str(uuid4())
        form.posts.data = [post.id for post in _movable(account)]
        return _draw(account, form)
    form = HandOverForm()
    if "look" in request.form:
        return _draw(account, form)
    if not form.validate_on_submit():
        return _draw(account, form), 422
    if "confirm" not in request.form:
        return _draw(account, form, preview=True)
    try:
        with unit_of_work():
            handover.hand_over(
                form.handing(id), actor=current_actor(), now=page_now(),
                client_action_id=form.client_action_id.data or None,
            )  # fmt: skip
    except Invalid as refused:
        for problem in refused.problems or [Problem("to_id", refused.sentence)]:
            field = form._fields.get(problem.where, form.to_id)
            field.errors = [*field.errors, speak(problem.sentence)]
        return _draw(account, form), 422
    flash(_("The posts were handed over. Both have been told."), "success")
    return redirect(way_to(id), 303)


def stand_in(id: int) -> Any:
    """Names a stand-in in the holder's name."""
    account = _account(id)
    if request.method == "GET":
        form = StandInForm(formdata=None)
        form.begin(local_today(page_now()))
        return _draw_stand_in(account, form)
    form = StandInForm()
    if "look" in request.form:
        return _draw_stand_in(account, form)
    if not form.validate_on_submit():
        return _draw_stand_in(account, form), 422
    if form.post.data not in {post.id for post in _lendable(account)}:
        raise NotFound(say("There is no such post in your area."))
    try:
        with unit_of_work():
            delegation.name_stand_in(
                form.wish(), actor=current_actor(), now=page_now(),
                client_action_id=form.client_action_id.data or None,
            )  # fmt: skip
    except Invalid as refused:
        form.refuse(refused)
        return _draw_stand_in(account, form), 422
    flash(_("The stand-in is named. Both of them have been told."), "success")
    return redirect(url_for("admin.person_stand_in", id=id), 303)


def stand_in_end(id: int, link_id: int) -> Any:
    """Ends one of the person's delegations."""
    account, found = _account(id), link(link_id)
    if found is None or account.id not in (found.holder_id, found.giver_id, found.delegate_id):
        raise NotFound(say("This does not exist, or it is not for you."))
    with unit_of_work():
        delegation.end_stand_in(link_id, actor=current_actor(), now=page_now())
    flash(_("It has ended. From the next page on the stand-in no longer acts in this post."), "success")
    return redirect(url_for("admin.person_stand_in", id=id), 303)


def _account(id: int) -> PersonRow:
    found = accounts.person(id, current_actor(), on=local_today(page_now()))
    if found is None:
        raise NotFound(say("There is no such person in your area."))
    return found


def _movable(account: PersonRow) -> list[accounts.PostRow]:
    """The living posts that this administrator administers."""
    actor = current_actor()
    return [post for post in account.posts if post.living and may_administer(actor, post.line, post.lft)]


def _lendable(account: PersonRow) -> list[Lendable]:
    mine = {post.id for post in _movable(account)}
    return [post for post in lendable(account.id, on=local_today(page_now())) if post.own and post.id in mine]


def _draw(account: PersonRow, form: HandOverForm, preview: bool = False) -> str:
    actor, now = current_actor(), page_now()
    posts = _movable(account)
    form.posts.choices = [
        (post.id, _("%(unit)s · %(role)s", unit=post.unit_name, role=word(post.role))) for post in posts
    ]
    text = (form.find.data or "").strip()[:LONGEST_SEARCH]
    units = [post.unit_id for post in posts]
    people = handovers.successors(
        actor, text, on=local_today(now), leave_out=account.id, units=units, keep=number_in(form.to_id.data)
    )
    words = [(str(one.id), _("%(name)s · %(unit)s", name=one.name, unit=one.unit_name or one.login)) for one in people]
    form.to_id.choices = [("", _("Please choose.")), *words]
    chosen = [post for post in posts if post.id in (form.posts.data or ())]
    return render_template(
        "admin/hand_over.html",
        account=account,
        form=form,
        posts=posts,
        people=people,
        chosen=chosen,
        to=next((one.name for one in people if str(one.id) == form.to_id.data), ""),
        preview=preview,
        estate=handovers.estate(account.id, [(post.unit_id, post.role) for post in chosen], now=now),
        now=now,
    )


def _draw_stand_in(account: PersonRow, form: StandInForm) -> str:
    actor, today = current_actor(), local_today(page_now())
    posts = _lendable(account)
    chosen, people = form.offer(posts), []
    if chosen is not None:
        text = (form.find.data or "").strip()[:LONGEST_SEARCH]
        people = candidates_of(
            actor, chosen, text, on=today, leave_out={account.id}, keep=number_in(form.delegate_id.data)
        )
        form.offer_people(people)
    return render_template(
        "admin/stand_in.html", account=account, form=form, posts=posts, people=people,
        links=links_of(account.id, on=today), today=today,
    )  # fmt: skip
