// The last 15 minutes of one site, one column a boundary, kept from answer to
// answer: each one brings only what is newer, and may correct the newest.

export const BOUNDARIES = [
  { key: "facility", name: "Facility", hint: "everything the site draws: grid, generators and own generation, less export" },
  { key: "it", name: "IT", hint: "what the IT equipment is fed" },
  { key: "host", name: "Hosts", hint: "what the servers draw" },
  { key: "gpu", name: "GPUs", hint: "what the GPU boards draw" },
];

const LIMIT = 900_000; // milliseconds

export class History {
  constructor() {
    this.start = 0;
    this.step = 1000;
    this.length = 0;
    this.columns = BOUNDARIES.map(() => []);
  }

  // newest is the time of the last point, in unix milliseconds; 0 if there is none.
  get newest() {
    return this.length ? this.start + (this.length - 1) * this.step : 0;
  }

  merge(h) {
    if (!h || !h.step) return;
    const incoming = BOUNDARIES.map(({ key }) => h[key] || []);
    const points = Math.max(...incoming.map((column) => column.length));
    if (points === 0) return;
    const apart = this.length === 0 || h.step !== this.step || h.start < this.start;
    if (apart || h.start - this.newest > LIMIT) {
      this.start = h.start;
      this.step = h.step;
      this.length = 0;
    }
    const offset = Math.round((h.start - this.start) / this.step);
    const length = Math.max(this.length, offset + points);
    this.columns.forEach((column, c) => {
      column.length = this.length;
      while (column.length < length) column.push(null);
      for (let i = 0; i < points; i++) column[offset + i] = incoming[c][i] ?? null;
    });
    const surplus = Math.max(0, length - LIMIT / this.step);
    for (const column of this.columns) column.splice(0, surplus);
    this.start += surplus * this.step;
    this.length = length - surplus;
  }

  // table is the form the chart draws: times in seconds, then the columns.
  table() {
    const times = new Array(this.length);
    for (let i = 0; i < this.length; i++) times[i] = (this.start + i * this.step) / 1000;
    return [times, ...this.columns];
  }
}
