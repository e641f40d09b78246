"""What every task needs and no stage is: landing files, locks, logs, progress, stopping."""
