"""The films of a seizure's page: clips and pictures beside it, and where the page finds them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from seizures.errors import SoftwareError
from seizures.processes.decoder import plan_clips_isolated, write_clip_isolated
from seizures.report.seizure_page.data import ClipTimes, Picture, SeizurePage
from seizures.video.clip_plan import NUM_PICTURES
from seizures.video.request import WindowRequest


def add_films(folder: Path, page: SeizurePage, requests: Sequence[WindowRequest]) -> SeizurePage:
    """Write clips and pictures of every view into the folder of a page, and return the page that shows them.

    Films are opened in the decoder's child. The files are numbered, so that they tell nothing of the films.

    Args:
        folder: of the page; made, readable by the owner only, where it is missing.
        page: without pictures.
        requests: for each view of the page, in the same order, its film with onset and offset on the film's own clock.

    Raises:
        VideoError: a film cannot be opened or decoded, or has no frames there.
        SettingsError: this installation has no encoder for H.264.

    """
    if len(requests) != len(page.views):
        raise SoftwareError(f"the page of {page.name}: {len(requests)} films of {len(page.views)} views")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    plan = plan_clips_isolated(requests)
    views = []
    for number, (view, request) in enumerate(zip(page.views, requests, strict=True), 1):
        clip = f"view{number}.mp4"
        files = [f"view{number}_{index:02}.jpg" for index in range(NUM_PICTURES)]
        made = write_clip_isolated(request, plan, folder / clip, [folder / file for file in files])
        pictures = tuple(Picture(*one) for one in zip(made.picture_seconds, files, strict=True))
        aspect = made.width / made.height
        views.append(dataclasses.replace(view, clip=clip, aspect=aspect, pictures=pictures, black=made.black))
    times = ClipTimes(plan.rate, plan.num_frames, plan.start_seconds)
    return dataclasses.replace(page, views=tuple(views), clip=times)
