// The figures of the day besides PUE, the power tree with its gaps, and whether
// the site's file is in force. What is not known is said in words, with the reason.

import * as f from "./format.js";
import { attribute, el, figure, make, rows, show, write } from "./dom.js";

const plain = (v, digits) => ({ n: f.known(v) ? v.toFixed(digits) : f.NONE, u: "" });
const kilograms = (v) => f.mass(f.known(v) ? v / 1000 : v, 4);

const FIGURES = [
  { key: "wue", name: "WUE", hint: "Water usage effectiveness: water over IT energy (ISO/IEC 30134-9)", show: (v) => ({ ...plain(v, 3), u: `${f.NARROW}L/kWh` }) },
  { key: "cue", name: "CUE", hint: "Carbon usage effectiveness: carbon, location-based, over IT energy (ISO/IEC 30134-8)", show: (v) => ({ ...plain(v, 3), u: `${f.NARROW}kg CO₂e/kWh` }) },
  { key: "erf", name: "ERF", hint: "Energy reuse factor: heat handed over for reuse over facility energy (ISO/IEC 30134-6)", show: (v) => plain(v, 3) },
  { key: "ref", name: "REF", hint: "Renewable energy factor: renewable energy that may be claimed over facility energy (ISO/IEC 30134-3)", show: (v) => plain(v, 3) },
  { key: "carbon_location", name: "Carbon, location", hint: "Grid energy times the carbon intensity of the grid, minute by minute (GHG Protocol scope 2)", show: kilograms },
  { key: "carbon_market", name: "Carbon, market", hint: "Grid energy by contracts, and for the rest the supplier's or the residual mix (GHG Protocol scope 2)", show: kilograms },
  { key: "carbon_scope1", name: "Carbon, on site", hint: "What generators emit (GHG Protocol scope 1)", show: kilograms },
  { key: "cost", name: "Cost", hint: "Energy, grid fee, capacity, tax and carbon; without value added tax", show: (v, unit) => ({ n: money(v), u: `${f.NARROW}${unit || ""}` }) },
];

const money = (v) => (f.known(v) ? `${v < 0 ? "−" : ""}${f.grouped(Math.abs(v).toFixed(2).split(".")[0])}.${Math.abs(v).toFixed(2).split(".")[1]}` : f.NONE);

// figures writes the card of the day's figures.
export function figures(site) {
  const known = new Map((site.figures || []).map((k) => [k.kpi, k]));
  const first = (site.figures || [])[0];
  write(el("figures-aside"), first ? f.period(first.from, first.to, site.time_zone) : "");
  [...rows(el("figures"), FIGURES.length, row)].forEach((node, i) => {
    const { key, name, hint, show: shown } = FIGURES[i];
    const k = known.get(key) || { reason: site.pue?.reason || "nothing in the ledger yet" };
    const [title, value, note] = node.children;
    write(title, name);
    attribute(title, "title", hint);
    const missing = !f.known(k.value);
    figure(value, shown(k.value, k.unit), missing ? f.sentence(k.reason) : undefined);
    attribute(value, "title", missing ? f.sentence([k.reason, k.detail].filter(Boolean).join(": ")) : [k.method, f.qualities(k.quality)].filter(Boolean).join("\n"));
    write(note, missing ? k.detail || "" : [f.coverage(k), f.measured(k.quality), f.tiers(k.grid), ...(k.flags || [])].filter(Boolean).join(" · "));
    node.classList.toggle("wrong", Boolean(k.wrong));
  });
}

function row() {
  const node = make("li");
  node.append(make("span", "name"), make("span", "fig"), make("span", "cover"));
  return node;
}

const STAGES = { facility: "Site", ups: "UPS", pdu: "PDUs", meter: "", hosts: "Hosts", gpus: "GPUs", rack: "" };
const HINTS = {
  facility: "All that comes in, against IT and what is metered beside it",
  ups: "What UPS give, against what PDUs give",
  pdu: "What PDUs give, against what IT takes in",
  meter: "What a meter shows, against the meters next below it",
  hosts: "IT, against the power of all nodes",
  gpus: "IT, against the power of all boards",
  rack: "The meters of a rack, against its nodes",
};
const WORDS = { ok: "", lacking: "less below", exceeds: "more below", unknown: "not known" };

// tree writes what each stage of the power tree shows against what is below it.
export function tree(site) {
  const { from, to, reason, odd = 0, unknown = 0, all = 0, ...rest } = site.power_tree || {};
  const stages = rest.stages || [];
  show(el("tree").parentElement, !site.hub); // it stays on the site
  show(el("tree"), stages.length > 0);
  show(el("tree-empty"), stages.length === 0);
  write(el("tree-empty"), f.sentence(reason || "nothing stands below a meter"));
  const aside = el("tree-aside");
  const words = [odd ? `${f.count(odd)} of ${f.count(all)} odd` : stages.length && !unknown ? "all as expected" : "", unknown ? `${f.count(unknown)} not known` : ""];
  write(aside, stages.length ? [...words, f.period(from, to, site.time_zone)].filter(Boolean).join(" · ") : "");
  aside.classList.toggle("alarm", odd > 0);
  const more = all - stages.length;
  show(el("tree-more"), more > 0);
  write(el("tree-more"), `And ${f.count(more)} more${odd ? ", less far off" : ""}; all of them are in the reconciliation.`);
  [...rows(el("tree"), stages.length, stage)].forEach((node, i) => gap(node, stages[i]));
}

function stage() {
  const node = make("li");
  const bar = make("i", "bar");
  bar.append(make("i"));
  node.append(make("span", "name"), make("span", "sums"), make("span", "gap"), bar, make("span", "hint"));
  return node;
}

const signed = (v) => `${v < 0 ? "−" : ""}${Math.abs(v).toFixed(1)}${f.NARROW}%`;

function gap(node, g) {
  const [name, sums, share, bar, hint] = node.children;
  attribute(node, "data-finding", g.finding);
  attribute(node, "class", `s-${g.stage}`);
  write(name, g.name ? `${g.stage === "rack" ? "Rack " : ""}${g.name.replaceAll("+", " + ")}` : STAGES[g.stage] || g.stage);
  attribute(name, "title", HINTS[g.stage] || "");
  const blind = g.finding === "unknown";
  write(sums, blind ? "" : `${f.join(f.energy(g.above_kwh))} → ${f.join(f.energy(g.below_kwh))}`);
  attribute(sums, "title", blind ? "" : `${g.children} below; known for ${f.percent(g.coverage)} of the hours`);
  write(share, [f.known(g.gap_percent) ? signed(g.gap_percent) : "", WORDS[g.finding] ?? g.finding].filter(Boolean).join(" "));
  attribute(share, "title", `${signed(g.low_percent)} to ${signed(g.high_percent)} are expected`);
  show(bar, !blind);
  // The track is what comes in; what is metered below fills it.
  const part = g.above_kwh > 0 ? g.below_kwh / g.above_kwh : 0;
  bar.firstElementChild.style.transform = `scaleX(${Math.min(1, Math.max(0, part)).toFixed(4)})`;
  show(hint, Boolean(g.hint));
  write(hint, g.hint ? f.sentence(g.hint) : "");
}

// file says where what stands in the site's file is not in force, and which meters
// it lacks.
export function file(site) {
  const { refused, taken, unstated } = site.site_file || {};
  show(el("left"), Boolean(unstated));
  write(el("left-why"), unstated ? `The site file does not name ${unstated}. A meter that was taken away stays in it, with its last day.` : "");
  show(el("file"), Boolean(refused));
  write(el("file-why"), refused ? `${refused}${/[.?!]$/.test(refused) ? "" : "."} Figures rest on what the file said at ${f.stamp(taken, site.time_zone)}.` : "");
}
