"""A decoder that dies or hangs ends with its child, and the next film is decoded as if nothing had happened."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import zoo

from seizures.errors import DamagedVideoError, PassingError, SoftwareError, VideoError
from seizures.processes import decoder
from seizures.processes.decoder import IsolatedWindow, survey_isolated
from seizures.video.window import WindowRequest, open_window


@pytest.fixture(scope="module")
def film(tmp_path_factory) -> Path:
    return next(item for item in zoo.ALL if item.name == "h264.mp4").make(tmp_path_factory.mktemp("film"))[0]


@pytest.fixture(autouse=True)
def no_child_is_left():
    yield
    decoder._stop_child()


def window(path):
    return WindowRequest((path,), 0.3)


def decode(path, **more):
    with IsolatedWindow(window(path), **more) as one:
        return np.concatenate([block.frames for block in one]), one.facts


def send_when_started(sent: signal.Signals) -> threading.Thread:
    def send() -> None:
        while not decoder._running:
            time.sleep(0.001)
        os.kill(decoder._running[0].process.pid, sent)

    thread = threading.Thread(target=send)
    thread.start()
    return thread


def test_the_child_decodes_the_same(film):
    frames, facts = decode(film)
    with open_window(window(film)) as one:
        np.testing.assert_array_equal(frames, np.concatenate([block.frames for block in one]))
        assert facts == one.facts
    first = decoder._running[0].process.pid
    decode(film)
    assert decoder._running[0].process.pid == first


def test_a_crash_is_an_error_of_the_film_alone(film):
    thread = send_when_started(signal.SIGSEGV)
    with pytest.raises(VideoError, match=r"h264\.mp4: the decoder died \(signal SIGSEGV\)"):
        decode(film)
    thread.join()
    assert len(decode(film)[0]) == 32


def test_a_hang_is_stopped(film):
    thread = send_when_started(signal.SIGSTOP)
    with pytest.raises(VideoError, match="hangs: it gave no sign of life for 1 s and was stopped"):
        decode(film, longest_silence_seconds=1.0)
    thread.join()
    assert len(decode(film)[0]) == 32


def test_errors_come_through_as_they_are(film, tmp_path):
    broken = tmp_path / "broken.mp4"
    content = bytearray(film.read_bytes())
    content[3000:3600] = bytes(600)
    broken.write_bytes(content)
    with pytest.raises(DamagedVideoError, match=r"broken\.mp4: .*damaged = mask goes on behind the damage"):
        decode(broken)


def test_what_the_disk_cannot_read_is_no_fault_of_the_film(tmp_path):
    with pytest.raises(PassingError, match=r"absent\.mp4: cannot be read now: No such file"):
        decode(tmp_path / "absent.mp4")
    unreadable = tmp_path / "unreadable.mp4"
    unreadable.symlink_to("/proc/self/mem")  # reading its first page is an input/output error
    with pytest.raises(PassingError, match=r"unreadable\.mp4: cannot be read now: Input/output error; run it again"):
        decode(unreadable)
    with pytest.raises(PassingError, match="Input/output error"):
        survey_isolated(unreadable)
    assert not issubclass(PassingError, VideoError)  # which would be kept as the film's own fault


def test_a_decoder_that_was_killed_is_no_fault_of_the_film(film):
    thread = send_when_started(signal.SIGKILL)
    with pytest.raises(PassingError, match=r"h264\.mp4: the decoder was killed \(signal SIGKILL\), by a person or"):
        decode(film)
    thread.join()


def test_an_abandoned_window_stops_its_child(film):
    with IsolatedWindow(window(film)) as one:
        next(iter(one))
        assert decoder._running
    assert not decoder._running


def test_a_survey_of_a_film_that_kills_the_decoder_says_so(film):
    thread = send_when_started(signal.SIGABRT)
    facts = survey_isolated(film)
    thread.join()
    assert (
        facts.error == "the decoder died (signal SIGABRT); the video is probably damaged: repair it or say use = skip"
    )
    assert survey_isolated(film).num_frames == 60


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (
            "def broken(*_, **__): raise TypeError('open() got an unexpected keyword argument')",
            r"TypeError: open\(\) got an",
        ),
        ("def broken(*_, **__): raise AttributeError('gone')", "AttributeError: gone"),
        ("import os; broken = lambda *_, **__: os._exit(1)", r"the process that decodes ended \(exit code 1\)"),
    ],
)
def test_a_fault_of_the_software_is_no_fault_of_the_film(film, tmp_path, monkeypatch, broken, said):
    """The child's PyAV is another one than it was written for."""
    (tmp_path / "sitecustomize.py").write_text(f"import av\n{broken}\nav.open = broken\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    decoder._stop_child()
    for ask in (decode, survey_isolated):
        with pytest.raises(SoftwareError, match=rf"h264\.mp4: {said}.*\. The film is not to blame, but this software"):
            ask(film)
    assert not issubclass(SoftwareError, VideoError)  # which would be kept as the film's own fault


def test_any_error_of_libav_is_one_of_the_film(film, tmp_path, monkeypatch):
    """Those that are no OSError, too; one is an EOFError, which ends the child's pipe where it is raised by it."""
    (tmp_path / "sitecustomize.py").write_text(
        "import av\ndef broken(*_, **__): raise av.EOFError(1, 'end of file')\nav.VideoFrame.reformat = broken\n"
        "import seizures.video.window\nseizures.video.window.FrameGraph.apply = broken\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    decoder._stop_child()
    with pytest.raises(VideoError, match="end of file"):
        decode(film)


def test_ctrl_c_is_the_parents_matter(film):
    """At the keyboard it reaches every process of the terminal; the child goes on until its parent ends."""
    decoder._stop_child()
    # Under nohup or in the background of a shell it is ignored, which a child would inherit.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        frames, _ = decode(film)
    finally:
        signal.signal(signal.SIGINT, before)
    child = decoder._running[0].process
    os.kill(child.pid, signal.SIGINT)
    again, _ = decode(film)
    assert decoder._running[0].process is child
    assert child.poll() is None
    np.testing.assert_array_equal(frames, again)


def test_a_fork_leaves_its_parents_child_alone_and_has_its_own(film, monkeypatch):
    frames, _ = decode(film)
    (parents,) = decoder._running
    owner = os.getpid()
    with monkeypatch.context() as fork:
        fork.setattr(os, "getpid", lambda: owner + 1)  # the list of children is inherited, the child is not
        decoder._stop_child()
        assert parents.process.poll() is None
        of_fork, _ = decode(film)
        assert decoder._running[0].process.pid != parents.process.pid
        decoder._stop_child()
    assert parents.process.poll() is None
    decoder._running[:] = [parents]  # as the parent, which has a list of its own, sees it
    again, _ = decode(film)
    assert decoder._running == [parents]
    for other in (of_fork, again):
        np.testing.assert_array_equal(frames, other)
