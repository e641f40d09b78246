"""From films to frames on a uniform clock."""
