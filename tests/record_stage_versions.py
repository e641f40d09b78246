"""Record the code of stages as it is now: `make record`, or `make record STAGE=TrainFold` for one.

Do so after raising the `version` of a stage whose results change, or to state that a change has no effect on them.
"""

from __future__ import annotations

import json
import sys

from stage_code import TABLE, present, recorded, stages


def main(names: list[str]) -> None:
    """Write the table anew for the stages that are named."""
    known = stages()
    unknown = [name for name in names if name not in known]
    if unknown:
        sys.exit(f"{', '.join(unknown)}: no such stage; the stages are {', '.join(known)}")
    before = recorded() if TABLE.exists() else {}
    table = {name: present(stage) if name in (names or known) else before.get(name) for name, stage in known.items()}
    text = json.dumps({name: entry for name, entry in table.items() if entry}, indent=1)
    TABLE.write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
