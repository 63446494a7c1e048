from __future__ import annotations

import os
from pathlib import Path

from bench.cpu_time import cpu_time, parse_stat
from bench.machine import cpu_model, describe, filesystem_of

MOUNTS = """\
/dev/vda / ext4 rw 0 0
tmpfs /scratch tmpfs rw 0 0
/dev/vdb /scratch/disk xfs rw 0 0
"""


def test_the_file_system_is_that_of_the_nearest_mount() -> None:
    assert filesystem_of(Path("/home/x"), MOUNTS) == "ext4"
    assert filesystem_of(Path("/scratch/x"), MOUNTS) == "tmpfs"
    assert filesystem_of(Path("/scratch/disk/y/z"), MOUNTS) == "xfs"
    assert filesystem_of(Path("/scratch/disk2"), MOUNTS) == "tmpfs"


def test_the_model_of_the_cpu() -> None:
    assert cpu_model("processor\t: 0\nmodel name\t: Some CPU: v3\n\nmodel name\t: other\n") == "Some CPU: v3"
    assert cpu_model("Features\t: fp\n") is None


def test_a_program_may_have_any_name() -> None:
    fields = parse_stat("17 (a) b (c) S 1 17 17 0")
    assert fields == ["17", "a) b (c", "S", "1", "17", "17", "0"]


def test_processor_time_grows_with_work() -> None:
    before = cpu_time(os.getpid())
    while (cpu_time(os.getpid()) - before).own < 0.05:
        sum(range(100_000))
    assert (cpu_time(os.getpid()) - before).children >= 0


def test_a_machine_describes_itself(tmp_path: Path) -> None:
    machine = describe(tmp_path)
    assert machine["cores"] >= 1
    assert machine["fsync_ms_median"] > 0
    assert machine["sha256_us_median"] > 0
    assert {"cpu", "memory_gib", "kernel", "python", "filesystem", "versions", "load_average_before"} <= machine.keys()
    assert not list(tmp_path.iterdir())
