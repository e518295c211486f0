"""`python -m campaign.serve`: the recommended web server for one machine, set so that slow phones hold up nobody."""

import errno
import sys

from waitress import serve

from . import create_app
from .logs import set_up_logs

# A slow upload occupies a connection, never a thread: bodies are read before a thread is asked.
CONNECTIONS = 1000
THREADS = 8
# More than the product takes: so that it answers itself, with its sentence, when a form brings twenty photos at once.
LARGEST_BODY = 256 * 1024 * 1024


def main() -> None:
    """Serves until it is stopped."""
    app = create_app()
    settings = app.config["SETTINGS"]
    set_up_logs(settings.log_format)
    app.extensions["evidence"].begin()
    proxy = {"trusted_proxy": "*", "trusted_proxy_count": settings.proxies} if settings.proxies else {}
    headers = {"trusted_proxy_headers": {"x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"}}
    try:
        serve(
            app,
            host=settings.host,
            port=settings.port,
            threads=THREADS,
            connection_limit=CONNECTIONS,
            asyncore_use_poll=True,
            backlog=2048,
            max_request_body_size=LARGEST_BODY,
            channel_timeout=120,
            ident="",
            clear_untrusted_proxy_headers=True,
            **(proxy | headers if proxy else {}),
        )
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        sys.exit(f"Port {settings.port} is in use: perhaps this runs already. CAMPAIGN_PORT chooses another.")


if __name__ == "__main__":
    main()
