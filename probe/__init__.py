"""Transitproof: proves from packets that data in transit is protected.

`replay` reads capture files and yields the records of the record contract as dictionaries; `extract` writes the packets
behind a finding to a capture of their own.
"""

from typing import Final

__version__: Final = "0.1.0"

from probe.extract import ExtractError, extract
from probe.replay import replay
from probe.selection import FilterError

__all__ = ["ExtractError", "FilterError", "__version__", "extract", "replay"]
