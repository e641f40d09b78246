"""Run `luigi` command lines one after the other, each in a fork of its own, so that the slow imports are paid once.

Started by small_project.py. It imports what is slow and reads no settings; luigi, the pipeline and everything else of
this project are imported in the fork, which ends as the command `luigi` does. For each line of JSON on standard input,
{"folder", "words", "environment", "output"}, it answers with a line that holds the return code.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import sys
from pathlib import Path
from typing import Any

SLOW = (
    "torch", "torchvision", "torch._dynamo", "pandas", "sklearn.metrics", "sklearn.model_selection",
    "scipy.stats", "h5py", "av", "jinja2", "matplotlib.backends.backend_agg", "matplotlib.backends.backend_svg",
)  # fmt: skip


def become(request: dict[str, Any]) -> None:
    """Make this process, a fork, the command that is asked for, up to its first line."""
    with Path(request["output"]).open("wb", buffering=0) as output, Path(os.devnull).open("rb") as nothing:
        os.dup2(nothing.fileno(), 0)
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.argv = ["luigi", *request["words"]]
    sys.path[0] = str(Path(sys.executable).parent)  # where the command lies


def command() -> int:
    """Do what the command `luigi` does; return its exit code."""
    from luigi.cmdline import luigi_run

    try:
        luigi_run()
    except SystemExit as told:
        return told.code if isinstance(told.code, int) else int(told.code is not None)
    return 0


def end(code: int) -> None:
    """End this process as Python does, but for taking apart all that was imported, which takes a second."""
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def main() -> None:
    """Serve until standard input ends."""
    for name in SLOW:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()  # so that collecting in a fork does not copy every page
    for line in iter(sys.stdin.readline, ""):
        request = json.loads(line)
        child = os.fork()
        if not child:
            become(request)
            end(command())
        _, status = os.waitpid(child, 0)
        os.write(1, f"{os.waitstatus_to_exitcode(status)}\n".encode())


if __name__ == "__main__":
    main()
