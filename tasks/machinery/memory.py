"""Forgetting: a session in which the settings, the manifest or the results change asks everything anew."""

from __future__ import annotations

import sys

from luigi.task_register import Register

import tasks


def forget() -> None:
    """Forget what this process remembers of settings, manifest, results and tasks.

    A run reads each once, because a thousand tasks ask for it. In a notebook or a test, call this after a change.
    """
    for name, module in list(sys.modules.items()):
        if name.startswith(f"{tasks.__name__}."):
            for item in list(vars(module).values()):
                if hasattr(item, "cache_clear"):
                    item.cache_clear()
    Register.clear_instance_cache()
