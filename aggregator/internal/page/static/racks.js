// The rack map: every rack of the site as one cell of a canvas, coloured by its
// power or by its hottest GPU.

import { ceiling, celsius, count, join, known, NARROW, watts } from "./format.js";
import { color, rem, write } from "./dom.js";
import { fit } from "./racklayout.js";

const SHADES = 48;
const COOL = 30; // °C at the low end of the scale
const HOT = 90; // °C at the high end

export class Racks {
  constructor(canvas, tip, live) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.tip = tip;
    this.live = live;
    this.mode = "power";
    this.halls = [];
    this.cells = []; // [{hall, rack, x, y}], in reading order
    this.layout = null;
    this.full = 0; // watts at the high end of the scale
    this.cursor = -1;
    this.paint();
    document.addEventListener("themechange", () => {
      this.paint();
      this.draw();
    });
    new ResizeObserver(() => this.arrange() && this.draw()).observe(canvas.parentElement);
    canvas.addEventListener("pointermove", (e) => this.point(e));
    canvas.addEventListener("pointerdown", (e) => this.point(e));
    canvas.addEventListener("pointerleave", () => this.leave());
    canvas.addEventListener("blur", () => this.leave());
    canvas.addEventListener("keydown", (e) => this.key(e));
  }

  // paint resolves the theme's colours.
  paint() {
    this.ramps = { power: ramp("power"), heat: ramp("heat") };
    this.ink = color("--ink");
    this.ink2 = color("--ink-2");
    this.card = color("--card");
    this.track = color("--track");
    this.bad = color("--bad");
    this.family = getComputedStyle(document.body).fontFamily;
    this.hatch = null;
  }

  show(halls) {
    const same = halls.length === this.halls.length &&
      halls.every((hall, i) => hall.racks.length === this.halls[i].racks.length);
    this.halls = halls;
    this.scale();
    if (same && this.layout) this.refill();
    else this.arrange(true);
    this.draw();
    if (this.cursor >= 0) this.tell(false);
  }

  // scale sets the high end for power: the highest rating, or, where no rating
  // is known, the highest reading, which then shrinks only when it halves.
  scale() {
    let rated = 0;
    let drawn = 0;
    for (const hall of this.halls) {
      for (const rack of hall.racks) {
        if (rack.rated_watts > rated) rated = rack.rated_watts;
        if (rack.watts > drawn) drawn = rack.watts;
      }
    }
    if (rated > 0) this.full = Math.max(rated, drawn);
    else if (drawn > this.full || drawn < this.full * 0.4) this.full = drawn > 0 ? ceiling(drawn) : 1;
  }

  // arrange places the cells again if the room or the racks changed.
  arrange(force) {
    const room = this.canvas.parentElement;
    const floor = room.style.minHeight;
    room.style.minHeight = ""; // measure the room, not what was last put into it
    const unit = rem();
    const width = room.clientWidth;
    const shape = `${width}×${room.clientHeight}×${unit}×${devicePixelRatio}`;
    if (!force && shape === this.shape) {
      room.style.minHeight = floor;
      return false;
    }
    this.shape = shape;
    const narrow = width < 34 * unit;
    const height = narrow ? 64 * unit : room.clientHeight;
    this.layout = fit(this.halls.map((hall) => hall.racks.length), width, height, unit);
    this.refill();
    const total = this.layout ? this.layout.total : 0;
    this.canvas.width = Math.round(width * devicePixelRatio);
    this.canvas.height = Math.round(total * devicePixelRatio);
    this.canvas.style.height = `${total}px`;
    room.style.minHeight = narrow || total > height ? `${total}px` : "";
    this.hatch = null;
    return true;
  }

  refill() {
    const { layout } = this;
    let n = 0;
    this.halls.forEach((hall, h) => {
      hall.racks.forEach((rack, i) => {
        const place = layout.halls[h];
        const cell = (this.cells[n++] ??= {});
        cell.hall = hall;
        cell.rack = rack;
        const column = i % place.columns;
        const line = Math.floor(i / place.columns);
        // Edges fall on whole pixels, so that the gaps are even.
        cell.x = Math.round(place.x + column * layout.width);
        cell.y = Math.round(place.y + line * layout.height);
        cell.w = Math.round(place.x + (column + 1) * layout.width) - cell.x - layout.gap;
        cell.h = Math.round(place.y + (line + 1) * layout.height) - cell.y - layout.gap;
      });
    });
    this.cells.length = n;
    if (this.cursor >= n) this.cursor = -1;
  }

  // shade is the step of the ramp for a rack, or -1 if it has no reading.
  shade(rack) {
    const value = this.mode === "power" ? rack.watts / this.full : (rack.gpu_celsius_max - COOL) / (HOT - COOL);
    const reading = this.mode === "power" ? rack.watts : rack.gpu_celsius_max;
    if (!known(reading) || rack.state === "silent") return -1;
    return Math.max(0, Math.min(SHADES - 1, Math.floor(value * SHADES)));
  }

  draw() {
    const { context: c, layout, canvas } = this;
    c.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
    c.clearRect(0, 0, canvas.width, canvas.height);
    if (!layout) return;
    const ramp = this.ramps[this.mode];
    const hatch = (this.hatch ??= this.hatching());
    for (const { rack, x, y, w, h } of this.cells) {
      const s = this.shade(rack);
      c.fillStyle = s >= 0 ? ramp[s].fill : rack.state === "silent" ? hatch : this.track;
      c.fillRect(x, y, w, h);
      if (rack.state === "warn" || rack.state === "bad") this.mark(rack.state, x, y, w, h);
    }
    this.names();
    if (layout.labelled) this.labels(ramp);
    if (this.cursor >= 0) this.ring(this.cells[this.cursor]);
  }

  // mark gives a warning a corner, and a bad rack a thick frame as well.
  mark(state, x, y, w, h) {
    const { context: c } = this;
    const small = Math.min(w, h);
    const side = Math.max(6, Math.min(small * 0.55, 1.3 * rem()));
    const hue = state === "bad" ? this.bad : this.ink; // amber would drown in the heat scale
    if (state === "bad") {
      const line = Math.max(2, Math.min(4, small * 0.14));
      c.strokeStyle = this.card;
      c.lineWidth = line + 2;
      c.strokeRect(x + line / 2, y + line / 2, w - line, h - line);
      c.strokeStyle = hue;
      c.lineWidth = line;
      c.strokeRect(x + line / 2, y + line / 2, w - line, h - line);
    }
    c.fillStyle = this.card;
    corner(c, x + w, y, side + 2);
    c.fillStyle = hue;
    corner(c, x + w, y, side);
  }

  ring({ x, y, w, h }) {
    const { context: c } = this;
    c.lineWidth = 4;
    c.strokeStyle = this.card;
    c.strokeRect(x - 1, y - 1, w + 2, h + 2);
    c.lineWidth = 2;
    c.strokeStyle = this.ink;
    c.strokeRect(x - 1, y - 1, w + 2, h + 2);
  }

  names() {
    const { context: c, layout } = this;
    c.font = `${Math.round(Math.min(0.78 * rem(), layout.height + 2))}px ${this.family}`;
    c.fillStyle = this.ink2;
    this.halls.forEach((hall, i) => {
      const { x, y, baseline } = layout.halls[i].label;
      c.textBaseline = baseline;
      c.fillText(hall.hall || "no hall", x, y);
    });
  }

  // labels writes into the cells that have the room: name and figure, and what
  // the colour does not show where there is room for that too.
  labels(ramp) {
    const { context: c, layout } = this;
    const unit = rem();
    const inset = 0.6 * unit;
    const room = layout.width - layout.gap - 2 * inset;
    c.font = `600 100px ${this.family}`;
    const widest = c.measureText(`888.8${NARROW}kW`).width / 100;
    const small = 0.78 * unit;
    const large = Math.min(2.2 * unit, 0.3 * layout.height, room / widest);
    const spare = Math.max(0, Math.floor((layout.height - 0.6 * unit - 1.35 * large) / (1.35 * small)) - 1); // lines beside name and figure
    c.textBaseline = "middle";
    for (const { rack, x, y, h } of this.cells) {
      const silent = rack.state === "silent";
      const s = this.shade(rack);
      const ink = s >= 0 ? ramp[s].ink : this.ink;
      c.font = `${Math.round(small)}px ${this.family}`;
      const asides = silent ? [] : this.wrap(this.asides(rack), room).slice(0, spare);
      const lines = [[small, "", rack.rack || "no rack"], [large, "600 ", silent ? "silent" : this.reading(rack)], ...asides.map((text) => [small, "", text])];
      let at = y + (h - lines.reduce((sum, [size]) => sum + 1.35 * size, 0)) / 2;
      for (const [size, weight, text] of lines) {
        c.font = `${weight}${Math.round(size)}px ${this.family}`;
        if (silent) {
          c.fillStyle = this.card; // clears the hatching behind words
          c.fillRect(x + inset - 4, at, Math.min(room, c.measureText(text).width) + 8, 1.35 * size);
        }
        c.fillStyle = ink;
        c.fillText(text, x + inset, at + 0.675 * size, room);
        at += 1.35 * size;
      }
    }
  }

  // wrap sets the pieces in lines no wider than room.
  wrap(pieces, room) {
    const lines = [];
    for (const piece of pieces) {
      const longer = lines.length ? `${lines[lines.length - 1]} · ${piece}` : piece;
      if (lines.length && this.context.measureText(longer).width <= room) lines[lines.length - 1] = longer;
      else lines.push(piece);
    }
    return lines;
  }

  reading(rack) {
    return this.mode === "power" ? join(watts(rack.watts)) : celsius(rack.gpu_celsius_max);
  }

  asides(rack) {
    const other = this.mode === "power" ? celsius(rack.gpu_celsius_max) : join(watts(rack.watts));
    const pieces = [other, `${count(rack.gpus_ok)}/${count(rack.gpus)} GPUs`, `${count(rack.reporting)}/${count(rack.hosts)} hosts`];
    if (known(rack.rated_watts)) pieces.push(`rated ${join(watts(rack.rated_watts))}`);
    return pieces;
  }

  hatching() {
    const size = Math.max(6, Math.round(7 * devicePixelRatio));
    const tile = new OffscreenCanvas(size, size);
    const t = tile.getContext("2d");
    t.fillStyle = this.card;
    t.fillRect(0, 0, size, size);
    t.strokeStyle = this.ink2;
    t.lineWidth = Math.max(1.2, 1.3 * devicePixelRatio);
    t.beginPath();
    for (const shift of [-size, 0, size]) {
      t.moveTo(shift - 2, size + 2);
      t.lineTo(shift + size + 2, -2);
    }
    t.stroke();
    const pattern = this.context.createPattern(tile, "repeat");
    pattern.setTransform(new DOMMatrix().scale(1 / devicePixelRatio));
    return pattern;
  }

  at(x, y) {
    if (!this.layout) return -1;
    const { gap } = this.layout;
    return this.cells.findIndex((cell) => x >= cell.x && x < cell.x + cell.w + gap && y >= cell.y && y < cell.y + cell.h + gap);
  }

  point(e) {
    const found = this.at(e.offsetX, e.offsetY);
    if (found === this.cursor) return;
    this.cursor = found;
    this.draw();
    if (found >= 0) this.tell(false);
    else this.tip.hide();
  }

  leave() {
    if (this.cursor < 0) return;
    this.cursor = -1;
    this.tip.hide();
    this.draw();
  }

  key(e) {
    const { cells } = this;
    if (e.key === "Escape") return this.leave();
    const from = cells[Math.max(0, this.cursor)];
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1], Home: null, End: null };
    if (!from || !(e.key in moves)) return;
    e.preventDefault();
    if (e.key === "Home") this.cursor = 0;
    else if (e.key === "End") this.cursor = cells.length - 1;
    else if (this.cursor < 0) this.cursor = 0;
    else this.cursor = this.neighbour(from, ...moves[e.key]);
    this.draw();
    this.tell(true);
  }

  // neighbour is the nearest cell in a direction, weighing sideways distance double.
  neighbour(from, dx, dy) {
    let best = this.cursor;
    let least = Infinity;
    this.cells.forEach((cell, i) => {
      const along = (cell.x - from.x) * dx + (cell.y - from.y) * dy;
      const aside = Math.abs((cell.x - from.x) * dy) + Math.abs((cell.y - from.y) * dx);
      if (along > 0 && along + 2 * aside < least) {
        least = along + 2 * aside;
        best = i;
      }
    });
    return best;
  }

  // tell shows the figures of the rack under the cursor; aloud, also to a screen reader.
  tell(aloud) {
    const { hall, rack, x, y, w, h } = this.cells[this.cursor];
    const lines = [
      ["Power", known(rack.watts) ? join(watts(rack.watts)) + (known(rack.rated_watts) ? ` of ${join(watts(rack.rated_watts))}` : "") : rack.reason || "not known"],
      ["Hottest GPU", celsius(rack.gpu_celsius_max)],
      ["Hosts reporting", `${count(rack.reporting)} of ${count(rack.hosts)}`],
      ["GPUs ok", `${count(rack.gpus_ok)} of ${count(rack.gpus)}`],
      ["State", { ok: "ok", warn: "warning", bad: "bad", silent: "silent" }[rack.state] || rack.state],
    ];
    const title = `${hall.hall || "no hall"} · ${rack.rack || "no rack"}`;
    const box = this.canvas.getBoundingClientRect();
    this.tip.at(box.left + x + w / 2, box.top + y + h / 2, title, lines);
    if (aloud) write(this.live, `${title}. ${lines.map(([k, v]) => `${k} ${v}`).join(", ")}`);
  }

  // ends are the words at the ends of the colour scale.
  ends() {
    return this.mode === "power" ? ["0", join(watts(this.full))] : [`${COOL}${NARROW}°C`, `${HOT}${NARROW}°C`];
  }
}

function corner(c, right, top, side) {
  c.beginPath();
  c.moveTo(right - side, top);
  c.lineTo(right, top);
  c.lineTo(right, top + side);
  c.fill();
}

// ramp mixes the five stops of the theme into shades, each with the ink that
// can be read on it.
function ramp(name) {
  const stops = [1, 2, 3, 4, 5].map((i) => color(`--${name}-${i}`).match(/[\d.]+/g).slice(0, 3).map(Number));
  return Array.from({ length: SHADES }, (_, i) => {
    const at = (i / (SHADES - 1)) * (stops.length - 1);
    const low = Math.min(stops.length - 2, Math.floor(at));
    const rgb = stops[low].map((v, k) => Math.round(v + (stops[low + 1][k] - v) * (at - low)));
    const light = 0.2126 * linear(rgb[0]) + 0.7152 * linear(rgb[1]) + 0.0722 * linear(rgb[2]);
    return { fill: `rgb(${rgb.join(" ")})`, ink: light > 0.18 ? "#0b0e11" : "#ffffff" };
  });
}

const linear = (v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4);
