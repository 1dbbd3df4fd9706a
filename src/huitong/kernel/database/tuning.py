"""The configuration of the embedded PostgreSQL, sized to the machine that it runs on."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

from huitong.kernel.database_address import LISTEN_HOST

CONNECTIONS_MAX: Final = 200
_MEBIBYTE: Final = 1024 * 1024
_SHARED_BUFFERS_MB_MAX: Final = 512
_SHARED_BUFFERS_MB_MIN: Final = 64
_WAL_MB_MAX: Final = 8192
_WAL_MB_MIN: Final = 512
_COMMAND_TIMEOUT_SECONDS: Final = 30
_CONTROL_GROUP_LIMITS: Final = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)

ACCESS_RULES: Final = f"""\
# Written by Huitong. Passwords only, from this machine only.
host all all {LISTEN_HOST}/32 scram-sha-256
"""


def render_configuration(*, port: int, installation: Path, data_directory: Path) -> str:
    """Return the text of `postgresql.conf`; settings of one's own go into `huitong.local.conf`."""
    memory_mb = _memory_bytes() // _MEBIBYTE
    shared_mb = max(_SHARED_BUFFERS_MB_MIN, min(_SHARED_BUFFERS_MB_MAX, memory_mb // 8))
    # A quarter of what is free, so that the write-ahead log alone never fills a small disk.
    free_mb = shutil.disk_usage(data_directory).free // _MEBIBYTE
    wal_mb = max(_WAL_MB_MIN, min(_WAL_MB_MAX, free_mb // 4))
    compression = "lz4" if _has_lz4(installation) else "pglz"
    return _TEMPLATE.format(
        host=LISTEN_HOST,
        port=port,
        connections=CONNECTIONS_MAX,
        shared_mb=shared_mb,
        cache_mb=max(shared_mb, memory_mb // 2),
        wal_mb=wal_mb,
        wal_min_mb=wal_mb // 8,
        wal_compression=compression,
    )


def _memory_bytes() -> int:
    # In a container the control group's limit is what counts, not the machine's memory.
    machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    for path in _CONTROL_GROUP_LIMITS:
        try:
            return min(machine, int(path.read_text(encoding="ascii")))
        except (OSError, ValueError):
            continue
    return machine


def _has_lz4(installation: Path) -> bool:
    finished = subprocess.run(  # noqa: S603 - our own wheel's program, no outside input
        [installation / "bin" / "pg_config", "--configure"],
        capture_output=True,
        text=True,
        timeout=_COMMAND_TIMEOUT_SECONDS,
        check=False,
    )
    return "--with-lz4" in finished.stdout


_TEMPLATE: Final = """\
# Written by Huitong at every start; changes here are lost.
# Put your own settings into huitong.local.conf beside this file: they win.

listen_addresses = '{host}'
port = {port}
unix_socket_directories = ''
max_connections = {connections}
password_encryption = 'scram-sha-256'
# A client that was killed must not keep its locks.
client_connection_check_interval = '5s'
idle_in_transaction_session_timeout = '5min'

# What was acknowledged stays, whatever happens.
fsync = on
synchronous_commit = on
full_page_writes = on

shared_buffers = '{shared_mb}MB'
effective_cache_size = '{cache_mb}MB'
work_mem = '16MB'
maintenance_work_mem = '128MB'
wal_buffers = '64MB'
wal_compression = '{wal_compression}'
# Filling a new segment with zeros holds every commit up for some 40 ms, and a young database needs
# one each five thousand payments. Later segments are old ones, used again.
wal_init_zero = off
max_wal_size = '{wal_mb}MB'
min_wal_size = '{wal_min_mb}MB'
checkpoint_timeout = '30min'
checkpoint_completion_target = 0.9
random_page_cost = 1.1
# Compiling a plan costs more than any of our short statements.
jit = off

# Balances are updated all the time: vacuum early, in small portions, and without long pauses.
autovacuum = on
autovacuum_naptime = '15s'
autovacuum_vacuum_scale_factor = 0.05
autovacuum_vacuum_insert_scale_factor = 0.1
autovacuum_analyze_scale_factor = 0.05
autovacuum_vacuum_cost_limit = 2000

timezone = 'UTC'
log_timezone = 'UTC'
datestyle = 'iso, ymd'
default_text_search_config = 'pg_catalog.simple'

# One file for each day of the week, so the log cannot fill the disk.
logging_collector = on
log_directory = '../log'
log_filename = 'postgres-%a.log'
log_file_mode = 0600
log_truncate_on_rotation = on
log_rotation_age = '1d'
log_rotation_size = 0
log_line_prefix = '%m [%p] %q%u@%d '
log_lock_waits = on
log_checkpoints = on
log_autovacuum_min_duration = '10s'
# Statements, parameters and the DETAIL of an error hold personal data.
log_statement = 'none'
log_min_error_statement = 'panic'
log_error_verbosity = 'terse'
log_parameter_max_length = 0
log_parameter_max_length_on_error = 0

include_if_exists = 'huitong.local.conf'
"""
