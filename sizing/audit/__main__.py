"""`python -m sizing.audit`: the same as `python -m sizing audit`."""

import sys

from sizing.audit.cli import audit_main

if __name__ == "__main__":
    raise SystemExit(audit_main(sys.argv[1:]))
