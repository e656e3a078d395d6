"""python tests/pcaps/make [NAME…] [--list] [--check]; README.md in the folder above says what is needed."""

import sys
from pathlib import Path

try:
    from command import main

    status = main()
except ModuleNotFoundError as missing:
    requirements = Path(__file__).with_name("requirements.txt")
    print(f"{missing.name} is missing: {sys.executable} -m pip install -r {requirements}", file=sys.stderr)
    status = 2
sys.exit(status)
