"""What several benchmarks measure by."""

import resource
import sys


def peak_bytes(usage: resource.struct_rusage) -> int:
    """The most memory a process held, in bytes: Linux counts it in KiB, macOS in bytes."""
    return usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
