// The cards of one site. Each function writes one card from one part of the
// status; what is not known is said in words, never as a number.

import * as f from "./format.js";
import { BOUNDARIES } from "./history.js";
import { attribute, el, figure, make, rows, show, write } from "./dom.js";

const CATEGORIES = { 1: "UPS output", 2: "PDU output", 3: "IT input" };
const TIERS = {
  1: "measured, hourly",
  2: "from production, hourly",
  3: "same hour last week",
  4: "30-day mean",
  5: "yearly national mean",
};
const GPU_STATES = { ok: "ok", lost: "lost", blank: "no readings", stale: "stale", unreachable: "unreachable" };

const covered = (share) => (f.known(share) && share < 1 ? `${f.percent(share)} covered` : "");

export function power(site) {
  const facility = site.power?.facility || {};
  const absent = !f.known(facility.watts);
  figure(el("hero"), f.watts(facility.watts, 4), absent ? f.sentence(facility.reason) : undefined);
  const note = absent ? "So the power of the whole site is unknown." : ["facility boundary", covered(facility.coverage)].filter(Boolean).join(" · ");
  write(el("hero-note"), note);

  const all = BOUNDARIES.map(({ key }) => site.power?.[key] || {});
  const full = Math.max(0, ...all.map(({ watts }) => (f.known(watts) ? watts : 0)));
  [...rows(el("ladder"), BOUNDARIES.length, ladderRow)].forEach((row, i) => {
    const { watts, coverage, category, reason, note: besides } = all[i];
    const [name, note, value, bar] = row.children;
    label(name, i);
    const missing = !f.known(watts);
    figure(value, f.watts(watts, 4), missing ? reason || "not known" : undefined);
    write(note, missing ? "" : [CATEGORIES[category], covered(coverage), besides].filter(Boolean).join(" · "));
    attribute(note, "title", besides ? f.sentence(besides) : "");
    attribute(bar, "class", `bar ${BOUNDARIES[i].key}`);
    bar.firstElementChild.style.transform = `scaleX(${missing || full === 0 ? 0 : (watts / full).toFixed(4)})`;
  });
}

// metered says whether the power of any part of the site is known.
export const metered = (site) => BOUNDARIES.some(({ key }) => f.known(site.power?.[key]?.watts));

function ladderRow() {
  const row = make("li");
  const bar = make("i", "bar");
  bar.append(make("i"));
  row.append(make("span", "name"), make("span", "cover"), make("span", "fig"), bar);
  return row;
}

function label(node, i) {
  if (node.firstElementChild) return;
  const { key, name, hint } = BOUNDARIES[i];
  node.title = hint;
  node.append(make("i", `swatch ${key}`), name);
}

export function pue({ pue, time_zone }) {
  const { value, category, from, to, reason, detail, interim, quality, flags, wrong } = pue || {};
  const absent = !f.known(value);
  figure(el("pue"), { n: f.ratio(value), u: "" }, absent ? f.sentence(reason) : undefined);
  const why = detail ? f.sentence(detail) : "";
  write(el("pue-category"), absent ? why : category ? `Category ${category}${CATEGORIES[category] ? `: IT at ${CATEGORIES[category]}` : ""}` : "Category not known");
  write(el("pue-period"), absent ? "" : [f.period(from, to, time_zone), f.coverage(pue)].filter(Boolean).join(" · "));
  write(el("pue-quality"), absent ? "" : [f.qualities(quality), ...(flags || [])].filter(Boolean).join(" · "));
  el("pue-quality").classList.toggle("alarm", Boolean(wrong));
  show(el("pue-interim"), !absent && Boolean(interim));
}

export function carbon({ carbon, today, time_zone }) {
  const { grams_per_kwh, tonnes_today, reason, zone, factor, provider, tier, grid } = carbon || {};
  const absent = !f.known(grams_per_kwh);
  figure(el("carbon"), f.intensity(grams_per_kwh), absent ? f.sentence(reason) : undefined);
  const none = !f.known(tonnes_today);
  figure(el("carbon-today"), f.mass(tonnes_today, 4), none ? (absent ? "" : f.sentence(reason)) : undefined);
  write(el("carbon-since"), none ? "" : ["today", f.since(today?.from, time_zone), f.tiers(grid)].filter(Boolean).join(" · "));
  write(el("carbon-zone"), zone || "");
  const kind = { lifecycle: "life cycle", direct: "direct" }[factor] || factor;
  write(el("carbon-note"), absent ? "" : [kind, TIERS[tier] || (tier ? `tier ${tier}` : ""), provider].filter(Boolean).join(" · "));
}

export function energy({ energy_today, today, time_zone }) {
  const some = BOUNDARIES.some(({ key }) => f.known(energy_today?.[key]?.kwh));
  show(el("energy-aside"), some);
  write(el("energy-note"), some ? [f.since(energy_today?.facility?.since ?? today?.from, time_zone), f.known(today?.asked) ? `as of ${f.stamp(today.asked, time_zone)}` : ""].filter(Boolean).join(" · ") : "");
  [...rows(el("energy"), BOUNDARIES.length, energyRow)].forEach((row, i) => {
    const { kwh, millijoules, coverage, reason } = energy_today?.[BOUNDARIES[i].key] || {};
    const [name, value, cover] = row.children;
    label(name, i);
    const missing = !f.known(kwh);
    figure(value, f.energy(kwh, 4), missing ? reason || "not known" : undefined);
    attribute(value, "title", missing || !millijoules ? "" : `exactly ${f.grouped(String(millijoules))}${f.NARROW}mJ`);
    write(cover, missing ? "" : f.percent(coverage));
    cover.classList.toggle("short", f.known(coverage) && coverage < 0.95);
  });
}

function energyRow() {
  const row = make("li");
  row.append(make("span", "name"), make("span", "fig"), make("span", "cover"));
  return row;
}

export function reporting(site) {
  meter(el("hosts"), "Hosts", site.hosts || {}, "none expected", (site.alerts || []).some(({ name }) => SILENCES.includes(name)) ? "see alerts" : "all reporting");
  meter(el("gpus"), "GPUs", site.gpus || {}, "none expected", states(site.hub?.gpu_states) || "all reporting");
  show(el("gpus"), !gpuless(site));
  const { known, silent, refused, refusals } = site.agents || {};
  const agents = el("agents");
  const odd = [[silent, "silent"], [refused, "refused"]].filter(([n]) => n > 0).map(([n, word]) => `, ${f.count(n)} ${word}`);
  write(agents, f.known(known) && site.hub?.present !== false ? `${f.count(known)} ${known === 1 ? "agent" : "agents"}${odd.join("")}` : "");
  agents.classList.toggle("alarm", odd.length > 0);
  const said = refusals || [];
  const lines = [...said.slice(0, REFUSALS).map(f.sentence), ...(refused > REFUSALS && said.length ? [`And ${f.count(refused - REFUSALS)} more`] : [])];
  show(el("refusals"), lines.length > 0);
  [...rows(el("refusals"), lines.length, () => make("li"))].forEach((line, i) => write(line, lines[i]));
}

// states are the GPUs that are not ok, by their state; "" if all are, or no hub says so.
function states(counts) {
  return Object.entries(counts || {}).filter(([state, n]) => state !== "ok" && n > 0).sort((a, b) => b[1] - a[1]).map(([state, n]) => `${f.count(n)} ${GPU_STATES[state] || state}`).join(" · ");
}

const REFUSALS = 2; // agents that are named

// Alerts that hosts are silent: while one stands, they are not said to report.
const SILENCES = ["HostSilent", "RackDown", "HallDown", "SiteDown", "TelemetryBlind"];

function meter(node, name, { expected, reporting }, nobody, everybody) {
  if (!node.firstElementChild) {
    const bar = make("i", "bar plain");
    bar.append(make("i"));
    node.append(make("span", "name", name), make("span", "fig"), bar, make("span", "cover"));
  }
  const [, value, bar, note] = node.children;
  const none = expected === 0 && !reporting;
  const blind = !f.known(reporting);
  figure(value, { n: f.count(reporting), u: f.known(expected) ? ` of ${f.count(expected)}` : "" }, none ? nobody : blind ? "not known" : undefined);
  const missing = f.known(expected) && f.known(reporting) ? expected - reporting : 0;
  show(bar, !none && !blind);
  bar.firstElementChild.style.transform = `scaleX(${expected > 0 ? Math.min(1, reporting / expected).toFixed(4) : 0})`;
  write(note, none ? "" : blind ? (f.known(expected) ? `${f.count(expected)} expected` : "") : missing > 0 ? `${f.count(missing)} not reporting` : missing < 0 ? `${f.count(-missing)} more than expected` : everybody);
  node.classList.toggle("alarm", missing > 0);
}

// gpuless says that the site is known to have no GPUs.
const gpuless = ({ gpus }) => gpus?.expected === 0 && !gpus.reporting;

export function worst(site) {
  const list = (site.worst_gpus || []).slice(0, 10);
  show(el("worst"), list.length > 0);
  show(el("worst-empty"), list.length === 0);
  show(el("worst").parentElement, list.length > 0 || !(gpuless(site) || site.hub));
  write(el("worst-empty"), "No GPU needs a look.");
  [...rows(el("worst-rows"), list.length, worstRow)].forEach((row, i) => {
    const gpu = list[i];
    const [name, rack, temperature, draw, why] = row.children;
    write(name, `${gpu.host} · ${gpu.gpu}`);
    attribute(name, "title", [gpu.model, gpu.uuid].filter(Boolean).join("\n"));
    write(rack, gpu.rack || f.NONE);
    write(temperature, f.celsius(gpu.celsius));
    write(draw, f.join(f.watts(gpu.watts)));
    const reasons = [...(gpu.state && gpu.state !== "ok" ? [GPU_STATES[gpu.state] || gpu.state] : []), ...(gpu.why || [])].join(" · ");
    write(why, reasons);
    attribute(why, "title", reasons);
    row.classList.toggle("lost", Boolean(gpu.state) && gpu.state !== "ok");
  });
}

function worstRow() {
  const row = make("tr");
  const name = make("th");
  name.scope = "row";
  row.append(name, make("td", "rack"), make("td", "num temp"), make("td", "num draw"), make("td", "why"));
  return row;
}

export function alerts(site, now) {
  const list = site.alerts || [];
  const absent = !Array.isArray(site.alerts);
  show(el("alerts"), list.length > 0);
  show(el("alerts-empty"), list.length === 0);
  write(el("alerts-empty"), absent ? f.sentence(site.alerts_reason || "alert rules are not loaded") : "None firing.");
  const more = site.alerts_more || 0;
  write(el("alerts-count"), more ? `${f.count(list.length)} of ${f.count(list.length + more)} shown` : list.length ? f.count(list.length) : "");
  quiet(site, now);
  [...rows(el("alerts"), list.length, () => {
    const item = make("li");
    item.append(make("b"), make("span", "severity"), make("span"), make("span", "muted"), make("p", "evidence"), make("p", "do"));
    return item;
  })].forEach((item, i) => {
    const { name, of, severity, summary, since, evidence, do: first, beneath } = list[i];
    const own = of === "aggregator";
    attribute(item, "data-severity", severity || "warning");
    write(item.children[0], name || "alert");
    write(item.children[1], severity || "warning");
    write(item.children[2], summary || "");
    const parts = [own ? "of the aggregator" : "", f.known(since) ? `for ${f.age((now - since) / 1000)}` : "", beneath ? `${f.count(beneath)} more are part of it` : ""];
    write(item.children[3], parts.filter(Boolean).join(" · "));
    const withheld = own && !summary ? "What it says is shown to those who see every site." : "";
    write(item.children[4], evidence || withheld);
    write(item.children[5], first || "");
    show(item.children[4], Boolean(evidence || withheld));
    show(item.children[5], Boolean(first));
  });
}

// quiet is what nobody was told of: what is held back, and windows of maintenance.
function quiet(site, now) {
  const held = site.alerts_held || [];
  const windows = site.windows || [];
  const why = { window: "in maintenance", cap: "too many at once" };
  const lines = [
    ...held.map((h) => `${f.count(h.count)} ${h.name} not sent: ${why[h.reason] || h.reason}`),
    ...windows.map((w) => {
      const what = w.match.join(" ") || "all of the site";
      const when = w.open ? `until ${day(w.to, now)}` : `${day(w.from, now)} to ${day(w.to, now)}`;
      return `Maintenance of ${what}, ${when}: ${w.reason} (${w.owner})${w.open && w.held_back ? `, holds back ${f.count(w.held_back)}` : ""}`;
    }),
  ];
  show(el("quiet"), lines.length > 0);
  [...rows(el("quiet"), lines.length, () => make("li"))].forEach((item, i) => write(item, lines[i]));
}

// day is a time, with its date where it is not within half a day.
function day(ms, now) {
  const date = new Date(ms).toISOString().slice(0, 10);
  return Math.abs(ms - now) < 12 * 3600 * 1000 ? `${f.clock(ms, false)} UTC` : `${date} ${f.clock(ms, false)} UTC`;
}

export function halls(list) {
  [...rows(el("halls-rows"), list.length, () => {
    const row = make("tr");
    const name = make("th");
    name.scope = "row";
    row.append(name, ...Array.from({ length: 7 }, () => make("td", "num")));
    return row;
  })].forEach((row, i) => {
    const { hall, watts, reason, racks } = list[i];
    const sum = (pick) => racks.reduce((total, rack) => total + (pick(rack) || 0), 0);
    const hottest = racks.reduce((top, rack) => (f.known(rack.gpu_celsius_max) ? Math.max(top, rack.gpu_celsius_max) : top), -Infinity);
    const cells = [
      hall || "no hall",
      f.join(f.watts(watts)),
      f.count(racks.length),
      `${f.count(sum((r) => r.gpus_ok))} of ${f.count(sum((r) => r.gpus))}`,
      f.celsius(hottest),
      ...["silent", "warn", "bad"].map((state) => f.count(sum((r) => r.state === state))),
    ];
    cells.forEach((text, c) => write(row.children[c], text));
    attribute(row.children[1], "title", f.known(watts) ? "" : f.sentence(reason));
  });
}
