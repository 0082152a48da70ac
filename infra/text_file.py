"""Reading a file that a person wrote, with a fault to mend for each way in which that can fail."""

from pathlib import Path

from infra.tenant.faults import Fault, TenantFileError

SIZE_LIMIT_BYTES = 5 * 1024 * 1024


def read_text(path: Path) -> str:
    """Return the text of the file at path: UTF-8, up to 5 MiB, without the byte order mark.

    Raises TenantFileError where there is no such text.
    """
    content = _content(path)
    if len(content) > SIZE_LIMIT_BYTES:
        mend = "import the users instead of listing them here"
        raise TenantFileError(path, [Fault(0, f"larger than {SIZE_LIMIT_BYTES // 1024**2} MiB: {mend}")])
    try:
        return content.decode().removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
    # Out here, as the error holds the whole file, and would be the context of what is raised.
    raise TenantFileError(path, [Fault(line, "not UTF-8: save the file in that encoding")])


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(SIZE_LIMIT_BYTES + 1)
    except FileNotFoundError:
        message = "no such file: check the path"
    except IsADirectoryError:
        message = "a directory: name the tenant file in it"
    except PermissionError:
        message = "not readable: give yourself the right to read it"
    except (OSError, ValueError) as error:
        message = f"not readable ({getattr(error, 'strerror', None) or 'bad path'}): check the path"
    raise TenantFileError(path, [Fault(0, message)])
