/* What the page knows. Every text comes with the data; this script moves films and marks, and shows the texts. */
const D = JSON.parse(document.getElementById("data").textContent);
const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
const safe = text => String(text).replace(/[&<>"']/g, c => `&#${c.charCodeAt(0)};`);
const clamp = (x, low, high) => Math.min(high, Math.max(low, x));
const { verdict: V, labels: L, views, curve, clip, words: W } = D;
const stage = $("#stage"), line = $("#line"), withPictures = D.pictures;
const P = L.positive.short, N = L.negative.short, tone = V.probability >= .5 ? "pos" : "neg";
const settled = W.holds ? V.settled_seconds : null, marker = D.events.marker, offset = D.events.offset;
const fps = clip.frames_per_second, last = clip.num_frames - 1;
const start = clip.start_seconds, end = withPictures ? start + clip.num_frames / fps : offset;
/* A frame stands in the middle of its time; without films, the mark stands at a moment. */
const timeOf = frame => withPictures ? start + (frame + .5) / fps : Math.min(end, frame / fps);
const frameOf = t => clamp(Math.floor((t - start) * fps + (withPictures ? 1e-6 : .5)), 0, last);
const put = (text, ...values) => values.reduce((all, value) => all.replace("{}", () => value), text);
const minus = text => String(text).replace("-", "−");

/* A moment as text: seconds, and minutes where the film is long. */
const isLong = end - start >= 120;
function clock(t, digits) {
  const size = Math.abs(t), sign = t < 0 && size >= .5 * 10 ** -digits ? "−" : "";
  if (!isLong) return sign + put(W.second, size.toFixed(digits));
  const minutes = Math.floor((size + 1e-9) / 60), rest = (size - 60 * minutes + 1e-9).toFixed(digits);
  return `${sign}${minutes}:${rest.padStart(digits ? 3 + digits : 2, "0")}`;
}
const when = (t, digits) => put(t < 0 ? W.before : W.after, clock(Math.abs(t), digits));

/* The answer that stood at a moment: its place in the curve; null before the first. */
function at(t) {
  const s = curve.seconds;
  if (!s.length || t < s[0]) return null;
  let low = 0, high = s.length - 1;
  while (low < high) { const middle = (low + high + 1) >> 1; if (s[middle] <= t) low = middle; else high = middle - 1; }
  return low;
}
let frame = 0, loop = null;   /* the frame that is shown; [first, last] frame of the loop */
