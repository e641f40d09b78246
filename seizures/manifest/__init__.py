"""The manifest: which films show which seizure of whom."""
