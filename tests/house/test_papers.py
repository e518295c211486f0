"""What is written for people: true on every machine, and complete."""

import re
from dataclasses import fields

import click

from campaign import cli
from campaign.config import Settings
from campaign.rules.states import OPEN
from campaign.rules.transitions import TABLE

from .sources import ROOT, assert_none

ONE_MACHINE = re.compile(r"(?<![\w.:/])/(?:work|home|root|Users|tmp|mnt)(?:/|\b)")
REGISTRIES = re.compile(r"pypi\.org|pythonhosted\.org|npmjs\.(?:org|com)|debian\.org/debian|docker\.io|ghcr\.io")
LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#\s]+)")


def papers() -> dict[str, str]:
    """Everything written for people, and the commands they run."""
    files = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *ROOT.glob("requirements*.txt")]
    files += [ROOT / "Makefile", ROOT / ".ci" / "run", *(ROOT / "docs").rglob("*.sh")]
    return {str(file.relative_to(ROOT)): file.read_text(encoding="utf-8") for file in files}


def test_papers_name_no_machine_and_no_registry():
    assert_none(
        f"{name}: {match[0]}"
        for name, text in papers().items()
        for pattern in (ONE_MACHINE, REGISTRIES)
        for match in pattern.finditer(text)
    )


def test_links_lead_somewhere():
    assert_none(
        f"{name}: {link}"
        for name, text in papers().items()
        if name.endswith(".md")
        for link in LINK.findall(text)
        if not ((ROOT / name).parent / link).resolve().exists()
    )


def test_the_readme_lists_every_setting():
    text = papers()["README.md"]
    assert_none(name for field in fields(Settings) if (name := f"`CAMPAIGN_{field.name.upper()}`") not in text)


def test_the_readme_lists_every_command():
    every = {name: found for name, found in vars(cli).items() if isinstance(found, click.Command)}
    words = {command: f"{group.name} {command.name}" for group in every.values() if isinstance(group, click.Group)
             for command in group.commands.values()}  # fmt: skip
    alone = {found: found.name for found in every.values() if not isinstance(found, click.Group)}
    rows = [line for line in papers()["README.md"].splitlines() if line.startswith("| `")]
    named = {command for row in rows for command in re.findall(r"`([a-z]+(?: [a-z]+)?)\b", row.split(" | ")[0])}
    assert_none(command for command in (alone | words).values() if command not in named)


def test_the_index_leads_to_every_page():
    index = papers()["docs/README.md"]
    pages = {file.name for file in (ROOT / "docs").glob("*.md")} - {"README.md"}
    assert_none(page for page in sorted(pages) if f"]({page})" not in index)


def test_decisions_are_numbered_without_gaps_and_name_their_price():
    files = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    assert [file.name[:4] for file in files] == [f"{number:04d}" for number in range(1, len(files) + 1)]
    for file in files:
        text = file.read_text(encoding="utf-8")
        for heading in ("Context", "Decision", "Price"):
            assert f"**{heading}.**" in text or f"## {heading}" in text, f"{file.name} has no {heading}"


def test_the_architecture_shows_the_law_as_it_is():
    text = papers()["docs/architecture.md"]
    rows = [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in text.splitlines() if " | " in line]
    start = next(number for number, row in enumerate(rows) if row[:3] == ["action", "from", "to"])
    shown = [(row[0].split()[0], row[1], row[2]) for row in rows[start + 2 : start + 2 + len(TABLE)]]
    assert [(action, to) for action, _, to in shown] == [(r.action.name.lower(), r.target.name.lower()) for r in TABLE]
    for row, (_, sources, _) in zip(TABLE, shown, strict=True):
        assert row.sources == OPEN or all(state.name.lower() in sources for state in row.sources)


def test_every_requirement_is_pinned():
    lines = [
        line.split("#")[0].strip()
        for name, text in papers().items()
        if name.startswith("requirements")
        for line in text.splitlines()
    ]
    assert_none(line for line in lines if line and not line.startswith("-r ") and "==" not in line)
