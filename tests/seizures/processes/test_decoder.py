"""A decoder that crashes or stalls ends with its child, and the next film is decoded as if nothing had happened."""

from __future__ import annotations

import os
import resource
import signal
import sys
from pathlib import Path

import ended_children
import numpy as np
import pytest
import zoo

from seizures.errors import DamagedVideoError, SoftwareError, TransientError, VideoError
from seizures.processes import decoder
from seizures.processes.child import Child, ChildError
from seizures.processes.decoder import DecoderEndedError, IsolatedWindow, read_starts, survey_isolated, tried_twice
from seizures.video.window import WindowRequest, open_window


@pytest.fixture(scope="module")
def film(tmp_path_factory) -> Path:
    return next(item for item in zoo.ALL if item.name == "h264.mp4").make(tmp_path_factory.mktemp("film"))[0]


@pytest.fixture(autouse=True)
def no_child_is_left():
    yield
    decoder.stop()


def window(path):
    return WindowRequest((path,), 0.3)


def decode(path, **more):
    with IsolatedWindow(window(path), **more) as one:
        return np.concatenate([block.frames for block in one]), one.facts


def end_while_busy(film: Path, number: signal.Signals, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the next request end the decoder in its midst."""
    read_starts([film])  # it runs
    ended_children.end_while_busy(decoder._decoder, number, monkeypatch)


def test_the_child_decodes_the_same(film):
    frames, facts = decode(film)
    with open_window(window(film)) as one:
        np.testing.assert_array_equal(frames, np.concatenate([block.frames for block in one]))
        assert facts == one.facts
    first = decoder._decoder.pid
    decode(film)
    assert decoder._decoder.pid == first


def test_a_crash_is_an_error_of_the_film_alone(film, monkeypatch):
    end_while_busy(film, signal.SIGSEGV, monkeypatch)
    with pytest.raises(
        VideoError, match=r"^h264\.mp4: decoder crashed \(SIGSEGV\); repair the video or set use = skip$"
    ):
        decode(film)
    assert len(decode(film)[0]) == 32


def test_a_stall_is_ended(film):
    read_starts([film])
    os.kill(decoder._decoder.pid, signal.SIGSTOP)
    with pytest.raises(VideoError, match=r"^h264\.mp4: decoder stalled: no progress for 1 s; repair the video or set"):
        decode(film, silence_seconds=1.0)
    assert len(decode(film)[0]) == 32


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited on Linux")
def test_the_decoder_has_a_memory_limit_of_its_own_and_leaves_no_core(film):
    before = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (before[1], before[1]))
    try:
        decode(film)
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, before)
    lines = Path(f"/proc/{decoder._decoder.pid}/limits").read_text().splitlines()
    limits = {line[:26].strip(): line[26:].split()[0] for line in lines}
    assert decoder.MEMORY_BYTES < int(limits["Max address space"]) < decoder.MEMORY_BYTES + 2**31
    assert limits["Max core file size"] == "0"


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited on Linux")
def test_memory_without_end_is_an_error_of_the_film(film, monkeypatch):
    small = Child(decoder.load, name="decoder", input_kind="video", memory_bytes=2**20)
    monkeypatch.setattr(decoder, "_decoder", small)
    with small, pytest.raises(VideoError, match=r"^h264\.mp4: decoder needed more than 1 MiB of memory; repair"):
        decode(film)


def test_errors_come_through_as_they_are(film, tmp_path):
    broken = tmp_path / "broken.mp4"
    content = bytearray(film.read_bytes())
    content[3000:3600] = bytes(600)
    broken.write_bytes(content)
    with pytest.raises(DamagedVideoError, match=r"broken\.mp4: .*damaged = mask goes on behind the damage"):
        decode(broken)


def test_what_the_disk_cannot_read_is_no_fault_of_the_film(tmp_path):
    with pytest.raises(TransientError, match=r"absent\.mp4: cannot be read now: No such file"):
        decode(tmp_path / "absent.mp4")
    unreadable = tmp_path / "unreadable.mp4"
    unreadable.symlink_to("/proc/self/mem")  # reading its first page is an input/output error
    with pytest.raises(TransientError, match=r"unreadable\.mp4: cannot be read now: Input/output error; run it again"):
        decode(unreadable)
    with pytest.raises(TransientError, match="Input/output error"):
        survey_isolated(unreadable)
    assert not issubclass(TransientError, VideoError)  # which would be kept as the film's own fault


def test_a_decoder_that_was_killed_is_no_fault_of_the_film(film, monkeypatch):
    for ask in (decode, survey_isolated, lambda path: read_starts([path])):
        end_while_busy(film, signal.SIGKILL, monkeypatch)
        with pytest.raises(TransientError, match=r"^h264\.mp4: decoder was killed \(SIGKILL\), by a person or"):
            ask(film)


def test_an_abandoned_window_stops_its_child(film):
    with IsolatedWindow(window(film)) as one:
        next(iter(one))
        assert decoder._decoder.pid
    assert decoder._decoder.pid is None


def test_a_film_that_ends_one_decoder_is_tried_once_more_in_another(film, monkeypatch):
    end_while_busy(film, signal.SIGABRT, monkeypatch)
    assert survey_isolated(film).num_frames == 60
    end_while_busy(film, signal.SIGSEGV, monkeypatch)
    assert len(tried_twice(lambda: decode(film))[0]) == 32


def test_a_film_that_ends_two_decoders_is_to_blame(film):
    ended = []

    def crash():
        ended.append(decoder._decoder.pid)
        raise DecoderEndedError("a.mp4: decoder crashed (SIGABRT); repair the video or set use = skip")

    read_starts([film])
    with pytest.raises(VideoError, match="decoder crashed"):
        tried_twice(crash)
    assert ended[0] is not None
    assert ended[1] is None  # the second decoder is another


def test_a_film_that_ends_the_decoder_is_told_and_the_others_are_asked_when_they_start(film, monkeypatch):
    call, crashing = decoder._decoder.call, film.with_name("crashing.mp4")

    def stall(request, name, **limits):
        if name == crashing.name:
            raise ChildError("stalled: no progress for 1 s")
        return call(request, name, **limits)

    monkeypatch.setattr(decoder._decoder, "call", stall)
    first, told, last = read_starts([film, crashing, film])
    assert first.problem == last.problem == "does not say when it starts; write seconds since its first frame"
    words = "cannot say when it starts: decoder stalled: no progress for 1 s; repair the video or set use = skip"
    assert told.problem == words


def test_a_decoder_that_cannot_be_imported_is_not_the_films_fault(film, tmp_path, monkeypatch):
    (tmp_path / "av.py").write_text("raise ImportError('libavcodec.so is absent')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    words = r"^h264\.mp4: ImportError: libavcodec\.so is absent\. The video is not to blame"
    for ask in (decode, survey_isolated, lambda path: read_starts([path])):
        with pytest.raises(SoftwareError, match=words):
            ask(film)


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (
            "def broken(*_, **__): raise TypeError('open() got an unexpected keyword argument')",
            r"TypeError: open\(\) got an",
        ),
        ("def broken(*_, **__): raise AttributeError('gone')", "AttributeError: gone"),
        ("import os; broken = lambda *_, **__: os._exit(1)", r"decoder ended \(exit code 1\)"),
    ],
)
def test_a_fault_of_the_software_is_no_fault_of_the_film(film, tmp_path, monkeypatch, broken, said):
    """The child's PyAV is another one than it was written for."""
    (tmp_path / "sitecustomize.py").write_text(f"import av\n{broken}\nav.open = broken\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    decoder.stop()
    for ask in (decode, survey_isolated):
        with pytest.raises(SoftwareError, match=rf"h264\.mp4: {said}.*\. The video is not to blame, but this software"):
            ask(film)
    assert not issubclass(SoftwareError, VideoError)  # which would be kept as the film's own fault


def test_any_error_of_libav_is_one_of_the_film(film, tmp_path, monkeypatch):
    """Those that are no OSError, too; one is an EOFError, which ends the child's pipe where it is raised by it."""
    (tmp_path / "sitecustomize.py").write_text(
        "import av\ndef broken(*_, **__): raise av.EOFError(1, 'end of file')\nav.VideoFrame.reformat = broken\n"
        "import seizures.video.window\nseizures.video.window.FrameGraph.apply = broken\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    decoder.stop()
    with pytest.raises(VideoError, match="end of file"):
        decode(film)
