"""Decoding: ours, ffmpeg's own pace (the limit), and video_features' way; films that are made here."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np

from benchmarks.measure import Row, Run, apart, in_turns, megabytes, seconds
from seizures.settings import FrameSettings
from seizures.video.window import WindowRequest, open_window

RATE_HZ, FRAME_SIZE = 15.0, 112


def make_film(path: Path, width: int, height: int, rate_hz: int, num_frames: int) -> Path:
    """Let ffmpeg draw a film with a camera's noise; H.264, kept where it was made before."""
    if not path.exists():
        source = f"testsrc2=size={width}x{height}:rate={rate_hz},noise=alls=10:allf=t"
        command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", source, "-frames:v", str(num_frames)]
        encoder = ["-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-g", str(10 * rate_hz)]
        subprocess.run([*command, *encoder, str(path)], check=True)
    return path


def repeat_film(path: Path, times: int) -> Path:
    """Put a film behind itself, without encoding it again."""
    longer = path.with_name(f"{path.stem}x{times}.mp4")
    if not longer.exists():
        names = path.with_suffix(".txt")
        names.write_text(f"file '{path.absolute()}'\n" * times)
        command = ["ffmpeg", "-v", "error", "-y", "-f", "concat", "-safe", "0", "-i", str(names), "-c", "copy"]
        subprocess.run([*command, str(longer)], check=True)
    return longer


def ours(path: Path, onset_seconds: float | None = None, offset_seconds: float | None = None) -> int:
    """Decode a window as the pipeline does; return the number of frames."""
    settings = FrameSettings(RATE_HZ)
    request = WindowRequest((path,), onset_seconds, offset_seconds, settings=settings, frame_size=FRAME_SIZE)
    with open_window(request) as window:
        return sum(len(block.frames) for block in window)


def ffmpeg(path: Path) -> None:
    """Let ffmpeg do as much, and throw the frames away before they are RGB."""
    filters = f"fps={RATE_HZ:g},scale=171:128"
    subprocess.run(["ffmpeg", "-v", "error", "-nostdin", "-i", path, "-vf", filters, "-f", "null", "-"], check=True)


def video_features(path: Path, first: int = 0, stop: int | None = None) -> int:
    """Decode the whole film at its full size as RGB, cut the window out, resize it with torch in chunks of 64."""
    import torch  # what the other ways do not need

    with av.open(str(path)) as container:
        every = container.streams.video[0].average_rate / RATE_HZ
        whole = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    chosen = [whole[int(index * every)] for index in range(int(len(whole) / every))][first:stop]
    for start in range(0, len(chosen), 64):
        chunk = torch.from_numpy(np.stack(chosen[start : start + 64])).permute(0, 3, 1, 2).float() / 255
        torch.nn.functional.interpolate(chunk, size=(128, 171), mode="bilinear", align_corners=False)
    return len(chosen)


def rows(folder: Path, repeats: int) -> Iterator[Row]:
    """Measure whole films against ffmpeg and the peer, and a short window of a long film against the peer."""
    films = {
        "320x240, 1500 frames": make_film(folder / "small.mp4", 320, 240, 25, 1500),
        "1920x1080, 240 frames": make_film(folder / "large.mp4", 1920, 1080, 30, 240),
    }
    for name, film in films.items():
        found = in_turns(
            {"ours": (ours, (film,)), "ffmpeg": (ffmpeg, (film,)), "peer": (video_features, (film,))}, repeats
        )
        yield _row(f"decode {name}", found, limit="ffmpeg")
    longer = repeat_film(films["1920x1080, 240 frames"], 5)  # of which the peer would hold 31 GB
    found = in_turns({"ours": (ours, (longer,)), "ffmpeg": (ffmpeg, (longer,))}, min(repeats, 3))
    yield _row("decode 1920x1080, 1200 frames", found, limit="ffmpeg")
    long = repeat_film(films["320x240, 1500 frames"], 8)
    window = {"ours": (ours, (long, 400.0, 405.0)), "peer": (video_features, (long, 6000, 6075))}
    yield _row("5 s out of 8 minutes, 320x240", in_turns(window, min(repeats, 3)))


def scaling_rows(folder: Path, _repeats: int) -> Iterator[Row]:
    """Measure the same film at 1, 10 and 100 times its length of one minute."""
    film = make_film(folder / "small.mp4", 320, 240, 25, 1500)
    first: Run | None = None
    for times in (1, 10, 100):
        run = apart(ours, film if times == 1 else repeat_film(film, times))
        first = first or run
        pace = f"{run.result / run.seconds:,.0f} frames of {RATE_HZ:g} Hz/s"
        what = (
            f"decode a film of {times} min ({run.processor_seconds / first.processor_seconds:.1f} x the work of 1 min)"
        )
        yield Row(what, seconds(run.seconds), limit=pace, memory=megabytes(run.peak_megabytes))


def _row(what: str, found: dict[str, Run], limit: str | None = None) -> Row:
    mine, peer = found["ours"], found.get("peer")
    bound = found[limit] if limit else None
    return Row(
        what,
        seconds(mine.seconds),
        seconds(peer.seconds) if peer else "",
        f"{limit}: {seconds(bound.seconds)}" if bound else "",
        peer.seconds / mine.seconds if peer else None,
        bound.seconds / mine.seconds if bound else None,
        megabytes(mine.peak_megabytes) + (f"; peer {megabytes(peer.peak_megabytes)}" if peer else ""),
    )
