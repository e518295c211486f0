"""Acts that start in the same instant, each in a thread and a unit of work of its own."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from campaign.db import unit_of_work
from campaign.errors import CampaignError


def at_once(app, *acts):
    """Runs the acts in threads that start together; each answer, or the refusal."""
    barrier = Barrier(len(acts))

    def run(act):
        with app.app_context():
            barrier.wait()
            try:
                with unit_of_work():
                    return act()
            except CampaignError as error:
                return error

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))
