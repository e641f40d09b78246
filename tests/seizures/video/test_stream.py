"""A film whose header is in another encoding than UTF-8 is a film like any other, with every PyAV."""

from __future__ import annotations

import json
from pathlib import Path

import av
import numpy as np
import pytest

from seizures.inspection.survey import survey
from seizures.settings import canonical
from seizures.video.containers import open_film
from seizures.video.start_times import read_start
from seizures.video.stream import printable
from seizures.video.window import WindowRequest, open_window

TEXTS = {"title": "Müller", "creation_time": "2020-05-01T10:00:00Z, Köln"}


@pytest.fixture(scope="module", params=["mkv", "mov"])
def latin(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a film whose texts are written in Latin-1."""
    path = tmp_path_factory.mktemp("latin") / f"film.{request.param}"
    with av.open(
        str(path), "w", options={"movflags": "use_metadata_tags"} if path.suffix == ".mov" else {}
    ) as container:
        container.metadata.update(TEXTS)
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for _ in range(50):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="rgb24")))
        container.mux(stream.encode(None))
    content = path.read_bytes()
    for text in TEXTS.values():
        written = text.encode()
        content = content.replace(written, text.encode("latin-1").ljust(len(written)))
    path.write_bytes(content)
    assert b"M\xfcller" in content
    return path


def test_it_is_opened_decoded_and_surveyed(latin: Path) -> None:
    with latin.open("rb") as file, open_film(file) as container:
        assert "title" in {name.lower() for name in container.metadata}
    with open_window(WindowRequest((latin,), frame_size=32)) as window:
        assert sum(len(block.frames) for block in window) == 30
    facts = survey(latin)
    assert (facts.num_frames, facts.error) == (50, "")
    json.dumps(canonical(facts), ensure_ascii=False).encode()  # every text can be written down
    assert read_start(latin).problem in ("", "does not say when it starts; write seconds since its first frame")


@pytest.mark.parametrize(("text", "wanted"), [("K\udcf6ln", "K\ufffdln"), ("Köln", "Köln")])
def test_what_is_no_utf_8_is_written_as_a_mark(text: str, wanted: str) -> None:
    assert printable(text) == wanted
