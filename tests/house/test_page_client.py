"""The inspector of pages finds what it is there to find."""

import pytest

from tests.browser import faults_of

GOOD = """<!doctype html><html lang="en"><head><title>Tasks</title></head><body><main><h1>Tasks</h1>
<form method="post" action="/x"><input type="hidden" name="csrf_token" value="t">
<label for="n">Name</label><input id="n" name="n"><button>Send</button></form></main></body></html>"""

BAD = [
    ("<title>Tasks</title>", "<title> · </title>", "titles"),
    ('<html lang="en">', "<html>", "language"),
    ("<h1>Tasks</h1>", "", "first headings"),
    ("<h1>Tasks</h1>", '<h1>Tasks</h1><p id="n"></p>', "id 'n' stands 2 times"),
    ('<label for="n">Name</label>', "Name", "has no label"),
    ('<input type="hidden" name="csrf_token" value="t">', "", "carries no token"),
    ("<h1>", '<h1 style="color: red">', "style"),
    ("<button>Send", "<button>", "says nothing"),
    ("<h1>Tasks", "<h1>Tasks {{ name }}", "template's own signs"),
    ("<h1>Tasks", "<h1>Tasks %(name)s", "template's own signs"),
    ("<main>", "<main><p><b></p>", "closes"),
    ("<main>", "<main><script>go()</script>", "inside the page"),
    ("<main>", '<main><img src="/a.png">', "no words"),
    ("<h1>", '<ul id="problems"><li><a href="#gone">Name</a></li></ul><h1>', "which is not there"),
    (
        "<button>Send",
        '<i id="m"></i><ul id="problems"><li><a href="#m">M</a><a href="#n">N</a></li></ul><button>Send',
        "not in the order",
    ),
    ('name="n">', 'name="n" aria-describedby="gone">', "not there"),
]


def test_a_good_page_has_no_faults():
    assert faults_of(GOOD) == []


@pytest.mark.parametrize(("old", "new", "fault"), BAD)
def test_a_fault_is_found(old, new, fault):
    assert old in GOOD
    assert fault in "; ".join(faults_of(GOOD.replace(old, new, 1)))
