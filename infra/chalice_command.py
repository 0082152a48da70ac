"""Chalice's own command, with what it packs compiled: `python -m infra.chalice_command deploy --stage dev`.

Lambda cannot keep what it compiles: it did so at each start, for a fifth of its time (docs/performance.md). A compiled
file holds its source's hash and counts for that source alone: one that is out of date does no harm.
"""

import sys
from compileall import compile_dir
from pathlib import Path
from py_compile import PycInvalidationMode

from chalice.cli import main
from chalice.deploy import deployer
from chalice.deploy.packager import DependencyBuilder


def compile_all(folder: Path) -> None:
    """Compile what lies in a folder, for this Python, whose version becomes the function's."""
    compile_dir(folder, quiet=2, force=True, invalidation_mode=PycInvalidationMode.CHECKED_HASH)


class CompilingBuilder(DependencyBuilder):
    """Chalice's, that compiles the packages it has unpacked."""

    def build_site_packages(self, abi: str, requirements_filepath: str, target_directory: str) -> None:
        """Put the required packages into a folder."""
        super().build_site_packages(abi, requirements_filepath, target_directory)
        compile_all(Path(target_directory))


if __name__ == "__main__":
    for folder in ("chalicelib", "vendor"):
        compile_all(Path(folder))
    # Chalice makes its builder itself, from this name, and leaves no other way to it.
    deployer.PipDependencyBuilder = CompilingBuilder  # type: ignore[attr-defined]  # it is an import there
    sys.exit(main())
