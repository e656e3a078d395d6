"""The collector's own log: one line for each record, whatever names from packets or words of others are in it."""

import logging
import sys

from collector.charts import readable


class OneLine(logging.Formatter):
    """Who looks for lines in a log can trust that each is ours (CWE-117)."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the library's name
        """The record without its traceback, which says of itself where its lines are from."""
        return readable(super().formatMessage(record)).replace("\n", "\ufffd").replace("\t", "\ufffd")


def begin() -> None:
    """To standard error, where the service manager takes it."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(OneLine("%(levelname)s %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
