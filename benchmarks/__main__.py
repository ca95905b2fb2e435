"""`python -m benchmarks`: every benchmark there is, one after the other."""

import sys

from benchmarks import plan_speed

if __name__ == "__main__":
    sys.exit(plan_speed.main())
