"""What a stage is: its key, its result, how results are published, and what they cost."""
