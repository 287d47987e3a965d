// The table of a hub's sites: how each is heard, its present, and its day as far as
// its sealed hours are here. It chooses the site below, and adds up real sites only.

import * as f from "./format.js";
import { attribute, el, figure, make, rows, show, write } from "./dom.js";

const OLD = 15; // seconds: readings that are older are not of now
const LATE = 4 * 3600_000; // milliseconds: an hour is sealed and here within three after its end

// Columns: what is read of a site, how it is shown, and whether it adds up.
const COLUMNS = [
  { key: "power", read: (s) => s.power?.facility?.watts, show: f.watts, why: (s) => s.power?.facility?.reason, sum: true },
  { key: "it", read: (s) => s.power?.it?.watts, show: f.watts, why: (s) => s.power?.it?.reason, sum: true },
  { key: "hosts", of: (s) => s.hosts },
  { key: "gpus", of: (s) => s.gpus },
  { key: "pue", read: (s) => s.pue?.value, show: (v) => ({ n: f.ratio(v), u: "" }), why: (s) => s.pue?.reason },
  { key: "energy", read: (s) => s.energy_today?.facility?.kwh, show: f.energy, why: (s) => s.energy_today?.facility?.reason, cover: (s) => s.energy_today?.facility?.coverage, sum: true },
  { key: "carbon", read: (s) => s.carbon?.tonnes_today, show: (v) => f.mass(v), why: (s) => s.carbon?.reason, sum: true },
];

// heard is how a site is heard, in a word, and what that means.
export function heard(site) {
  const { heard, present, silent_seconds, refused, behind } = site.hub;
  if (!f.known(heard)) return { level: "bad", word: "never heard", kind: "never heard", why: `not heard since the hub started ${f.age(silent_seconds)} ago` };
  if (!present) return { level: "bad", word: `silent for ${f.age(silent_seconds)}`, kind: "silent", why: `last heard ${f.age(silent_seconds)} ago` };
  if (refused) return { level: "bad", word: "log refused", kind: "log refused", why: f.sentence(refused) };
  if (!f.known(site.freshness_seconds)) return { level: "warn", word: "no readings", kind: "without readings", why: "the site is heard, and its collectors are not" };
  if (site.freshness_seconds > OLD) return { level: "warn", word: `readings ${f.age(site.freshness_seconds)} old`, kind: "with old readings", why: "the site is heard, and its collectors are not" };
  if (behind > 0) return { level: "warn", word: `${f.count(behind)} h on the way`, kind: "catching up", why: `${f.count(behind)} sealed hours of the site are not here yet` };
  return { level: "ok", word: "live", kind: "live", why: "" };
}

// trouble is why a site is not heard as it should be, and what to do about it.
function trouble({ hub, freshness_seconds }) {
  const ago = f.age(hub.silent_seconds);
  if (hub.refused) return ["Its log is not the one that it was.", `${f.sentence(hub.refused)}. Nothing more of it is taken; what was taken before stays as it is.`];
  if (!f.known(hub.heard)) return ["It was not heard", `since the hub started ${ago} ago. On the site, hub: in aggregator.yaml names the way here; the key in hub.yaml is the one that the site's aggregator logs at its start.`];
  if (!hub.present) return ["It is silent", `for ${ago}. Its present is not known; its sealed hours stay, and the rest of them come once it is heard again.`];
  if (!f.known(freshness_seconds) || freshness_seconds > OLD) return ["It has no readings:", "its aggregator is heard, and its collectors are not."];
  return [];
}

// late says that a site's hours are further behind than hours that are being sealed.
const late = ({ hub }, now) => f.known(hub.sealed) && now - hub.sealed > LATE;

// short says that more than a hundredth does not report: a few of many always do not.
const short = (reporting, expected) => expected > 0 && reporting < 0.99 * expected;

export class Fleet {
  constructor(choose) {
    this.body = el("fleet-rows");
    this.body.addEventListener("click", (e) => {
      const row = e.target.closest("tr[data-site]");
      if (row) choose(row.dataset.site);
    });
  }

  show(sites, selected, now) {
    const real = sites.filter((site) => !site.simulated);
    const total = real.length > 1;
    write(el("fleet-aside"), summary(sites));
    const list = rows(this.body, sites.length + (total ? 1 : 0), row);
    if (total) this.total(list[0], real, sites.length);
    sites.forEach((site, i) => one(list[i + (total ? 1 : 0)], site, site.site === selected, now));
  }

  // total is of the real sites, and says of how many it is.
  total(node, real, all) {
    attribute(node, "class", "sum");
    node.removeAttribute("data-site");
    const [name, state, ...cells] = node.children;
    const [button, badge] = name.children;
    write(button, real.length < all ? `All ${f.count(real.length)} real sites` : `All ${f.count(all)} sites`);
    button.disabled = true;
    show(badge, false);
    const live = real.filter((site) => heard(site).level === "ok").length;
    figures(state, { n: `${f.count(live)} live`, u: "" }, "");
    COLUMNS.forEach(({ read, of, show: shown, sum }, c) => {
      const values = real.map((site) => (of ? of(site)?.reporting : read(site))).filter(f.known);
      const whole = values.reduce((a, b) => a + b, 0);
      const expected = real.map((site) => of?.(site)?.expected).filter(f.known).reduce((a, b) => a + b, 0);
      const lacks = values.length < real.length ? `of ${f.count(values.length)} sites` : "";
      if (!sum && !of) figures(cells[c], { n: "", u: "" }, "");
      else if (!values.length) figures(cells[c], { n: f.NONE, u: "" }, "");
      else figures(cells[c], of ? { n: f.count(whole), u: lacks ? "" : `/${f.count(expected)}` } : shown(whole, 4), lacks);
      cells[c].classList.toggle("absent", !values.length);
      cells[c].classList.toggle("alarm", Boolean(of) && !lacks && short(whole, expected));
    });
    figures(cells[COLUMNS.length], { n: "", u: "" }, "");
  }
}

function row() {
  const node = make("tr");
  const name = make("th");
  name.scope = "row";
  const button = make("button");
  button.type = "button";
  name.append(button, make("span", "badge", "simulated"));
  node.append(name, make("td", "state"), ...COLUMNS.map(({ key }) => make("td", `num c-${key}`)), make("td", "num c-sealed"));
  return node;
}

// figures writes a number with its unit, and a note below it.
function figures(cell, value, note, why) {
  if (!cell.firstElementChild) cell.append(make("span", "fig"), make("span", "lack"));
  figure(cell.firstElementChild, value);
  write(cell.lastElementChild, note);
  show(cell.lastElementChild, Boolean(note));
  attribute(cell, "title", why || "");
}

function one(node, site, chosen, now) {
  attribute(node, "data-site", site.site);
  attribute(node, "class", [site.simulated ? "simulated" : "", chosen ? "chosen" : ""].filter(Boolean).join(" "));
  const [name, state, ...cells] = node.children;
  const [button, badge] = name.children;
  button.disabled = false;
  write(button, site.site);
  attribute(button, "aria-current", String(chosen));
  show(badge, Boolean(site.simulated));
  const { level, word, why } = heard(site);
  attribute(state, "data-level", level);
  figures(state, { n: word, u: "" }, "", f.sentence(why || "heard within the last seconds"));
  COLUMNS.forEach(({ read, of, show: shown, why: reason, cover }, c) => {
    const cell = cells[c];
    if (of) {
      const { expected, reporting } = of(site) || {};
      const none = expected === 0 && !reporting;
      const known = f.known(reporting) && !none;
      figures(cell, known ? { n: f.count(reporting), u: f.known(expected) ? `/${f.count(expected)}` : "" } : { n: f.NONE, u: "" }, "", known ? "" : none ? "None expected" : f.sentence(why));
      cell.classList.toggle("alarm", known && short(reporting, expected));
      cell.classList.toggle("absent", !known);
      return;
    }
    const v = read(site);
    const known = f.known(v);
    const covered = known && f.known(cover?.(site)) && cover(site) < 1 ? `${f.percent(cover(site))} covered` : "";
    figures(cell, shown(v, 4), "", known ? covered : f.sentence(reason(site)));
    cell.classList.toggle("absent", !known);
  });
  const sealed = cells[COLUMNS.length];
  const some = f.known(site.hub.sealed);
  figures(sealed, { n: some ? f.moment(site.hub.sealed, site.time_zone, now) : f.NONE, u: "" }, "", some ? "" : "None of its hours are here");
  sealed.classList.toggle("alarm", late(site, now));
  sealed.classList.toggle("absent", !some);
}

// summary counts sites by how they are heard, the worst first.
function summary(sites) {
  const counts = new Map();
  for (const site of sites) {
    const { kind, level } = heard(site);
    const at = counts.get(kind) || { kind, n: 0, rank: { bad: 0, warn: 1, ok: 2 }[level] };
    at.n++;
    counts.set(kind, at);
  }
  return [...counts.values()].sort((a, b) => a.rank - b.rank).map(({ kind, n }) => `${f.count(n)} ${kind}`).join(" · ");
}

// far writes what only a hub says of the site on screen: how it is heard, how far its
// hours are, and its halls.
export function far(site, now) {
  const { hub } = site;
  show(el("which"), Boolean(hub));
  show(el("places"), Boolean(hub?.halls.length));
  if (!hub) {
    show(el("unheard"), false);
    return;
  }
  write(el("which-name"), site.site);
  const { level, word } = heard(site);
  attribute(el("which-heard"), "data-level", level);
  write(el("which-heard"), word);
  write(el("which-far"), [
    f.known(hub.sealed) ? `sealed hours are here up to ${f.moment(hub.sealed, site.time_zone, now)}` : "none of its hours are here",
    hub.behind > 0 ? `${f.count(hub.behind)} more on the way` : "",
  ].filter(Boolean).join(", "));
  const [title, detail] = trouble(site);
  show(el("unheard"), Boolean(title));
  el("unheard").classList.toggle("caution", !hub.refused);
  write(el("unheard-what"), title || "");
  write(el("unheard-why"), detail || "");
  [...rows(el("places-rows"), hub.halls.length, place)].forEach((node, i) => {
    const { hall, watts, reason, racks, hosts, gpus, gpus_ok } = hub.halls[i];
    const [name, power, all, up, boards] = node.children;
    write(name, hall || "no hall");
    write(power, f.join(f.watts(watts)));
    attribute(power, "title", f.known(watts) ? "" : f.sentence(reason));
    write(all, f.count(racks));
    write(up, `${f.count(hosts?.reporting)}/${f.count(hosts?.expected)}`);
    up.classList.toggle("alarm", short(hosts?.reporting, hosts?.expected));
    write(boards, `${f.count(gpus_ok)}/${f.count(gpus)}`);
    boards.classList.toggle("alarm", short(gpus_ok, gpus));
  });
}

function place() {
  const node = make("tr");
  const name = make("th");
  name.scope = "row";
  node.append(name, ...Array.from({ length: 4 }, () => make("td", "num")));
  return node;
}
