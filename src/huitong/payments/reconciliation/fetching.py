"""Fetching a day's file from a channel over HTTP, with bounds of size and time."""

import asyncio
from datetime import date
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, cast

import httpx

from huitong.kernel.trust import load_trust
from huitong.payments.channels import ChannelFault
from huitong.payments.reconciliation import limits
from huitong.payments.reconciliation.errors import ChannelFileTooLarge

_OK = 200


async def fetch_file(url: str, day: date) -> BinaryIO:
    """Return the file that a channel at `url` has for a business day; the caller closes it.

    Raises ChannelFault if it has none, or does not answer in time, and ChannelFileTooLarge.
    """
    file = SpooledTemporaryFile(limits.FETCH_MEMORY_BYTES)  # noqa: SIM115 - the caller closes it
    try:
        async with (
            asyncio.timeout(limits.FETCH_WHOLE_SECONDS_MAX),
            httpx.AsyncClient(
                base_url=url, timeout=limits.FETCH_SECONDS_MAX, verify=load_trust()
            ) as client,
            client.stream("GET", f"/files/{day.isoformat()}") as answer,
        ):
            if answer.status_code != _OK:
                raise ChannelFault(f"the channel answers {answer.status_code} for {day}")
            size = 0
            async for piece in answer.aiter_bytes():
                size += len(piece)
                if size > limits.FILE_BYTES_MAX:
                    raise ChannelFileTooLarge(
                        f"a file has at most {limits.FILE_BYTES_MAX} bytes", field="file"
                    )
                file.write(piece)
    except (httpx.HTTPError, TimeoutError) as error:
        file.close()
        raise ChannelFault(str(error) or type(error).__name__) from error
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return cast("BinaryIO", file)
