// The hosts of a small site, each with what it says of itself. One alone has
// room for large figures; several stand in lines under common headings.

import * as f from "./format.js";
import { attribute, el, figure, make, rows, show, write } from "./dom.js";

const plain = (text) => ({ n: text, u: "" });

// What is shown of a host: its name, its figure, and the share that its bar
// fills; without a share it has no bar.
const FIGURES = [
  { key: "cpu", name: "CPU", read: (m) => [m.cpu_ratio, f.share(m.cpu_ratio), m.cpu_ratio] },
  {
    key: "memory", name: "Memory",
    read: (m) => [m.memory_used_bytes, f.memory(m.memory_used_bytes, m.memory_total_bytes), m.memory_used_bytes / m.memory_total_bytes],
  },
  { key: "disk", name: "Fullest disk", hint: "The fullest file system", read: (m) => [m.disk_used_ratio, f.share(m.disk_used_ratio), m.disk_used_ratio] },
  { key: "load", name: "Load", hint: "Mean number of running and waiting threads over a minute", read: (m) => [m.load1, plain(f.load(m.load1))] },
  { key: "heat", name: "Hottest", more: " sensor", read: (m) => [m.celsius_max, plain(f.celsius(m.celsius_max))] },
];

// small says whether the page shows each host of the site.
export const small = ({ machines }) => Array.isArray(machines) && machines.length > 0;

// cpu is the mean over the hosts that measure it; null if none does.
export function cpu({ machines }) {
  const all = (machines || []).map(({ cpu_ratio }) => cpu_ratio).filter(f.known);
  return all.length ? all.reduce((a, b) => a + b, 0) / all.length : null;
}

export function machines(site) {
  const list = small(site) ? site.machines : [];
  const card = el("machines").parentElement;
  show(card, list.length > 0);
  card.classList.toggle("one", list.length === 1);
  const silent = list.filter(({ reporting }) => !reporting).length;
  write(el("machines-silent"), silent && list.length > 1 ? `${silent} silent` : "");
  [...rows(el("machines"), list.length, row)].forEach((node, i) => {
    const machine = list[i];
    const [title, figures] = node.children;
    const [mark, name, state] = title.children;
    node.classList.toggle("silent", !machine.reporting);
    show(mark, !machine.reporting);
    write(name, machine.host);
    attribute(name, "title", machine.host);
    write(state, machine.reporting ? "" : "silent");
    FIGURES.forEach(({ read }, c) => fill(figures.children[c], read(machine), machine.reporting));
  });
}

function fill(cell, [value, text, share], reporting) {
  const [, line] = cell.children;
  const [words, bar] = line.children;
  const missing = !f.known(value);
  figure(words, text, missing ? f.NONE : undefined);
  attribute(words, "title", !missing ? "" : reporting ? "Not measured" : "This host is silent");
  attribute(words, "aria-label", !missing ? f.join(text) : reporting ? "not measured" : "not known");
  const filled = !missing && f.known(share);
  bar.style.visibility = filled ? "" : "hidden"; // its room stays, so that nothing jumps
  bar.firstElementChild.style.transform = `scaleX(${filled ? Math.min(1, Math.max(0, share)).toFixed(4) : 0})`;
}

function row() {
  const node = make("li");
  const title = make("h3");
  title.append(make("i", "mark silent"), make("span", "name"), make("span", "state"));
  const figures = make("dl");
  for (const { key, name, more, hint } of FIGURES) {
    const cell = make("div", key);
    const label = make("dt", "", name);
    if (more) label.append(make("span", "more", more));
    if (hint) label.title = hint;
    const value = make("dd");
    const words = make("span", "fig");
    words.setAttribute("role", "img");
    const bar = make("i", "bar");
    bar.append(make("i"));
    value.append(words, bar);
    cell.append(label, value);
    figures.append(cell);
  }
  node.append(title, figures);
  return node;
}
