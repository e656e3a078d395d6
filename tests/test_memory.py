"""What a replay tells the allocator; in a process of its own, since it holds for all of one."""

import subprocess
import sys
from pathlib import Path

import pytest

LARGE_PAGES = Path("/sys/kernel/mm/transparent_hugepage/enabled")
ADVISED = """
from probe._parsers import keep_memory

keep_memory()
keep_memory()  # once more does no harm
areas, size = [], 0
for line in open("/proc/self/smaps"):
    words = line.split()
    size = int(words[1]) if words[0] == "Size:" else size
    if words[0] == "VmFlags:" and "hg" in words:
        areas.append(size)
print(sum(areas))
"""


@pytest.mark.skipif(not LARGE_PAGES.exists(), reason="this kernel has no large pages to give")
def test_the_heap_is_asked_for_in_large_pages() -> None:
    out = subprocess.run([sys.executable, "-c", ADVISED], check=True, capture_output=True, text=True).stdout
    assert 32 << 10 <= int(out) <= 66 << 10
