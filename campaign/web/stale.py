"""The page for somebody who came too late: what happened meanwhile, what they had written, what can be done now."""

from typing import Any

from flask import Blueprint, jsonify, make_response, render_template, request

from ..errors import CampaignError, Conflict, NotFound, Refused, Stale, say
from ..queries.queue import place_of
from ..queries.timeline import meanwhile
from .access import current_actor, page_now
from .errors import refusal_page, wants_json
from .filters import moment
from .happenings import beside, dot, told, too_late
from .language import speak

GONE = say("This does not exist, or it is not for you.")
TYPED = ("words", "reason", "remark")  # the fields in which somebody may have written sentences


def tell_what_happened(blueprint: Blueprint) -> None:
    """Answers Stale, Refused and Conflict of the blueprint's views with this page.

    The views name the assignment in their address as `id` and carry `seen` in their forms.
    """
    for kind in (Stale, Refused, Conflict):
        blueprint.register_error_handler(kind, stale_page)


def stale_page(error: CampaignError) -> Any:
    """409: the sentence, the entries of the log that the reader had not seen, the words that were not sent."""
    actor = current_actor()
    assignment_id = (request.view_args or {}).get("id")
    if assignment_id is None:  # an act on many at once
        return refusal_page(error)
    place = place_of(int(assignment_id), actor)
    if place is None:  # an error raised here would be answered as a failure of ours
        return refusal_page(NotFound(GONE))
    seen = request.form.get("seen", type=int)
    entries = [] if seen is None else meanwhile(place.id, seen)
    reader = actor.person_id
    title = too_late(entries[-1], moment(entries[-1].at), reader) if entries else speak(error.sentence)
    happened = [(entry.at, told(entry, reader), " · ".join(beside(entry)), dot(entry)) for entry in entries]
    if wants_json():
        lines = [{"at": at.isoformat(), "what": what, "beside": more} for at, what, more, _dot in happened]
        answer = jsonify({"status": 409, "title": title, "sentence": speak(error.sentence), "meanwhile": lines})
    else:
        typed = [text for name in TYPED if (text := request.form.get(name, "").strip()) and not text.isdigit()]
        page = render_template(
            "errors/stale.html", title=title, sentence=speak(error.sentence), place=place, happened=happened,
            typed=typed, now=page_now(), reviewing=request.blueprint == "reviews",
        )  # fmt: skip
        answer = make_response(page)
    answer.status_code = 409
    return answer
