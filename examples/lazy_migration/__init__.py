"""Functions for a realm's `import_from`, to copy from. They import nothing of Gatehouse, and only the standard library.

README.md beside this file says what to do, step by step.
"""

from .auth0 import find_at_auth0
from .cognito import find_in_pool

__all__ = ["find_at_auth0", "find_in_pool"]
