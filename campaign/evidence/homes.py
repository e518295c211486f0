"""Which home of evidence the settings mean."""

from dataclasses import replace
from importlib import import_module
from pathlib import Path

from ..config import Settings, check_evidence_url
from .store import Store
from .store_folder import FolderStore


def home_of(settings: Settings) -> Store:
    """The store that is set. The bucket's library is taken in only where a bucket is set: it is slow to import."""
    bucket = settings.bucket
    if bucket is None:
        return FolderStore(settings.evidence_path)
    made: Store = import_module(".store_bucket", __package__).BucketStore(settings.evidence_path, bucket)
    return made


def home_at(settings: Settings, url: str) -> Store:
    """The store at another address than the one that is set, with the same keys. Raises ConfigError."""
    check_evidence_url(settings, url)
    there = url if "://" in url else str(Path(url).resolve())
    return home_of(replace(settings, evidence_url=there))
