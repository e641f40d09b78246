"""Reporting checklists, filled in from the files of a run and from what the authors wrote down (docs/checklists.md)."""
