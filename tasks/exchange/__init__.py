"""Features that leave a laboratory, and those that come from others, as tasks."""
