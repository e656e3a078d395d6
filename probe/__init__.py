"""Transitproof: proves from packets that data in transit is protected.

`replay` reads capture files and yields the records of the record contract as dictionaries.
"""

from typing import Final

__version__: Final = "0.1.0"

from probe.replay import replay

__all__ = ["__version__", "replay"]
