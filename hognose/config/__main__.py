"""`python -m hognose.config [PATH]` writes docs/configuration.md."""

import sys
from pathlib import Path

from hognose.config.reference import configuration_reference

if __name__ == "__main__":
    Path(sys.argv[1] if len(sys.argv) > 1 else "docs/configuration.md").write_text(configuration_reference(), "utf-8")
