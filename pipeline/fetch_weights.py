"""FetchWeights: the public weights, in a folder for machines without internet."""

from __future__ import annotations

import sys
from pathlib import Path

import luigi

import models
from pipeline.exchange import WithoutCohort
from pipeline.front_door import Answer
from seizures.errors import SettingsError
from tasks.machinery.tables import say_bytes
from tasks.settings.sections import Features, PathParameter, Snippets, section

EXIT_MISSING = 1


class FetchWeights(WithoutCohort):
    """Download public weights, with a list of their hashes, into a folder that is carried to other machines."""

    to: str = PathParameter(description="the folder; what is there already is checked and kept")
    network: str = luigi.Parameter(
        default="", description="names, separated by commas; empty: those of [Features] and [Snippets]"
    )
    all: bool = luigi.BoolParameter(default=False, description="the weights of every network that has public ones")

    def names(self) -> list[str]:
        """Return the networks whose weights are fetched, each once.

        Raises:
            SettingsError: a name is unknown, or has no public weights; all are told.
        """
        if self.all and self.network:
            raise SettingsError("expected either --all or --network, not both")
        if self.all:
            return list(models.with_public_weights())
        named = list(dict.fromkeys(filter(None, (part.strip() for part in self.network.split(",")))))
        compared = filter(models.is_network, section(Snippets).names())  # imported features may name others
        wanted = named or list(dict.fromkeys([section(Features).network, *compared]))
        faults, found = [], []
        for name in wanted:
            try:
                # One of a person's own has none, and is not built to say so.
                if not models.is_own(name) and models.network_spec(name).public_weights is not None:
                    found.append(name)
                elif named:
                    faults.append(f"{name} has no public weights")
            except models.ModelsError as error:
                faults.append(str(error))
        if faults:
            raise SettingsError("\n  ".join(["--network:" if named else "[Features] network:", *faults]))
        return found

    def answer(self) -> Answer:
        """Fetch, and say what to do with the folder; the exit code is 0 if every file is there."""
        folder, names = Path(self.to), self.names()
        if not names:
            said = section(Features).network
            return Answer(f"FetchWeights: nothing to fetch: {said} has no public weights; --all fetches all.\n", 0)
        fetched = list(models.fetch_weights(names, folder, lambda line: print(line, file=sys.stderr, flush=True)))
        there, missing = [one for one in fetched if not one.fault], [one for one in fetched if one.fault]
        num_new = sum(not one.was_there for one in there)
        size = say_bytes(sum(one.num_bytes for one in there))
        lines = [
            f"FetchWeights: {len(there)} of {len(fetched)} files are in {folder} ({size}), {num_new} of them new.",
            *(f"  missing: {one.fault}" for one in missing),
        ]
        if there:
            lines += [
                f"On the other machine: cd {folder.name} && sha256sum --check {models.SUMS_NAME}",
                "and in its luigi.cfg: [Features] weights_dir = that folder",
            ]
        if missing:
            lines.append("Run the same command again: it goes on with what is missing.")
        return Answer("\n".join(lines) + "\n", EXIT_MISSING if missing else 0)
