"""`python -m hemo`."""

import sys

from hemo.cli import main

if __name__ == "__main__":
    sys.exit(main())
