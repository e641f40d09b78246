"""Work in a child process, which may die or stall without taking its parent along."""
