/* The line of time: what happens, the answer so far, what moved it, and the pictures, on one axis that can be zoomed. */
let from = start, to = end;   /* the seconds that are in sight */
let G = null;                 /* how the line is drawn now */
const push = Math.max(1e-6, ...views.flatMap(v => v.evidence.map(e => Math.abs(e.value))));
const heaviest = Math.max(1e-9, ...views.flatMap(v => v.evidence.map(e => e.weight ?? 0)));
const zone = V.no_call || [.5, .5];
const STEPS = [.1, .2, .5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600];
const isWhole = () => to - from > end - start - 1e-6;

function text(x, y, content, { size = 12, kind = "", anchor = "start", bold = false } = {}) {
  const style = `font-size:${size}px;text-anchor:${anchor}${bold ? ";font-weight:700" : ""}`;
  return `<text class="${kind}" x="${x}" y="${y}" style="${style}">${safe(content)}</text>`;
}
const shorten = (words, most) => words.length > most ? words.slice(0, most - 1) + "…" : words;
const rect = (x, y, w, h, fill, more = "") => `<rect x="${x}" y="${y}" width="${Math.max(0, w)}" height="${Math.max(0, h)}" fill="var(--${fill})" ${more}/>`;

function draw(forced) {
  const width = forced || line.clientWidth;
  if (!width) return;
  const phone = !forced && width < 640, left = phone ? 27 : 104, right = phone ? 36 : 62, plot = width - left - right;
  const x = t => left + plot * (t - from) / (to - from);
  const top = 46, high = phone ? 150 : 158, axis = top + high, y = p => top + high * (1 - p);
  const frameOfIt = { phone, left, right, plot, x, top, high, axis, y, width };
  const { svg: events, flags } = drawEvents(frameOfIt);
  const { svg: bars, lanes, bottom } = drawEvidence(frameOfIt, axis + 30);
  const curveAndZones = drawCurve(frameOfIt, flags), ticks = drawTicks(frameOfIt);
  let height = bottom + 4, overview = "";
  if (!isWhole()) { overview = drawOverview(frameOfIt, height); height += 18; }
  G = { ...frameOfIt, lanes, height, t: px => from + (px - left) / plot * (to - from), overviewTop: isWhole() ? Infinity : height - 18 };
  const plotPath = `<clipPath id="plot"><rect x="${left - 1}" y="0" width="${plot + 2}" height="${height}"/></clipPath>`;
  line.innerHTML = `<svg viewBox="0 0 ${width} ${height}" aria-hidden="true"><defs>${plotPath}</defs>${events}${curveAndZones}${ticks}${bars}<g class="loop" clip-path="url(#plot)"></g>${overview}</svg>`;
  if (withPictures) for (const view of views) line.append(stripOf(view, frameOfIt));
  for (const name of ["hover", "head-now", "tip"]) {
    const div = document.createElement("div");
    div.className = name; div.hidden = name !== "head-now"; line.append(div);
  }
  for (const button of $$(".zoom button")) button.disabled = button.dataset.do !== "in" ? isWhole() : to - from <= shortest() + 1e-6;
  show();
}

/* Before, seizure, after; and what was marked. */
function drawEvents({ x, left, plot, phone, width, right }) {
  const y = 22, split = marker ? marker.seconds : offset;
  let g = rect(left, y, plot, 12, "sunk", 'rx="3"') + '<g clip-path="url(#plot)">';
  g += rect(x(0), y, x(split) - x(0), 12, "faint", 'opacity=".55"');
  if (marker) g += rect(x(split), y, x(offset) - x(split), 12, "ink", 'opacity=".75"');
  g += "</g>";
  const flags = [[0, W.onset], [offset, W.offset]];
  if (marker) flags.push([marker.seconds, marker.name]);
  let taken = [];
  for (const [t, name] of flags) {
    const px = x(t);
    if (px < left - 1 || px > left + plot + 1) continue;
    const words = shorten(name, phone ? 16 : 30), size = phone ? 11 : 12, half = words.length * size * .31;
    const anchor = px + half > width - right + 20 ? "end" : px - half < left ? "start" : "middle";
    const middle = anchor === "end" ? px - half : anchor === "start" ? px + half : px;
    if (taken.some(other => Math.abs(other.middle - middle) < other.half + half + 4)) continue;   /* onset and offset first */
    taken.push({ middle, half });
    g += text(px, 15, words, { size, anchor, kind: "ink" });
  }
  if (!phone) g += text(0, y + 10, shorten(W.film, 15));
  return { svg: g, flags };
}

/* The answer so far, thin and grey until it holds. */
function drawCurve({ x, y, left, plot, width, right, axis, top, phone }, flags) {
  const [low, high] = zone, zoneX = width - right + 7, middle = y((low + high) / 2);
  let g = rect(left, y(1), plot, y(high) - y(1), "pos-tint") + rect(left, y(high), plot, y(low) - y(high), "zone") + rect(left, y(low), plot, y(0) - y(low), "neg-tint");
  if (!V.no_call) g += `<line x1="${left}" x2="${left + plot}" y1="${y(.5)}" y2="${y(.5)}" stroke="var(--faint)" stroke-dasharray="2 3"/>`;
  const most = phone ? 6 : 9;
  g += text(zoneX, y(0) - 5, shorten(N, most), { size: 13, bold: true, kind: "n" }) + text(zoneX, y(1) + 12, shorten(P, most), { size: 13, bold: true, kind: "p" });
  if (V.no_call && high - low > .02) g += phone ? text(zoneX, middle - 3, W.no_call[0], { size: 11 }) + text(zoneX, middle + 10, W.no_call[1], { size: 11 }) : text(zoneX, middle + 4, W.no_call.join(" "));
  W.levels.forEach((words, i) => { g += text(left - 6, clamp(y(i / 2) + 4, top + 9, axis), words, { size: 11.5, anchor: "end" }); });
  if (!phone) W.answer.forEach((words, i) => { g += text(0, y(.5) - 4 + 15 * i, words); });
  g += '<g clip-path="url(#plot)">';
  const points = curve.seconds.map((t, i) => [x(t), y(curve.probability[i]), y(curve.low[i]), y(curve.high[i])]);
  const path = list => list.map(([px, py], i) => `${i ? "L" : "M"}${px.toFixed(1)} ${py.toFixed(1)}`).join("");
  const cut = settled == null ? points.length - 1 : Math.max(0, curve.seconds.findIndex(t => t >= settled - 1e-6));
  if (points.length) {
    const upper = points.map(p => [p[0], p[3]]), lower = points.slice().reverse().map(p => [p[0], p[2]]);
    g += `<path d="${path(upper.concat(lower))}Z" fill="var(--ink)" opacity=".13"/>`;
    g += `<path d="${path(points.slice(0, cut + 1))}" fill="none" stroke="var(--soft)" stroke-width="2" stroke-linejoin="round"/>`;
    if (points.length === 1) g += `<circle cx="${points[0][0]}" cy="${points[0][1]}" r="4" fill="var(--soft)"/>`;
    if (settled != null) g += `<path d="${path(points.slice(cut))}" fill="none" stroke="var(--${tone})" stroke-width="4" stroke-linejoin="round" stroke-linecap="round"/>`;
  }
  for (const [t] of flags) g += `<line x1="${x(t)}" x2="${x(t)}" y1="22" y2="${axis}" stroke="var(--ink)" stroke-dasharray="2 3" opacity=".55"/>`;
  if (settled != null && points.length) {
    const [sx, sy] = points[cut], flip = sx > left + plot * .62, dy = tone === "pos" ? 34 : -24;
    g += `<circle cx="${sx}" cy="${sy}" r="6" fill="var(--card)" stroke="var(--${tone})" stroke-width="3"/>`;
    g += text(sx + (flip ? -10 : 10), clamp(sy + dy, top + 14, axis - 6), W.holds, { size: 13, bold: true, anchor: flip ? "end" : "start", kind: `holds ${tone === "pos" ? "p" : "n"}` });
  }
  return g + "</g>";
}

function drawTicks({ x, plot, axis, phone, left }) {
  const wish = plot / (phone ? 52 : 80), step = STEPS.find(s => (to - from) / s <= wish) || STEPS.at(-1);
  const digits = step < 1 ? 1 : 0;
  let g = "";
  for (let i = Math.ceil(from / step - 1e-9); i * step <= to + 1e-9; i++) {
    const t = i * step, zero = Math.abs(t) < 1e-9, place = clamp(x(t), left + 4, left + plot - 4);
    const words = isLong ? clock(t, digits) : zero ? put(W.second, "0") : minus(t.toFixed(digits));
    g += `<line x1="${x(t)}" x2="${x(t)}" y1="${axis}" y2="${axis + 5}" stroke="var(--faint)"/>` + text(place, axis + 18, words, { anchor: "middle" });
  }
  return phone ? g : g + text(0, axis + 18, W.since);
}

/* A bar is as wide as its segment; the notch is what the classifier saw of it. */
function drawEvidence({ x, left, plot, phone }, top) {
  const lanes = [], some = views.some(v => v.evidence.length), lane = phone ? 44 : 52, gap = phone ? 12 : 4;
  if (!some) return { svg: "", lanes, bottom: top - 4 };
  let base = top + 16;
  const named = [[W.up, "p"], [W.down, "n"], [phone ? "" : W.attention, "ink"]].filter(([words]) => words);
  const keys = named.map(([words, kind]) => `<tspan dx="${phone ? 8 : 16}" class="${kind}">${safe(words)}</tspan>`).join("");
  let g = `<text x="${left}" y="${top + 10}" style="font-size:${phone ? 11 : 12}px">${safe(W.moved)}${keys}</text>`;
  for (const view of views) {
    const hasWeights = view.evidence.some(e => e.weight != null), under = hasWeights ? 9 : 0;
    const mid = base + lane / 2 + (phone ? 8 : 2), unit = lane / 2 - 3;
    g += phone ? text(left, base + 9, shorten(view.title, 30), { size: 11 }) : text(0, mid + 4, shorten(view.title, 15));
    g += `<line x1="${left}" x2="${left + plot}" y1="${mid}" y2="${mid}" stroke="var(--faint)"/><g clip-path="url(#plot)">`;
    for (const e of view.evidence) {
      const size = Math.max(1, unit * Math.abs(e.value) / push), ex = x(e.start), ew = Math.max(1, x(e.end) - ex - 1.5);
      g += rect(ex + .75, e.value >= 0 ? mid - size : mid, ew, size, e.value >= 0 ? "pos" : "neg", 'rx="1.5" opacity=".8"');
      g += rect(x(e.snippet[0]), mid - 2, Math.max(2, x(e.snippet[1]) - x(e.snippet[0])), 4, "ink");
      if (e.weight != null) g += rect(ex + .75, mid + lane / 2, ew, 5, "sunk") + rect(ex + .75, mid + lane / 2, ew, 5, "ink", `opacity="${(.9 * e.weight / heaviest).toFixed(3)}"`);
    }
    g += "</g>";
    lanes.push({ top: base, bottom: base + lane + gap - 2 + under, view });
    base += lane + gap + under;
  }
  return { svg: g, lanes, bottom: base };
}

/* Under a zoomed line: all of it, and the part in sight. */
function drawOverview({ left, plot }, top) {
  const x = t => left + plot * (t - start) / (end - start);
  let g = `<g class="overview">` + rect(left, top + 4, plot, 10, "sunk", 'rx="5"');
  g += rect(x(0), top + 7, x(offset) - x(0), 4, "faint", 'rx="2" opacity=".55"');
  return g + rect(x(from), top + 3, Math.max(12, x(to) - x(from)), 12, "soft", 'rx="6" opacity=".8"') + "</g>";
}

/* Pictures along the axis; zoomed in, each stands where it belongs. */
function stripOf(view, { left, right, plot, width, phone }) {
  const strip = document.createElement("div"), tiles = document.createElement("div"), all = view.pictures;
  const n = phone && isWhole() ? Math.min(6, all.length) : all.length, each = (end - start) / n;
  strip.className = "strip"; tiles.className = "tiles";
  strip.style.paddingLeft = 100 * left / width + "%"; strip.style.paddingRight = 100 * right / width + "%";
  strip.style.height = clamp(plot / Math.min(n, phone ? 6 : 14) / view.aspect, 24, phone ? 44 : 52).toFixed(1) + "px";
  strip.innerHTML = `<span class="lab">${safe(view.title)}</span>`;
  for (let i = 0; i < n; i++) {
    const a = start + i * each, b = a + each, middle = (a + b) / 2;
    const shown = all.reduce((x, y) => Math.abs(y.seconds - middle) < Math.abs(x.seconds - middle) ? y : x);
    const x0 = clamp((a - from) / (to - from), 0, 1), x1 = clamp((b - from) / (to - from), 0, 1);
    if (x1 - x0 < 1e-4) continue;
    const pic = document.createElement("span");
    pic.className = isWhole() ? "pic" : "pic wide";
    Object.assign(pic.dataset, { seconds: shown.seconds, from: a, to: b });
    pic.style.left = 100 * x0 + "%"; pic.style.width = `calc(${100 * (x1 - x0)}% - 2px)`;
    pic.innerHTML = `<img src="${safe(shown.file)}" alt="${safe(shown.alt)}" draggable="false">`;
    tiles.append(pic);
  }
  strip.append(tiles);
  return strip;
}

/* Put the mark, the numbers and the loop where the frame is. */
function show() {
  if (!G) return;
  const t = timeOf(frame), head = $(".head-now", line), i = at(t), inSight = t >= from - 1e-6 && t <= to + 1e-6;
  head.hidden = !inSight; head.style.left = G.x(t) + "px"; head.style.top = "18px";
  head.style.height = line.clientHeight - 18 + "px";
  $(".now .t").textContent = when(t, withPictures && !isLong ? 2 : 1);
  $(".now .p").innerHTML = i == null ? safe(W.no_answer) : `<span class="band">${safe(t > offset ? W.final : W.so_far)}</span> <b>${safe(curve.said[i])}</b> ${safe(W.unit)} <span class="band">(${safe(curve.bands[i])})</span>`;
  line.setAttribute("aria-valuenow", frame);
  line.setAttribute("aria-valuetext", `${when(t, 1)}: ${i == null ? W.no_answer : curve.spoken[i]}`);
  const half = .5 / fps;
  $(".loop", line).innerHTML = loop ? rect(G.x(timeOf(loop[0]) - half), 18, G.x(timeOf(loop[1]) + half) - G.x(timeOf(loop[0]) - half), G.height - 18, "focus", 'opacity=".17"') : "";
  for (const pic of $$(".strip .pic", line)) pic.classList.toggle("on", t >= +pic.dataset.from && t < +pic.dataset.to);
  for (const film of films) { film.dark(t); if (film.failed) film.picture(); }
}

/* Zoom ---------------------------------------------------------------------------------------------------------- */
const shortest = () => Math.min(end - start, Math.max(1, 16 / fps));
function look(a, b) {
  const span = clamp(b - a, shortest(), end - start);
  const first = clamp(a, start, end - span);
  if (Math.abs(first - from) < 1e-9 && Math.abs(first + span - to) < 1e-9) return;
  from = first; to = first + span;
  draw();
}
function zoom(factor, around = clamp(timeOf(frame), from, to)) {
  const span = clamp((to - from) * factor, shortest(), end - start), share = (around - from) / (to - from);
  look(around - share * span, around - share * span + span);
}
const whole = () => look(start, end);
function keepInSight() {
  const t = timeOf(frame), span = to - from;
  if (t < from) look(t - .1 * span, t + .9 * span);
  else if (t > to) look(t - (playing ? .1 : .9) * span, t + (playing ? .9 : .1) * span);
}
