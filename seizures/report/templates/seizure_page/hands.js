/* Buttons and keys ---------------------------------------------------------------------------------------------- */
const full = () => {
  if (!document.fullscreenEnabled || !withPictures) return false;
  if (document.fullscreenElement) document.exitFullscreen(); else stage.requestFullscreen().catch(() => {});
};
document.addEventListener("fullscreenchange", () => {
  const on = document.fullscreenElement === stage;
  $("[data-do=full]").setAttribute("aria-pressed", on);
  fit();
});
/* On a full screen the films take all the room that the line of time leaves. */
function fit() {
  if (document.fullscreenElement !== stage) return;
  const rest = line.getBoundingClientRect().bottom - stage.getBoundingClientRect().top + stage.scrollTop - $(".films").clientHeight;
  stage.style.setProperty("--room", Math.max(160, innerHeight - rest - 16) + "px");
}
const DEEDS = {
  play: toggle, back: () => step(-1, "frame"), forward: () => step(1, "frame"), loop: toggleLoop, full,
  in: () => zoom(.5), out: () => zoom(2), whole,
};
document.addEventListener("click", event => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.dataset.rate) setRate(+button.dataset.rate);
  else if (button.dataset.do) DEEDS[button.dataset.do]();
});
if (withPictures) $(".pace").addEventListener("change", event => setRate(+event.target.value));
document.addEventListener("keydown", event => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const inButton = event.target.closest("button, summary, a, input, select"), onLine = event.target === line;
  const unit = event.shiftKey ? "second" : "frame";
  const deeds = {
    " ": () => inButton ? false : toggle(), ArrowLeft: () => step(-1, unit), ArrowRight: () => step(1, unit),
    Home: () => go(loop ? loop[0] : 0), End: () => { pause(); seek(last); },
    PageUp: () => onLine ? step(-1, "segment") : false, PageDown: () => onLine ? step(1, "segment") : false,
    ArrowDown: () => onLine ? step(-1, unit) : false, ArrowUp: () => onLine ? step(1, unit) : false,
    "+": () => zoom(.5), "=": () => zoom(.5), "-": () => zoom(2), "−": () => zoom(2), 0: whole,
    l: toggleLoop, f: full,
    Escape: () => { if (!loop) return false; loop = null; buttons(); show(); },
  };
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const deed = /^[1-9]$/.test(key) ? () => solo(key - 1) : deeds[key];
  if (deed && deed() !== false) event.preventDefault();
});

/* A pointer on the line: click, drag, shift-drag; a finger that scrolls the page must not move the film ----------- */
let drag = null;
const fingers = new Map();   /* of a pinch */
const place = event => { const box = line.getBoundingClientRect(); return { px: event.clientX - box.left, py: event.clientY - box.top }; };
function pointed(px, py) {
  const t = clamp(G.t(px), start, end - 1e-6), lane = G.lanes.find(l => py >= l.top && py < l.bottom);
  return { t, lane, part: lane && lane.view.evidence.find(e => t >= e.start && t < e.end) };
}
function pinch() {
  const [a, b] = [...fingers.values()], apart = Math.max(20, Math.abs(a - b));
  return { apart, middle: (a + b) / 2 };
}
line.addEventListener("pointerdown", event => {
  if (event.button || !G) return;
  const { px, py } = place(event);
  if (event.pointerType === "touch") {
    fingers.set(event.pointerId, px);
    if (fingers.size === 2) { const { apart, middle } = pinch(); drag = { pinch: true, apart, t: G.t(middle), span: to - from }; return; }
  }
  if (px < G.left - 6 || fingers.size > 1) return;
  const { t, part } = pointed(px, py), picture = event.target.closest(".strip .pic"), was = playing;
  if (event.target.closest(".overview")) drag = { pan: true };
  else {
    const touch = event.pointerType === "touch";
    drag = { from: t, shift: event.shiftKey && withPictures, was, touch, moved: false, far: false, px, y: event.clientY };
    const wanted = picture ? frameOf(+picture.dataset.seconds) : frameOf(part ? (part.snippet[0] + part.snippet[1]) / 2 : t);
    drag.tap = () => { pause(); seek(wanted); };
    if (!drag.shift && !touch) drag.tap();
  }
  line.setPointerCapture(event.pointerId);
  line.focus({ preventScroll: true, focusVisible: false });
  if (drag.pan) pan(px); else hover(event);
  event.preventDefault();
});
function pan(px) {
  const span = to - from, t = start + (px - G.left) / G.plot * (end - start);
  look(t - span / 2, t + span / 2);
}
line.addEventListener("pointermove", event => {
  if (!G) return;
  const { px, py } = place(event);
  if (fingers.has(event.pointerId)) fingers.set(event.pointerId, px);
  if (drag && drag.pinch) {
    if (fingers.size < 2) return;
    const { apart, middle } = pinch(), span = clamp(drag.span * drag.apart / apart, shortest(), end - start);
    const first = drag.t - (middle - G.left) / G.plot * span;
    return look(first, first + span);
  }
  if (drag && drag.pan) return pan(px);
  hover(event);
  if (!drag) return;
  const { t } = pointed(px, py);
  if (Math.abs(event.clientY - drag.y) > 10) drag.far = true;
  if (Math.abs(px - drag.px) < (drag.touch ? 6 : 3) && !drag.moved) return;
  if (!drag.moved && drag.touch) pause();
  drag.moved = true;
  if (drag.shift) {
    const a = frameOf(Math.min(t, drag.from)), b = frameOf(Math.max(t, drag.from));
    loop = b - a >= 2 ? [a, b] : null; buttons(); show();
  } else seek(frameOf(clamp(t, from, to)));
});
function release(event) {
  fingers.delete(event.pointerId);
  if (!drag) return;
  const d = drag;
  if (d.pinch) { if (!fingers.size) drag = null; return away(); }
  drag = null;
  if (d.pan) return;
  if (event.pointerType === "touch") away();
  if (event.type === "pointercancel") return away();
  if (d.touch && !d.moved && !d.far) d.tap();
  if (d.shift && loop) seek(loop[0]);
  if (d.was || (d.shift && loop)) play();
}
line.addEventListener("pointerup", release);
line.addEventListener("pointercancel", release);
line.addEventListener("wheel", event => {
  if (!G) return;
  const unit = event.deltaMode === 1 ? 16 : 1, sideways = event.shiftKey ? event.deltaY || event.deltaX : event.deltaX;
  if (event.ctrlKey || event.metaKey) zoom(Math.exp(clamp(event.deltaY * unit, -120, 120) * .006), clamp(G.t(place(event).px), from, to));
  else if (!isWhole() && Math.abs(sideways) >= Math.abs(event.shiftKey ? 0 : event.deltaY) && sideways) {
    const shift = sideways * unit / G.plot * (to - from);
    look(from + shift, to + shift);
  } else return;
  event.preventDefault();
}, { passive: false });
function away() {
  const tip = $(".tip", line);
  if (tip) tip.hidden = $(".hover", line).hidden = true;
}
line.addEventListener("pointerleave", away);
function hover(event) {
  const { px, py } = place(event), tip = $(".tip", line), mark = $(".hover", line);
  if (px < G.left || px > G.width - G.right || py < 0 || py > G.overviewTop && py < G.height) return away();
  const { t, lane, part } = pointed(px, py), i = at(t);
  const said = part ? part.said : [when(t, 1), ...(i == null ? [W.no_answer] : [`${curve.said[i]} ${W.unit}`, put(W.copies, curve.bands[i])])];
  tip.innerHTML = said.map(words => `<div>${safe(words)}</div>`).join("");
  tip.hidden = mark.hidden = false;
  mark.style.left = px + "px"; mark.style.height = line.clientHeight + "px";
  tip.style.left = clamp(px - tip.offsetWidth / 2, 0, Math.max(0, G.width - tip.offsetWidth)) + "px";
  tip.style.top = Math.max(-60, (lane ? lane.top : G.top) - tip.offsetHeight - 6) + "px";
}

/* Begin ---------------------------------------------------------------------------------------------------------- */
for (const element of $$(".bar, .zoom, .solo, .cue, #line-help")) element.hidden = false;
if (withPictures) $("[data-do=full]").hidden = !document.fullscreenEnabled;
$("#tables").open = false;
for (const [name, value] of Object.entries({ role: "slider", tabindex: 0, "aria-labelledby": "line-title", "aria-describedby": "line-help", "aria-valuemin": 0, "aria-valuemax": last })) line.setAttribute(name, value);
buttons();
new ResizeObserver(entries => { if (!G || Math.abs(entries[0].contentRect.width - G.width) > .5) draw(); fit(); }).observe(line);
addEventListener("beforeprint", () => { from = start; to = end; draw(800); });   /* so that letters keep their size on paper */
addEventListener("afterprint", () => draw());
draw();
seek(frameOf(Math.max(start, settled ?? (withPictures ? 0 : end))));
window.seizurePage = {
  state: () => ({ frame, playing, rate, loop, fps, last, from, to, start, end, settled: settled == null ? null : frameOf(settled) }),
  geometry: () => ({ left: G.left, right: G.right, plot: G.plot, top: G.top, height: G.height, width: G.width, lanes: G.lanes.map(l => (l.top + l.bottom) / 2) }),
  xs: frames => frames.map(k => G.x(timeOf(k))),
};
