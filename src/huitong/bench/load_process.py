"""`python -m huitong.bench.load_process`: a plan comes in, a report goes out, both pickled."""

import pickle
import sys

from huitong.bench.load import run_load

if __name__ == "__main__":
    given = pickle.load(sys.stdin.buffer)  # noqa: S301 - written by our own parent
    pickle.dump(run_load(given), sys.stdout.buffer)
