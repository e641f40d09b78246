"""Run many `luigi` command lines, each in a forked process with a folder of its own, sparing the imports.

Called by test_wrong_input.py as `python wrong_input.py CASES.json`: a list of {"folder", "words", "environment"};
prints a list of {"exit_code", "output"}. What is imported here is slow and reads no settings; pipeline and tasks are
imported in the child, and Luigi's settings are read anew there, so that each case is a run of its own.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import luigi.cmdline
import pandas as pd
from luigi.configuration import LuigiConfigParser

import seizures.manifest.table


def run(case: dict[str, Any]) -> dict[str, Any]:
    """Run one case in a child process."""
    with tempfile.TemporaryFile("w+") as output:
        child = os.fork()
        if not child:
            os.dup2(output.fileno(), 1)
            os.dup2(output.fileno(), 2)
            os.chdir(case["folder"])
            os.environ.update(case["environment"])
            LuigiConfigParser._instance = None
            if "LUIGI_CONFIG_PATH" in case["environment"]:
                LuigiConfigParser._config_paths.append(case["environment"]["LUIGI_CONFIG_PATH"])
            sys.argv = ["luigi", "--module", "pipeline", *case["words"]]
            code: Any = 1
            try:
                luigi.cmdline.luigi_run(sys.argv[1:])
            except SystemExit as end:
                code = end.code
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code if isinstance(code, int) else 1)
        _, status = os.waitpid(child, 0)
        output.seek(0)
        return {"exit_code": os.waitstatus_to_exitcode(status), "output": output.read()}


if __name__ == "__main__":
    assert pd
    assert seizures.manifest.table
    sys.stdout.write(json.dumps([run(case) for case in json.loads(Path(sys.argv[1]).read_text())]))
