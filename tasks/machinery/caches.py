"""Clearing what a process has cached, for a session in which settings, manifest or results change."""

from __future__ import annotations

import sys

from luigi.task_register import Register

import tasks


def clear_caches() -> None:
    """Clear every cache of settings, manifest, results and tasks in this process.

    A run reads each once, because a thousand tasks ask for it. In a notebook or a test, call this after a change.
    """
    for name, module in list(sys.modules.items()):
        if name.startswith(f"{tasks.__name__}."):
            for item in list(vars(module).values()):
                if hasattr(item, "cache_clear"):
                    item.cache_clear()
    Register.clear_instance_cache()
