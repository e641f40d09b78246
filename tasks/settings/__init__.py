"""luigi.cfg and the command line, checked before anything runs."""
