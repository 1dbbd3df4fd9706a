"""How many files come in at once, and how many a business hands in within an hour."""

import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final

from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.payments.bulk import limits, store
from huitong.payments.bulk.errors import TooManyUploads

_HOUR: Final = timedelta(hours=1)


class UploadPlaces:
    """The places for files that one process takes in at once; used from one event loop."""

    def __init__(
        self,
        places: int = limits.UPLOADS_AT_ONCE_MAX,
        places_of_business: int = limits.UPLOADS_OF_BUSINESS_MAX,
    ) -> None:
        """Begin with all places free."""
        self._places, self._places_of_business = places, places_of_business
        self._taken: Counter[uuid.UUID] = Counter()

    @contextmanager
    def take(self, merchant_id: uuid.UUID) -> Iterator[None]:
        """Keep a place for a file of a business while in the context; raises TooManyUploads.

        Nobody waits for a place: a body that waits would hold its connection all the while.
        """
        is_full = self._taken.total() >= self._places
        if is_full or self._taken[merchant_id] >= self._places_of_business:
            raise TooManyUploads(
                "Other files are being checked. 正在检查其他文件，请稍后重试。",
                limits.UPLOAD_RETRY_SECONDS,
            )
        self._taken[merchant_id] += 1
        try:
            yield
        finally:
            self._taken[merchant_id] -= 1
            self._taken += Counter()


async def check_file_count(uow: UnitOfWork, *, merchant_id: uuid.UUID, now: datetime) -> None:
    """Refuse a business that has handed in too many files within the last hour.

    Raises TooManyUploads, which says when the next one may come. Files that come at the same moment
    may all be let in: no more than there are places.
    """
    since = now - _HOUR
    earliest = await store.find_submitted_nth(uow, merchant_id, limits.FILES_AN_HOUR_MAX)
    if earliest is not None and earliest > since:
        seconds = int((earliest - since).total_seconds()) + 1
        raise TooManyUploads(
            f"A business hands in at most {limits.FILES_AN_HOUR_MAX} files an hour. "
            f"每小时最多提交 {limits.FILES_AN_HOUR_MAX} 个文件。",
            seconds,
        )
