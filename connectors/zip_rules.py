"""What a ZIP file may say of itself before anything of it is unpacked; exports and Office files.

Knows neither documents nor exports: whoever asks words the error.
"""

import stat
from collections.abc import Sequence
from dataclasses import dataclass
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

_ENCRYPTED = 0x1  # bit of ZipInfo.flag_bits
_LOCAL_HEADER = 30  # bytes before the name, which stands before the content


@dataclass(frozen=True, slots=True)
class ZipLimits:
    """How much one archive may hold."""

    entries: int
    unpacked_bytes: int
    ratio: int  # unpacked to packed, of the whole
    ratio_from_bytes: int = 0  # unpacked; below, small files of one repeated letter are no bombs


class ZipFault(Exception):
    """An archive breaks a rule; the message goes on after its name: "holds 'a.xml' twice"."""

    def __init__(self, message: str, *, is_too_large: bool = False) -> None:
        super().__init__(message)
        self.is_too_large = is_too_large


def check(archive: ZipFile, packed_bytes: int, limits: ZipLimits) -> None:
    """Raise ZipFault if an archive is over its limits, or is made as only an attack would be.

    No name leads out of it or occurs twice, no entry is a link, a device, encrypted or packed in
    an unusual way, and no two share bytes, which is how kilobytes become terabytes.
    """
    entries = archive.infolist()
    _check_size(entries, packed_bytes, limits)
    seen: set[str] = set()
    for entry in entries:
        fault = _fault(entry)
        if fault is not None:
            raise ZipFault(f"holds {entry.filename!r}, which {fault}")
        if entry.filename in seen:
            raise ZipFault(f"holds {entry.filename!r} twice")
        seen.add(entry.filename)
    _check_overlap(entries, archive.start_dir)


def _check_size(entries: Sequence[ZipInfo], packed_bytes: int, limits: ZipLimits) -> None:
    unpacked = sum(entry.file_size for entry in entries)
    if len(entries) > limits.entries or unpacked > limits.unpacked_bytes:
        raise ZipFault(
            f"holds {len(entries)} files of {unpacked >> 20} MiB; at most {limits.entries} files"
            f" of {limits.unpacked_bytes >> 20} MiB are read",
            is_too_large=True,
        )
    if unpacked > limits.ratio_from_bytes and unpacked > limits.ratio * packed_bytes:
        raise ZipFault(
            f"would unpack to more than {limits.ratio} times its size", is_too_large=True
        )


def _fault(entry: ZipInfo) -> str | None:
    names = entry.filename.removesuffix("/").split("/")
    if "\\" in entry.filename or any(name in ("", ".", "..") for name in names):
        return "is not a path within it"
    if stat.S_IFMT(entry.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "is a link or a special file"
    if entry.flag_bits & _ENCRYPTED:
        return "is encrypted"
    if entry.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
        return "is packed in an unusual way"
    return None


def _check_overlap(entries: Sequence[ZipInfo], end: int) -> None:
    # A local header may be longer than this, never shorter: what overlaps by this does overlap.
    ordered = sorted(entries, key=lambda entry: entry.header_offset)
    ends = [entry.header_offset + _LOCAL_HEADER + entry.compress_size for entry in ordered]
    starts = [entry.header_offset for entry in ordered[1:]] + [end]
    for entry, stop, following in zip(ordered, ends, starts, strict=True):
        if stop > following:
            raise ZipFault(f"holds {entry.filename!r}, which shares bytes with another file")
