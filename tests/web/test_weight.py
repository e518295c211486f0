"""The first page of an officer's phone: its weight, its requests, and that nothing is asked for twice."""

import gzip
import re

from campaign.rules.organisation import Role
from tests import make

PACKED = {"Accept-Encoding": "gzip"}


def test_the_first_page_is_light(app, visitor):
    tree = make.small_tree()
    for _number in range(30):
        make.assignment(make.task(make.campaign(tree.unit(tree.county))), tree.unit(tree.villages[0]))
    visitor.sign_in(tree.holder(tree.villages[0], Role.OFFICER))
    page = visitor.client.get("/", headers=PACKED)
    html = gzip.decompress(page.data).decode()
    files = re.findall(r'(?:href|src)="(/static/[^"]+)"', html)
    weights = [len(page.data)]
    for file in files:
        answer = visitor.client.get(file, headers=PACKED)
        assert answer.headers["Content-Encoding"] == "gzip"
        assert "immutable" in answer.headers["Cache-Control"]
        weights.append(len(answer.data))
    assert len(weights) <= 5
    assert sum(weights) <= 100_000, weights


def test_who_does_not_unpack_gets_it_plain(app, client):
    answer = client.get("/static/tokens.css", buffered=True)
    assert b"--paper" in answer.data
    assert "Content-Encoding" not in answer.headers
    assert "Accept-Encoding" in answer.headers["Vary"]
    again = client.get("/static/tokens.css", headers={"If-None-Match": answer.headers["ETag"]} | PACKED, buffered=True)
    assert again.status_code == 304
