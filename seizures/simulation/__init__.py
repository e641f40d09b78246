"""A simulated cohort: seizures that never happened, as films or as features."""
