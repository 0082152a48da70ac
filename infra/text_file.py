"""The text of a file that a person named, with a fault to mend for each way in which reading it can fail."""

from pathlib import Path

from infra.errors import OperatorError

SIZE_LIMIT_BYTES = 5 * 1024 * 1024


class UnreadableFile(OperatorError):
    """A file holds no text that can be read. line: counted from 1; 0 if it is the file as a whole."""

    def __init__(self, path: Path, problem: str, line: int = 0) -> None:
        """problem: what is wrong and what to do, without the file's name or content."""
        self.problem, self.line = problem, line
        super().__init__(f"{path}:{line}: {problem}" if line else f"{path}: {problem}")


def read_text(path: Path, if_directory: str = "name a file in it", if_too_large: str = "is it the right file?") -> str:
    """Return the text of the file at path: UTF-8, up to 5 MiB, without the byte order mark.

    if_directory, if_too_large: what to do then, as the reader of this kind of file knows it. Raises UnreadableFile.
    """
    content = _content(path, if_directory)
    if len(content) > SIZE_LIMIT_BYTES:
        raise UnreadableFile(path, f"larger than {SIZE_LIMIT_BYTES // 1024**2} MiB: {if_too_large}")
    try:
        return content.decode().removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
    # Out here, as the error holds the whole file, and would be the context of what is raised.
    raise UnreadableFile(path, "not UTF-8: save the file in that encoding", line)


def _content(path: Path, if_directory: str) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(SIZE_LIMIT_BYTES + 1)
    except FileNotFoundError:
        problem = "no such file: check the path"
    except IsADirectoryError:
        problem = f"a directory: {if_directory}"
    except PermissionError:
        problem = "not readable: give yourself the right to read it"
    except (OSError, ValueError) as error:
        problem = f"not readable ({getattr(error, 'strerror', None) or 'bad path'}): check the path"
    raise UnreadableFile(path, problem)
