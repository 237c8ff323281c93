"""`python -m orchestrd_cli`, for where no script `orch` is on the PATH."""

import sys

from orchestrd_cli.main import main

if __name__ == "__main__":
    sys.exit(main())
