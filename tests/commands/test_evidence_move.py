"""The command that moves evidence from one home to another, and the start with a bucket that cannot be used."""

import io
import os
import subprocess
import sys

import pytest

from campaign import create_app
from campaign.evidence.homes import home_at
from tests.evidence.homes import FAULTS, SECRET, Home, bucket, s3_server, settings_of

__all__ = ["bucket", "s3_server"]


@pytest.fixture
def settings(settings, bucket):
    """The evidence is in the folder, and the keys of a bucket are set too."""
    return type(settings)(**vars(settings_of(settings, bucket)) | {"evidence_url": ""})


@pytest.fixture
def run(app):
    """Runs a command as a terminal would; exit code and what it printed."""

    def call(*words):
        result = app.test_cli_runner().invoke(args=[str(word) for word in words])
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result.exit_code, result.output

    return call


@pytest.fixture
def kept(app):
    """Five files in the folder."""
    store = app.extensions["evidence"]
    return [store.put(io.BytesIO(b"file %d" % number), name="a.txt").sha256 for number in range(5)]


def test_a_folder_moves_into_a_bucket_and_back(run, kept, app, settings, bucket, tmp_path):
    url = f"s3://{bucket.name}/{bucket.prefix}"
    code, said = run("evidence", "move", url)
    assert code == 0, said
    assert "copied 5, whole there already 0, damaged 0" in said
    assert f"CAMPAIGN_EVIDENCE_URL={url}" in said
    there = home_at(settings, url)
    assert all(there.verify(name) for name in kept)
    assert "copied 0, whole there already 5" in run("evidence", "move", url)[1]
    back = create_app(settings_of(settings, bucket))
    result = back.test_cli_runner().invoke(args=["evidence", "move", str(tmp_path / "back")])
    assert (result.exit_code, "copied 5" in result.output) == (0, True)
    assert set(home_at(settings, str(tmp_path / "back")).stored()) == set(kept)


def test_what_is_damaged_is_named_and_the_rest_moves(run, kept, app, settings, tmp_path):
    Home(app.extensions["evidence"]).spoil(kept[2], b"swapped")
    code, said = run("evidence", "move", tmp_path / "other")
    assert code == 1
    assert f"{kept[2]} is damaged here" in said
    assert set(home_at(settings, str(tmp_path / "other")).stored()) == set(kept) - {kept[2]}


def test_a_move_that_is_cut_is_refused_in_words_and_goes_on_later(run, kept, bucket):
    url = f"s3://{bucket.name}/{bucket.prefix}"
    FAULTS.answer("PUT", "InternalError", 500, times=3)
    code, said = run("evidence", "move", url)
    assert code == 1
    assert "cannot be reached" in said or "暂时无法访问" in said
    assert run("evidence", "move", url)[0] == 0


@pytest.mark.parametrize("target", ["s3://never-created/x", "ftp://host/x", "s3://Bad_Name"])
def test_a_target_that_cannot_be_used_is_refused(run, kept, target):
    code, said = run("evidence", "move", target)
    assert code != 0
    assert SECRET not in said


def test_a_wrong_bucket_ends_the_start_with_a_sentence(settings, bucket, tmp_path):
    given = {
        "CAMPAIGN_EVIDENCE_URL": "s3://never-created/x",
        "CAMPAIGN_DATA_DIR": str(tmp_path / "own"),
        "CAMPAIGN_S3_ENDPOINT": bucket.endpoint,
        "CAMPAIGN_S3_ACCESS_KEY": bucket.access_key,
        "CAMPAIGN_S3_SECRET_KEY": bucket.secret_key,
        "CAMPAIGN_PORT": "8399",
    }
    started = subprocess.run(
        [sys.executable, "-m", "campaign.serve"], env=os.environ | given, capture_output=True, text=True, timeout=60
    )
    assert started.returncode == 1
    assert "there is no bucket never-created" in started.stderr
    assert "Traceback" not in started.stderr
    assert SECRET not in started.stderr + started.stdout
