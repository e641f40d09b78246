"""A damaged film in a run: masked and counted, where the settings say so."""

from __future__ import annotations

import shutil

import av
import pytest
from small_project import Project


@pytest.fixture
def project_with_damage(done: Project) -> Project:
    """Return a project with films of its own, of which one has a packet overwritten."""
    videos = done.folder / "videos"
    videos.mkdir()
    for path in done.results.glob("SimulateRecording/*/*.mp4"):
        shutil.copy(path, videos / f"{path.parent.name}.mp4")
    row = done.rows[0]
    film = videos / row["video"]
    with av.open(str(film)) as container:
        packets = [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size]
    content = bytearray(film.read_bytes())
    # The onset may be anywhere in the film: spoil a frame a third into the seizure.
    at = float(row["onset_seconds"] or 0) + 1.0
    position, size = packets[round(at * len(packets) / _length(film))]
    content[position : position + size] = b"\xff" * size
    film.write_bytes(content)
    done.set("Demo", enabled="false")
    done.set("Dataset", video_root="videos")
    return done


def _length(film) -> float:
    with av.open(str(film)) as container:
        return float(container.duration) / 1e6


def test_damage_is_masked_and_the_report_counts_it(project_with_damage):
    project, name = project_with_damage, "{patient_id}+{seizure_id}+{view}".format(**project_with_damage.rows[0])
    project.set("Frames", damaged="mask")
    run = project.run_all()
    assert run.exit_code == 0, run
    report = (project.results / "current" / "report.html").read_text()
    assert f"{name}: " in report
    assert "snippets touch damaged or missing frames, and are neither trained on nor scored" in report
