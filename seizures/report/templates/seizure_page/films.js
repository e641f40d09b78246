/* The films: one clock, seeks one at a time and only the last wish kept, all always on the same frame. */
let playing = false, rolling = false, rate = 1, timer = 0;   /* rolling: the films run on their own, wishes wait */
let virtual = null;                                          /* the clock while no film can play */
const films = withPictures ? $$(".film").map((box, index) => {
  const video = $("video", box), view = views[index], film = { box, video, view, busy: false, want: 0, at: -1, failed: false };
  const note = document.createElement("div");
  note.className = "failed"; note.textContent = W.black; note.hidden = true; box.append(note);
  film.dark = t => { note.hidden = film.failed || !view.black.some(([a, b]) => t >= a && t < b); };
  video.controls = false;
  video.addEventListener("seeked", () => { film.busy = false; if (!rolling) pump(film); });
  video.addEventListener("loadedmetadata", () => { film.at = -1; pump(film); });
  video.addEventListener("error", () => fail(film));
  if (video.error) fail(film);
  box.addEventListener("click", event => event.target.closest(".solo") ? solo(index) : toggle());
  return film;
}) : [];
const alive = () => films.filter(film => !film.failed);

/* A clip that does not play: still pictures instead, and the curve goes on working. */
function fail(film) {
  if (film.failed) return;
  film.failed = true; film.busy = false;
  const image = document.createElement("img"), note = document.createElement("div");
  image.alt = film.view.title; film.video.replaceWith(image);
  note.className = "failed"; note.textContent = W.clip_failed; film.box.append(note);
  film.picture = () => {
    const t = timeOf(frame), best = film.view.pictures.reduce((a, b) => Math.abs(b.seconds - t) < Math.abs(a.seconds - t) ? b : a);
    if (image.getAttribute("src") !== best.file) image.src = best.file;
  };
  film.picture();
}
function pump(film) {
  if (film.busy || film.failed || film.at === film.want || film.video.readyState < 1) return;
  film.busy = true; film.at = film.want;
  film.video.currentTime = (film.at + .5) / fps;   /* the middle of the frame: never the one before */
}
function seek(k) {
  frame = clamp(k, 0, last);
  for (const film of alive()) { film.want = frame; pump(film); }
  keepInSight(); show();
}
const idle = film => new Promise(done => {
  const wait = () => film.busy ? film.video.addEventListener("seeked", () => setTimeout(wait), { once: true }) : done();
  wait();
});
function go(k) {
  if (!rolling) return seek(k);
  for (const film of alive()) { film.video.currentTime = (k + .5) / fps; film.at = -1; }
  frame = k; virtual = null; keepInSight(); show();
}
async function play() {
  if (playing || !withPictures) return;
  const [first, final] = loop || [0, last];
  if (frame >= final || frame < first) seek(first);
  playing = true; virtual = null; buttons();
  await Promise.all(alive().map(idle));
  if (!playing) return;
  rolling = true;
  for (const film of alive()) { film.video.playbackRate = rate; film.at = -1; }
  try { await Promise.all(alive().map(film => film.video.play())); } catch { /* paused meanwhile */ }
  if (playing) timer = requestAnimationFrame(tick);
}
function pause() {
  if (!playing) return;
  playing = rolling = false; cancelAnimationFrame(timer);
  for (const film of alive()) { film.video.pause(); film.video.playbackRate = rate; film.busy = false; film.at = -1; }
  seek(frame); buttons();
}
const toggle = () => playing ? pause() : play();
function tick(now) {
  if (!playing) return;
  const [master, ...others] = alive();
  if (master) {
    if (!master.video.seeking) frame = clamp(Math.floor(master.video.currentTime * fps + 1e-6), 0, last);
    for (const other of others) {
      const drift = other.video.currentTime - master.video.currentTime;
      if (other.video.seeking || master.video.seeking) continue;
      if (Math.abs(drift) > .3) other.video.currentTime = master.video.currentTime;
      else other.video.playbackRate = Math.abs(drift) > .4 / fps ? rate * (1 - clamp(2 * drift, -.2, .2)) : rate;
    }
  } else {
    virtual ??= { now, frame };
    frame = clamp(Math.floor(virtual.frame + (now - virtual.now) / 1000 * rate * fps), 0, last);
  }
  const [first, final] = loop || [0, last], over = frame > final || (master ? master.video.ended : frame >= last);
  if (over && loop) { go(first); for (const film of alive()) if (film.video.paused) film.video.play().catch(() => {}); }
  else if (over) { frame = last; pause(); return; }
  keepInSight(); show(); timer = requestAnimationFrame(tick);
}
const segmentAt = t => views[0].evidence.find(e => t >= e.start && t < e.end);
function toggleLoop() {
  if (!withPictures) return false;
  const s = segmentAt(timeOf(frame));
  loop = loop ? null : s ? [frameOf(s.start), Math.max(frameOf(s.start), frameOf(s.end) - 1)] : [0, last];
  buttons(); show();
}
function step(direction, unit) {
  pause();
  if (unit === "frame") return seek(frame + direction * (withPictures ? 1 : Math.round(fps)));
  if (unit === "second") return seek(frame + direction * Math.round(fps) * (withPictures ? 1 : 10));
  const middles = views[0].evidence.map(e => frameOf((e.snippet[0] + e.snippet[1]) / 2));
  seek(direction > 0 ? middles.find(m => m > frame) ?? last : middles.slice().reverse().find(m => m < frame) ?? 0);
}
function solo(index) {
  if (films.length < 2 || !films[index]) return false;
  const already = films[index].box.classList.contains("only");
  $(".films").classList.toggle("one", !already);
  films.forEach(({ box }, i) => {
    const on = !already && i === index;
    box.classList.toggle("only", on); $(".solo", box).setAttribute("aria-pressed", on);
  });
}
function setRate(value) {
  rate = value; virtual = null;
  for (const film of alive()) film.video.playbackRate = rate;
  buttons();
}
const ICONS = { play: "M2 .5 13 7 2 13.5z", pause: "M2 1h4v12H2zM8 1h4v12H8z" };
function buttons() {
  const main = $("[data-do=play]"), name = playing ? "pause" : "play";
  if (!main) return;
  main.innerHTML = `<svg width="14" height="14" viewBox="0 0 14 14" aria-hidden="true"><path d="${ICONS[name]}" fill="currentColor"/></svg><span>${safe(W[name])}</span>`;
  main.setAttribute("aria-label", W[name]);
  const again = $("[data-do=loop]");
  again.setAttribute("aria-pressed", !!loop);
  $("span", again).textContent = loop ? put(W.to, clock(timeOf(loop[0]), 1), clock(timeOf(loop[1]), 1)) : W.loop;
  for (const button of $$("[data-rate]")) button.setAttribute("aria-pressed", +button.dataset.rate === rate);
  $(".pace").value = rate;
}
