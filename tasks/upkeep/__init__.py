"""Questions and tidying: what would be run, and what is no longer used."""
