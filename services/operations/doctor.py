"""All checks of an installation, and the few that say whether a process can serve now."""

from collections.abc import Callable, Iterator

from core.config import Settings
from db.errors import StoreError
from services.observe import WORK
from services.operations import checks
from services.operations.checks import Check
from services.store import Store


def examine(settings: Settings) -> Iterator[Check]:
    """Every check, one after the other; changes nothing."""
    yield checks.check_python()
    yield checks.check_packages()
    yield checks.check_opencv()
    yield checks.check_models(settings)
    yield checks.check_data_dir(settings)
    yield checks.check_disk(settings)
    yield from checks.check_store(settings)
    yield checks.check_log(settings)
    yield checks.check_replicas(settings)
    yield checks.check_live_video(settings)
    yield checks.check_secrets_file()


def can_serve(settings: Settings) -> Iterator[Check]:
    """What a process needs to serve: models, database, disk. For a process that does not run."""
    yield checks.check_models(settings)
    yield from checks.check_store(settings)
    yield checks.check_data_dir(settings)
    yield checks.check_disk(settings)


class Readiness:
    """Says whether this running process can serve; cheap enough to be asked every second.

    Until `serving` says that the process has finished starting, it cannot.
    """

    def __init__(
        self,
        settings: Settings,
        find_store: Callable[[], Store | None],
        *,
        serving: Callable[[], bool] = lambda: True,
    ) -> None:
        self._settings, self._find_store, self._serving = settings, find_store, serving
        self._models: Check | None = None

    def __call__(self) -> Iterator[Check]:
        """Stopping, models, database and disk."""
        if WORK.stopping:
            # And no more: a look at the store could open it again.
            yield Check("stopping", "bad", "This process is about to end.")
            return
        if not self._serving():
            yield Check("starting", "bad", "This process is not through with its start.")
            return
        # Hashed once: the models in memory are what serves from then on.
        if self._models is None or self._models.state == "bad":
            self._models = checks.check_models(self._settings)
        yield self._models
        yield self._database()
        yield checks.check_data_dir(self._settings)
        yield checks.check_disk(self._settings)

    def _database(self) -> Check:
        store = self._find_store()
        if store is None:
            return Check("database", "bad", "The store is not open.")
        try:
            with store.read():
                return Check("database", "good", "It answers.")
        except StoreError as error:
            return Check("database", "bad", str(error))
