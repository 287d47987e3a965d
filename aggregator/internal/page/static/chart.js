// The 15-minute chart. The library is a file beside the page that a build may
// lack; the page then says so in its place.

import { ceiling, clock, join, known, watts } from "./format.js";
import { BOUNDARIES } from "./history.js";
import { color, make, rem } from "./dom.js";

const WINDOW = 900; // seconds

async function library() {
  try {
    const { default: uPlot } = await import("./vendor/uPlot.esm.js");
    const style = make("link");
    style.rel = "stylesheet";
    style.href = "vendor/uPlot.min.css";
    await new Promise((done, failed) => {
      style.onload = done;
      style.onerror = failed;
      document.head.append(style);
    });
    return uPlot;
  } catch {
    return null;
  }
}

export class Chart {
  constructor(node, tip) {
    this.node = node;
    this.tip = tip;
    this.note = make("p", "chart-note");
    node.append(this.note);
    this.plot = null;
    this.history = null;
    this.end = 0;
    this.blank = true; // no reading in the window
  }

  async load() {
    this.uPlot = await library();
    this.node.classList.toggle("without", !this.uPlot);
    if (!this.uPlot) {
      this.note.textContent = "No chart: this build comes without the chart library. All figures are complete.";
      return;
    }
    this.build();
    new ResizeObserver(() => this.resize()).observe(this.node);
    document.addEventListener("themechange", () => this.build());
  }

  // show draws the history up to end, in unix seconds.
  show(history, end) {
    this.history = history;
    this.end = end;
    this.describe();
    if (!this.plot) return;
    this.plot.setData(history.table(), false);
    this.plot.setScale("x", { min: end - WINDOW, max: end });
  }

  describe() {
    const words = BOUNDARIES.flatMap(({ name }, i) => {
      const values = this.history.columns[i].filter(known);
      if (!values.length) return [];
      const low = values.reduce((a, b) => Math.min(a, b));
      const high = values.reduce((a, b) => Math.max(a, b));
      return [`${name} ${join(watts(low))} to ${join(watts(high))}`];
    });
    const some = words.length > 0;
    this.blank = !some;
    if (this.uPlot) this.note.textContent = some ? "" : "No power readings in the last 15 minutes";
    this.node.setAttribute("aria-label", some ? `Power over the last 15 minutes: ${words.join(", ")}` : "No power readings in the last 15 minutes");
  }

  resize() {
    if (rem() !== this.rem) this.build();
    else this.plot?.setSize(this.size());
  }

  size() {
    return { width: Math.max(200, this.node.clientWidth), height: Math.max(120, this.node.clientHeight) };
  }

  build() {
    this.plot?.destroy();
    this.rem = rem();
    const ink = color("--ink-2");
    const axis = {
      stroke: ink,
      font: `${Math.round(0.74 * this.rem)}px ${getComputedStyle(document.body).fontFamily}`,
      ticks: { show: false },
      gap: 0.35 * this.rem,
    };
    const grid = { stroke: color("--line"), width: 1 };
    const width = Math.max(1.25, 0.085 * this.rem);
    this.plot = new this.uPlot({
      ...this.size(),
      padding: [0.6 * this.rem, 1.5 * this.rem, 0, 0],
      legend: { show: false },
      tzDate: (ts) => this.uPlot.tzDate(new Date(ts * 1000), "Etc/UTC"),
      scales: {
        x: { time: true },
        y: { range: (u, low, high) => [0, known(high) && high > 0 ? ceiling(high) : 1] },
      },
      axes: [
        { ...axis, size: 1.7 * this.rem, space: 4 * this.rem, grid: { show: false }, values: (u, ticks) => ticks.map((t) => clock(t * 1000, false)), incrs: [60, 120, 180, 300, 600, 900] },
        { ...axis, size: 4.6 * this.rem, space: 2.4 * this.rem, grid, values: (u, ticks) => labels(ticks) },
      ],
      cursor: { drag: { x: false, y: false }, y: false, points: { size: 0.5 * this.rem } },
      series: [{}, ...BOUNDARIES.map(({ key, name }) => ({ label: name, stroke: color(`--${key}`), width, points: { show: false } }))],
      hooks: { setCursor: [(u) => this.point(u)] },
    }, this.history ? this.history.table() : [[], [], [], [], []], this.node);
    if (this.history) this.show(this.history, this.end);
  }

  // point shows the figures under the cursor.
  point(u) {
    const i = u.cursor.idx;
    if (u.cursor.left < 0 || i == null || !this.history) {
      if (this.pointing) this.tip.hide();
      this.pointing = false;
      return;
    }
    this.pointing = true;
    const box = u.over.getBoundingClientRect();
    const lines = BOUNDARIES.flatMap(({ key, name }, b) => {
      const v = u.data[b + 1][i];
      return known(v) ? [[name, join(watts(v, 4)), key]] : [];
    });
    this.tip.at(box.left + u.cursor.left, box.top + u.cursor.top, `${clock(u.data[0][i] * 1000)} UTC`, lines.length ? lines : [["no readings", ""]]);
  }
}

// labels gives all ticks of the axis the unit of the highest.
function labels(ticks) {
  const top = ticks[ticks.length - 1] || 1;
  const step = Math.min(3, Math.max(0, Math.floor(Math.log10(top) / 3)));
  const unit = ["W", "kW", "MW", "GW"][step];
  return ticks.map((t) => (t === 0 ? "0" : `${Number((t / 1000 ** step).toFixed(3))}\u202f${unit}`));
}
