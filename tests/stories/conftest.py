"""What the stories stand on: the demonstration, loaded once and copied for each, and the product running on it."""

import fcntl
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from .people import Crowd
from .product import Product

Opens = Callable[..., Product]


@pytest.fixture(scope="session")
def demonstration(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A data folder with the demonstration, as `demo load` leaves it; the test processes share one."""
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "demonstration"
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "loaded").exists():
            shutil.rmtree(folder, ignore_errors=True)
            product = Product(folder)
            product.run("campaign", "db", "upgrade")
            product.run("campaign", "demo", "load")
            (folder / "loaded").touch()
    return folder


@pytest.fixture
def opens() -> Iterator[Opens]:
    """Opens an installation; at the end of the story it is stopped, its data hold and its logs tell of no fault."""
    opened: list[Product] = []

    def open_it(folder: Path, **settings: str) -> Product:
        opened.append(Product(folder, **settings))
        return opened[-1]

    yield open_it
    for product in opened:
        product.stop()
    for product in opened:
        product.check()
        assert not product.complaints(), "\n".join(product.complaints())


@pytest.fixture
def product(opens: Opens, demonstration: Path, tmp_path: Path) -> Product:
    """The demonstration, not yet started."""
    folder = tmp_path / "product"
    shutil.copytree(demonstration, folder)
    return opens(folder)


@pytest.fixture
def crowd(chromium: Browser, product: Product, shape: str, language: str) -> Iterator[Crowd]:
    """The people of the story, at windows of this shape, reading this language."""
    people = Crowd(chromium, product.address, shape, language)
    yield people
    people.leave()
