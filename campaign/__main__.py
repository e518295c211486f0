"""`python -m campaign …`: the same commands as `flask --app wsgi …`."""

from flask.cli import FlaskGroup

from . import create_app

FlaskGroup(create_app=create_app).main(prog_name="campaign")
