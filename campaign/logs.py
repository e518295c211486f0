"""How the processes log: one line per event on standard error, as text or as JSON objects."""

import json
import logging
from datetime import UTC, datetime


class JsonLines(logging.Formatter):
    """One JSON object per line: time in UTC, level, logger, text, and the traceback where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line, whatever its text contains."""
        entry = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "text": record.getMessage(),
        }
        if record.exc_info:
            entry["traceback"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False)


class PlainLines(logging.Formatter):
    """Text for people; a line break inside a message cannot fake a second entry."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as text, its message on one line."""
        record.msg, record.args = record.getMessage().replace("\n", "\\n").replace("\r", "\\r"), ()
        return super().format(record)


def set_up_logs(form: str) -> None:
    """Sends the logs of this process to standard error, in that form ('text' or 'json')."""
    handler = logging.StreamHandler()
    plain = PlainLines("%(asctime)s %(levelname)s %(name)s: %(message)s")
    handler.setFormatter(JsonLines() if form == "json" else plain)
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.getLogger("apscheduler").setLevel(logging.WARNING)
