"""What the run was measured on: without it a figure means nothing."""

import os
import platform
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from huitong.bench.scratch import Scratch

_KIBIBYTES_PER_GIBIBYTE: Final = 1024 * 1024


def describe_machine(scratch: Scratch | None = None) -> dict[str, Any]:
    """Return cores, memory, processor, versions, and what was made durable and where."""
    return {
        "cores": os.cpu_count(),
        "memory_gib": round(_find_number("/proc/meminfo", r"MemTotal:\s+(\d+)"), 1),
        "cpu": _find_text("/proc/cpuinfo", r"model name\s*:\s*(.+)") or platform.processor(),
        "kernel": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        **({} if scratch is None else _describe_database(scratch)),
        "load_average_at_end": round(os.getloadavg()[0], 2),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _describe_database(scratch: Scratch) -> dict[str, Any]:
    return {
        "postgres": scratch.postgres_version,
        "postgres_settings": dict(scratch.settings),
        "is_database_embedded": scratch.is_embedded,
        "data_on": scratch.file_system,
    }


def read_peak_memory_mb(process_id: int) -> float:
    """Return the most resident memory, in MB, that a process ever had; 0.0 if it is not known."""
    found = _find_text(f"/proc/{process_id}/status", r"VmHWM:\s+(\d+) kB")
    return int(found) * 1024 / 1_000_000 if found else 0.0


def _find_text(path: str, pattern: str) -> str | None:
    try:
        text = Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    found = re.search(pattern, text)
    return found[1].strip() if found else None


def _find_number(path: str, pattern: str) -> float:
    found = _find_text(path, pattern)
    return int(found) / _KIBIBYTES_PER_GIBIBYTE if found else 0.0
