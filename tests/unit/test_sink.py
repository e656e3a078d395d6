"""The plain sink: one report a line, flushed when it is asked to, counted."""

import io

from probe.sink import JsonLines, Several


def test_one_report_a_line() -> None:
    stream = io.BytesIO()
    sink = JsonLines(stream)
    sink.put("finding", b'{"type":"finding"}')
    sink.lines(b'{"type":"flow"}\n')
    sink.put("health", b'{"type":"health"}')
    sink.close()
    assert stream.getvalue() == b'{"type":"finding"}\n{"type":"flow"}\n{"type":"health"}\n'
    assert sink.counters() == {"put": 2}


def test_several_sinks_get_the_same() -> None:
    first, second = io.BytesIO(), io.BytesIO()
    sinks = Several(JsonLines(first), JsonLines(second))
    sinks.put("state", b"{}")
    sinks.flush()
    sinks.close()
    assert first.getvalue() == second.getvalue() == b"{}\n"
    assert sinks.counters() == {"put": 2}
