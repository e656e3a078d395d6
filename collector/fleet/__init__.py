"""What no single probe can tell: verdicts over the whole store, kept as findings of the collector itself.

One file for each check: its explanation, `read` (what it needs from the store, bounded) and `judge` (pure).
"""

import importlib
import pkgutil
from typing import Final

PREFIX: Final = "fleet."


def checks() -> list[str]:
    """Their names, in order."""
    modules = (importlib.import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__))
    return sorted(module.CHECK for module in modules if hasattr(module, "CHECK"))


def explain(check: str) -> str | None:
    """The page of one of them, None for other checks."""
    if check not in checks():
        return None
    return importlib.import_module(f"{__name__}.{check.removeprefix(PREFIX)}").__doc__
