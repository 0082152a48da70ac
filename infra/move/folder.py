"""Write the files of a move into a folder: a new one, or over those of a move before."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from infra.errors import OperatorError
from infra.move.rules.package import PACKAGE

OWN_FOLDERS = (PACKAGE, "emails")


def require_writable(folder: Path, export: Path, is_forced: bool) -> None:
    """Raise OperatorError if the files of a move may not be written into a folder."""
    if folder.exists() and not (is_forced and folder.is_dir()):
        mend = "name another one, or give --force to write over the files of a move in it"
        raise OperatorError(f"{folder} exists already: {mend}.")
    source = export if export.is_dir() else export.parent
    if folder.resolve() == source.resolve():
        raise OperatorError(f"{folder} is the export's own folder: name another one.")


def write_files(files: Mapping[str, str], folder: Path) -> None:
    """Write the files, by their paths in the folder. What a move before wrote there is gone. Raises OperatorError."""
    try:
        for name in OWN_FOLDERS:
            if (folder / name).is_symlink():
                (folder / name).unlink()
            elif (folder / name).is_dir():
                shutil.rmtree(folder / name)
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.unlink(missing_ok=True)
            path.write_text(text, "utf-8")
    except OSError as fault:
        raise OperatorError(f"{folder} cannot be written ({fault.strerror}): name another folder.") from None
