"""One person for administrators: the account, the posts, a new first password; and a new person with a first post."""

from datetime import date
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import SelectField, StringField
from wtforms.validators import InputRequired, Optional

from ..clock import local_today
from ..db import unit_of_work
from ..errors import Invalid, NotFound, Problem, say
from ..operations import people
from ..operations.unit_names import UnitNames
from ..queries import accounts, timeline
from ..rules.accounts import may_administer, may_administer_all
from ..rules.organisation import Line, Role
from .access import current_actor, page_now
from .admin_people import standing_of
from .form_reading import DayField, at_most
from .happenings import beside, told, who_did
from .language import speak
from .words import word

NEEDED = _l("Please fill this in.")


class PostForm(FlaskForm):
    """A post: the unit by its name, or by the code of its area and the line."""

    unit = StringField(_l("Unit, or the code of its area"), [InputRequired(NEEDED), at_most(160)])
    line = SelectField(_l("Line"), [Optional()])
    role = SelectField(_l("Role"), [InputRequired(NEEDED)])
    valid_from = DayField(_l("From"), [InputRequired(NEEDED)])
    valid_to = DayField(_l("Last day"), [Optional()])

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.line.choices = [("", _("as the name says")), *((str(int(line)), word(line)) for line in Line)]
        self.role.choices = [(str(int(role)), word(role)) for role in Role]

    def unit_id(self) -> int:
        """The unit that is meant. Invalid when there is none, or more than one."""
        actor = current_actor()
        name = (self.unit.data or "").strip()
        line = Line(int(self.line.data)) if self.line.data else None
        found = UnitNames({name}, lambda line, lft: may_administer(actor, line, lft)).find(name, line)
        if found.problem is not None:
            raise Invalid(found.problem, [Problem("unit", found.problem)])
        return found.id


class PersonForm(PostForm):
    """A new person with the first post."""

    login = StringField(_l("Login name"), [InputRequired(NEEDED), at_most(64)])
    name = StringField(_l("Name"), [InputRequired(NEEDED), at_most(64)])
    phone = StringField(_l("Telephone"), [Optional(), at_most(32)])
    email = StringField(_l("E-mail"), [Optional(), at_most(254)])


def new() -> Any:
    form = PersonForm()
    if request.method == "GET":
        form.unit.data, form.valid_from.data = request.args.get("unit", "")[:160], _today()
        form.role.data = str(int(Role.OFFICER))
        return render_template("admin/person_new.html", form=form)
    if not form.validate_on_submit():
        return render_template("admin/person_new.html", form=form), 422
    actor, now = current_actor(), page_now()
    try:
        unit_id = form.unit_id()
        with unit_of_work():
            person_id = people.create_person(
                login=form.login.data, name=form.name.data, phone=form.phone.data or None,
                email=form.email.data or None, actor=actor, now=now,
            )  # fmt: skip
            _add_post(form, person_id, unit_id)
            password = people.reset_password(person_id, actor=actor, now=now)
    except Invalid as refused:
        _show(form, refused)
        return render_template("admin/person_new.html", form=form), 422
    return _one_time(person_id, password)


def person(id: int) -> Any:
    return _draw(id, None)


def post_add(id: int) -> Any:
    _found(id)  # a post of one's own must not bring somebody else's people within reach
    form = PostForm()
    if not form.validate_on_submit():
        return _draw(id, form), 422
    try:
        unit_id = form.unit_id()
        with unit_of_work():
            _add_post(form, id, unit_id)
    except Invalid as refused:
        _show(form, refused)
        return _draw(id, form), 422
    flash(_("The post was added. It holds from the next page on."), "success")
    return redirect(url_for("admin.person", id=id), 303)


def post_end(id: int, post_id: int) -> Any:
    if all(post.id != post_id for post in _found(id).posts):
        raise NotFound(say("There is no such post in your area."))
    with unit_of_work():
        people.end_post(post_id, actor=current_actor(), now=page_now())
    flash(_("The post was ended. The person can no longer act in it."), "success")
    return redirect(way_to(id), 303)


def disable(id: int) -> Any:
    with unit_of_work():
        people.disable_person(id, actor=current_actor(), now=page_now())
    flash(_("The account was disabled; the person has been signed out everywhere."), "success")
    return redirect(url_for("admin.person", id=id), 303)


def enable(id: int) -> Any:
    with unit_of_work():
        people.enable_person(id, actor=current_actor(), now=page_now())
    flash(_("The account is open again."), "success")
    return redirect(url_for("admin.person", id=id), 303)


def password(id: int) -> Any:
    with unit_of_work():
        made = people.reset_password(id, actor=current_actor(), now=page_now())
    return _one_time(id, made)


def _today() -> date:
    return local_today(page_now())


def _add_post(form: PostForm, person_id: int, unit_id: int) -> None:
    people.add_post(
        person_id, unit_id, Role(int(form.role.data)), valid_from=form.valid_from.data, valid_to=form.valid_to.data,
        actor=current_actor(), now=page_now(),
    )  # fmt: skip


def _show(form: FlaskForm, refused: Invalid) -> None:
    """Puts what was refused to the fields it concerns."""
    for problem in refused.problems:
        where = problem.where if problem.where in form._fields else "unit"
        field = form[where]
        field.errors = [*field.errors, speak(problem.sentence)]


def way_to(id: int) -> str:
    """The page of a person whose post has just ended; the list, when they are looked after elsewhere from now on."""
    found = accounts.person(id, current_actor(), on=_today())
    return url_for("admin.people") if found is None else url_for("admin.person", id=id)


def _found(id: int) -> accounts.PersonRow:
    found = accounts.person(id, current_actor(), on=_today())
    if found is None:
        raise NotFound(say("There is no such person in your area."))
    return found


def _draw(id: int, form: PostForm | None) -> Any:
    found, actor = _found(id), current_actor()
    living = [post for post in found.posts if post.living]
    if form is None:
        form = PostForm(formdata=None)
        form.valid_from.data, form.role.data = _today(), str(int(Role.OFFICER))
    return render_template(
        "admin/person.html",
        account=found,
        form=form,
        standing=standing_of(found),
        mine=may_administer_all(actor, [(post.line, post.lft) for post in living]),
        may_end={post.id for post in living if may_administer(actor, post.line, post.lft)},
        is_me=found.id == actor.person_id,
        today=_today(),
        entries=timeline.of_object("person", id, limit=20),
        told=told,
        beside=beside,
        who_did=who_did,
    )


def _one_time(id: int, made: str) -> Any:
    """The page with the password. It is the answer itself: nothing that could be asked for again keeps it."""
    return render_template("admin/password.html", account=_found(id), password=made)
