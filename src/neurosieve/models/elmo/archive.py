"""Reading members of a ``model.tar.gz`` without unpacking it."""

from __future__ import annotations

import tarfile
from collections.abc import Collection
from pathlib import Path, PurePosixPath

from neurosieve.errors import ModelError

MOST_TIMES = 200
"""How many times larger than the archive its content may be; weights shrink by a tenth."""
LEAST_BOUND = 1 << 28
"""Bytes that a small archive may unpack to, whatever its size."""


def read_members(archive: Path, wanted: Collection[str]) -> dict[str, bytes]:
    """Read some members of an archive; nothing is written to disk.

    The whole archive is checked: a member that would lie outside the folder it is unpacked in, a link or a device is
    refused even if nobody asked for it, as is an archive that ends early.

    Parameters
    ----------
    archive : Path
    wanted : collection of str
        Names of members, without a leading ``./``.

    Returns
    -------
    dict of str to bytes

    Raises
    ------
    ModelError
        If the archive is damaged or unsafe, or a member is missing; the message names the member.
    """
    found: dict[str, bytes] = {}
    try:
        most = max(MOST_TIMES * archive.stat().st_size, LEAST_BOUND)
        with tarfile.open(archive, "r:*") as tar:
            for member in tar:
                _require_safe(archive, member)
                if member.offset + member.size > most:
                    raise ModelError(
                        f"the archive '{archive}' unpacks to more than {MOST_TIMES} times its size, as no weights do; do not "
                        "trust it"
                    )
                name = str(PurePosixPath(member.name))
                stream = tar.extractfile(member) if name in wanted else None
                if stream is not None:
                    found[name] = stream.read()
            while tar.fileobj is not None and tar.fileobj.read(1 << 20):
                pass  # to the very end, where the checksum stands
    except ModelError:
        raise
    except Exception as error:  # whatever gzip, bzip2, xz and tar raise where data are damaged
        reason = (str(error).splitlines() or [type(error).__name__])[0].rstrip(":")
        raise ModelError(f"the archive '{archive}' is damaged or ends early ({reason}); get it again") from error
    for name in wanted:
        if name not in found:
            raise ModelError(f"the archive '{archive}' has no member {name!r}; it is not a released language model")
    return found


def _require_safe(archive: Path, member: tarfile.TarInfo) -> None:
    path = PurePosixPath(member.name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or ":" in path.parts[0]:
        raise ModelError(f"the archive '{archive}' has a member {member.name!r} outside its folder; do not trust it")
    if not (member.isfile() or member.isdir()):
        raise ModelError(
            f"the archive '{archive}' has a member {member.name!r} that is a link or device; do not trust it"
        )
