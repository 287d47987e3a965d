// What is behind a figure: its months, their days, their hours, the meters of an hour,
// and the proof that the hour stands in the log.

import * as f from "./format.js";
import * as proof from "./proof.js";
import { base, get } from "./reportapi.js";
import { amount, cover, covered, exact, short } from "./reportfigure.js";
import { issue } from "./reportview.js";
import { el, make, show, write } from "./dom.js";

const MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];
const QUALITIES = { measured: "measured", counter_bridged: "bridged", integrated: "integrated", estimated_profile: "estimated", estimated_static: "by a constant", manual: "by hand", corrected: "corrected" };
const EMPTY = { gaps: [], meters: [], evidence: [], issues: [] };

export class Drill {
  // choose(figure, at) leads elsewhere; reload asks again.
  constructor(reload, choose) {
    this.choose = choose;
    this.asking = null;
    el("drill-close").addEventListener("click", () => choose("", ""));
  }

  hide() {
    this.asking?.abort();
    show(el("drill"), false);
  }

  // show asks for a figure of report at a time, and draws it.
  async show(report, { figure, at }, parameters) {
    this.asking?.abort();
    this.asking = new AbortController();
    const { signal } = this.asking;
    this.zone = report.record.period.tz;
    show(el("drill"), true);
    el("drill").classList.add("stale");
    try {
      const path = `${base(report.site, report.year)}/figure/${encodeURIComponent(figure)}${parameters}`;
      this.draw(report, { ...EMPTY, ...(await get(path, signal, (text) => write(el("drill-how"), `${text}.`))) });
    } catch (error) {
      if (error.name === "AbortError") return;
      this.fail(report, figure, error);
    }
    el("drill").classList.remove("stale");
    el("drill").focus({ preventScroll: true });
    el("drill").scrollIntoView({ block: "start" });
  }

  fail(report, figure, error) {
    this.crumbs(report, figure, figure, "");
    write(el("drill-value"), "");
    write(el("drill-how"), f.sentence(error.message));
    el("drill-notes").replaceChildren();
    el("drill-parts").replaceChildren();
    el("drill-more").replaceChildren();
  }

  draw(report, a) {
    const x = a.figure;
    this.crumbs(report, a.key, x.title, a.at || "");
    const value = a.at ? sumOf(a) : short(x);
    write(el("drill-value"), value ? f.join(value) : "not known");
    el("drill-value").classList.toggle("absent", !value);
    const how = [f.known(x.value) ? `${exact(x.value, x.unit)}${a.at ? " in the whole year" : ""}` : "", x.missing ? f.sentence(x.missing) : "", x.quality, covered(x.coverage_pct), a.of.length === 2 ? "" : x.method, x.measured_at ? `at ${x.measured_at}` : ""];
    write(el("drill-how"), how.filter(Boolean).join(" · "));
    const notes = [...(x.notes || [])];
    notes.unshift(...lockedNotes(a));
    el("drill-notes").replaceChildren(...notes.map((n) => make("li", "", f.sentence(n))));
    el("drill-parts").replaceChildren(...(a.by === "meter" ? this.hour(a) : a.by ? [this.parts(a)] : []));
    el("drill-more").replaceChildren(...[a.hour ? this.log(a.hour) : "", this.meters(a), this.gaps(a), this.behind(a), this.evidence(a), this.issues(a)].filter(Boolean));
  }

  crumbs(report, key, title, at) {
    const steps = [[`${title}, ${report.year}`, ""]];
    let local = at;
    if (at.length > 10) local = this.local(hourStart(at)).day;
    if (local.length >= 7) steps.push([MONTHS[Number(local.slice(5, 7)) - 1], local.slice(0, 7)]);
    if (local.length >= 10) steps.push([`day ${Number(local.slice(8, 10))}`, local.slice(0, 10)]);
    if (at.length > 10) steps.push([this.local(hourStart(at)).hour, at]);
    el("crumbs").replaceChildren(
      ...steps.map(([text, to], i) => {
        const item = make("li");
        if (i === steps.length - 1) {
          const here = make("span", "", text);
          here.setAttribute("aria-current", "page");
          item.append(here);
          return item;
        }
        const b = make("button", "plain link", text);
        b.type = "button";
        b.addEventListener("click", () => this.choose(key, to));
        item.append(b);
        return item;
      }),
    );
  }

  // local is a time by the site's clock.
  local(date) {
    const format = new Intl.DateTimeFormat("en-GB", {
      timeZone: this.zone, hourCycle: "h23", year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", timeZoneName: "short",
    });
    const p = Object.fromEntries(format.formatToParts(date).map(({ type, value }) => [type, value]));
    return { day: `${p.year}-${p.month}-${p.day}`, hour: `${p.hour}:${p.minute}${f.NARROW}${p.timeZoneName}` };
  }

  label(by, name) {
    if (by === "month") return `${MONTHS[Number(name.slice(5, 7)) - 1]}`;
    if (by === "day") return `${Number(name.slice(8, 10))} ${MONTHS[Number(name.slice(5, 7)) - 1].slice(0, 3)}`;
    return this.local(hourStart(name)).hour;
  }

  // parts is the table of times, of one figure or of the two that it is a quotient of.
  parts(a) {
    const series = a.of.filter((x) => x.parts);
    const first = series[0];
    const quotient = a.of.length === 2 && series.length === 2;
    const most = Math.max(0, ...first.parts.map((p) => p.amount || 0));
    const columns = [[{ month: "Month", day: "Day", hour: "Hour" }[a.by], ""]];
    if (quotient) columns.push([a.figure.title, "num"]);
    for (const x of series) columns.push([x.figure.title, "num"]);
    if (!quotient) columns.push(["Drawn", "wide"]);
    columns.push(["Of it estimated", "num"], ["Coverage", ""], ["How it is known", ""]);
    const table = tableOf(columns);
    const times = a.figure.unit === "L/kWh" ? 1000 : 1;
    const body = make("tbody");
    first.parts.forEach((p, i) => {
      const tr = make("tr", p.amount === null ? "absent" : "");
      const th = make("th");
      th.scope = "row";
      const b = make("button", "plain link", this.label(a.by, p.name));
      b.type = "button";
      b.addEventListener("click", () => this.choose(a.key, p.name));
      th.append(b);
      tr.append(th);
      const all = series.map((x) => x.parts[i]);
      if (quotient) {
        const [over, by] = all;
        const ok = f.known(over.amount) && by.amount > 0;
        tr.append(make("td", "num strong", ok ? f.join(amount((times * over.amount) / by.amount, a.figure.unit)) : "–"));
      }
      all.forEach((part, k) => {
        const td = make("td", "num", f.known(part.amount) ? exact(part.amount, series[k].figure.unit) : "not known");
        if (part.exact) td.title = `${f.grouped(part.exact)} ${series[k].figure.unit === "m3" ? "mL" : "mJ"}`;
        td.append(...today(part, series[k].figure.unit));
        tr.append(td);
      });
      if (!quotient) tr.append(barCell(p.amount, p.estimated, most));
      const guess = all.map((part) => part.estimated || 0).reduce((m, v) => m + v, 0);
      const whole = all.map((part) => Math.abs(part.amount || 0)).reduce((m, v) => m + v, 0);
      tr.append(make("td", "num", guess > 0 ? percentOf(guess, whole) : ""));
      const td = make("td");
      td.append(cover(Math.min(...all.map((part) => part.coverage_pct ?? 100))));
      tr.append(td, make("td", "known", all.map((part) => said(part)).filter((t, n, l) => t && l.indexOf(t) === n).join("; ")));
      body.append(tr);
    });
    table.append(body);
    return table;
  }

  // hour is what each meter showed, by the quarter.
  hour(a) {
    return a.of.filter((x) => x.meters).map((x) => {
      const unit = x.figure.unit;
      const table = tableOf([[`Meter, of ${x.figure.title}`, ""], ["00–15", "num"], ["15–30", "num"], ["30–45", "num"], ["45–60", "num"], ["Hour", "num"], ["How it is known", ""]]);
      const body = make("tbody");
      for (const m of x.meters) {
        const tr = make("tr");
        const th = make("th", "", `${m.less ? "less " : ""}${m.meter || "before meters were kept"}`);
        th.scope = "row";
        th.append(make("span", "muted", ` ${m.quantity.replaceAll("_", " ")}`));
        tr.append(th, ...m.quarters.map((q) => make("td", "num", f.known(q.amount) ? exact(q.amount, "") : "–")));
        const sum = m.quarters.reduce((s, q) => s + (q.amount || 0), 0);
        tr.append(make("td", "num strong", m.quarters.some((q) => f.known(q.amount)) ? exact(Number(sum.toFixed(6)), unit) : "not read"));
        const how = [...new Set(m.quarters.flatMap((q) => [...(q.qualities || []).map((k) => QUALITIES[k] || k), ...(q.notes || [])]))];
        tr.append(make("td", "known", how.join(", ")));
        body.append(tr);
      }
      const sum = x.parts?.[0];
      if (sum) {
        const tr = make("tr", "sum");
        const th = make("th", "", "Counts for the figure");
        th.scope = "row";
        const td = make("td", "num strong", f.known(sum.amount) ? exact(sum.amount, unit) : "not known");
        if (sum.exact) td.title = `${f.grouped(sum.exact)} ${unit === "m3" ? "mL" : "mJ"}`;
        td.append(...today(sum, unit));
        const empty = make("td");
        empty.colSpan = 4;
        tr.append(th, empty, td, make("td", "known", said(sum)));
        body.append(tr);
      }
      table.append(body);
      return table;
    });
  }

  // log is the hour in the ledger's log, and the proof, checked here.
  log(h) {
    const box = section("In the ledger's log");
    box.append(make("p", "note", `The hour has ${h.files === 1 ? "one file" : `${f.count(h.files)} files`}, ${h.files === 1 ? "which is" : "which are"} as sealed. The log that the record rests on has ${f.count(h.log_leaves)} leaves; its root:`), make("p", "hash", h.log_root || "none"));
    if (h.why) box.append(make("p", "note", f.sentence(h.why)));
    for (const p of h.proofs) {
      const verdict = make("p", "verdict", "…");
      verdict.setAttribute("role", "status");
      box.append(make("p", "note", `Leaf ${f.count(p.leaf)}:`), make("p", "hash", p.line.trim()), verdict);
      const details = make("details");
      details.append(make("summary", "", `The proof: ${p.hashes?.length || 0} hashes, from the leaf to the root`));
      const list = make("ol", "hash");
      list.append(...(p.hashes || []).map((x) => make("li", "", x)));
      details.append(list);
      box.append(details);
      judge(verdict, p, h);
    }
    return box;
  }

  meters(a) {
    if (!a.meters.length) return null;
    const box = section("Meters");
    const table = tableOf([["Meter", ""], ["Role", ""], ["Place", ""], ["Read", "num"], ["Estimated besides", "num"], ["Coverage", ""], ["Devices", ""]]);
    const body = make("tbody");
    for (const m of a.meters) {
      const tr = make("tr");
      const th = make("th", "", `${m.taken_off ? "less " : ""}${m.id}`);
      th.scope = "row";
      const td = make("td");
      td.append(cover(m.coverage_pct));
      const devices = (m.devices || []).map((d) => [d.model, d.serial && `serial ${d.serial}`, d.accuracy_class && `class ${d.accuracy_class}`, d.calibrated && `calibrated ${d.calibrated}`].filter(Boolean).join(", "));
      tr.append(th, make("td", "", (m.role || "").replaceAll("_", " ")), make("td", "", m.point || ""), make("td", "num", exact(m.amount, m.unit)), make("td", "num", f.known(m.estimated) ? exact(m.estimated, m.unit) : ""), td, make("td", "known", devices.join("; ")));
      body.append(tr);
    }
    table.append(body);
    box.append(scrolling(table));
    return box;
  }

  gaps(a) {
    if (!a.gaps.length) return null;
    const box = section(a.at ? "Gaps in this time" : "Gaps, the longest first");
    const table = tableOf([["Meter", ""], ["From", ""], ["Length", "num"], ["Estimated", "num"], ["By", ""]]);
    const body = make("tbody");
    for (const g of a.gaps.slice(0, 50)) {
      const tr = make("tr");
      const th = make("th", "", g.meter);
      th.scope = "row";
      tr.append(th, make("td", "", g.from.replace("T", " ").slice(0, 16)), make("td", "num", f.age(g.minutes * 60)), make("td", "num", f.known(g.estimated) ? exact(g.estimated, g.unit) : "nothing to go by"), make("td", "known", g.method));
      body.append(tr);
    }
    table.append(body);
    box.append(scrolling(table));
    if (a.gaps.length > 50) box.append(make("p", "note", `and ${f.count(a.gaps.length - 50)} shorter ones`));
    return box;
  }

  // behind is what counts of guarantees and agreements.
  behind(a) {
    const rows = [
      ...(a.behind?.guarantees || []).map((g) => [g.id, g.of.replaceAll("_", " "), g.kwh, g.counts_kwh, g.why || "counts whole", g.evidence]),
      ...(a.behind?.agreements || []).map((g) => [g.name, "agreement", g.delivered_kwh, g.counts_kwh, g.why || g.how, g.evidence]),
    ];
    if (!rows.length) return null;
    const box = section("Guarantees and agreements");
    const table = tableOf([["Name", ""], ["Of", ""], ["Energy", "num"], ["Counts", "num"], ["Why", ""], ["Evidence", ""]]);
    const body = make("tbody");
    for (const [name, of, energy, counts, why, evidence] of rows) {
      const tr = make("tr");
      const th = make("th", "", name);
      th.scope = "row";
      tr.append(th, make("td", "", of), make("td", "num", f.known(energy) ? exact(energy, "kWh") : "not known"), make("td", "num strong", exact(counts, "kWh")), make("td", "known", why), make("td", "known", evidence || ""));
      body.append(tr);
    }
    table.append(body);
    box.append(scrolling(table));
    return box;
  }

  evidence(a) {
    const x = a.figure;
    const rows = a.evidence.map((e) => [e.key, e.value, e.evidence]);
    if (!rows.length && x.evidence) rows.push([x.key, "", x.evidence]);
    if (!rows.length) return null;
    const box = section("What was entered");
    const list = make("ul", "notes");
    list.append(...rows.map(([key, value, text]) => make("li", "", [`report.${key}`.replace("report.it_power", "it_power"), value, text ? `evidence: ${text}` : "no evidence"].filter(Boolean).join(" · "))));
    box.append(list);
    return box;
  }

  issues(a) {
    if (!a.issues.length) return null;
    const box = section("Rules that it breaks");
    const list = make("ul", "issues");
    list.append(...a.issues.map((x) => issue(x)));
    box.append(list);
    return box;
  }
}

const hourStart = (name) => new Date(`${name.slice(0, 13)}:00:00Z`);

// lockedNotes say of a locked figure whose hours stand below, and what the ledger and
// the site file would make of it now.
function lockedNotes(a) {
  if (!a.locked || !a.from) return [];
  const notes = [];
  if (a.now) notes.push(`This is the figure as it was locked. The ledger and the site file would now give ${exact(Number(a.now), a.figure.unit)}`);
  notes.push(a.from === "locked" ? "Below stands what was locked with it, and where the ledger has something else now, that too" : "The hours behind it were not kept when it was locked: below stands what the ledger has now");
  if (a.today) notes.push(`What the ledger has now could not be held against it: ${a.today}`);
  return notes;
}

// today is what the ledger has now of a part that was locked, where that is another.
function today(part, unit) {
  if (part.gone) return [make("span", "today", " (now not known)")];
  return f.known(part.now) ? [make("span", "today", ` (now ${exact(part.now, unit)})`)] : [];
}

function section(title) {
  const box = make("section", "part");
  box.append(make("h3", "", title));
  return box;
}

function scrolling(table) {
  const box = make("div", "scroll");
  box.append(table);
  return box;
}

function tableOf(columns) {
  const table = make("table");
  const head = make("thead");
  const tr = make("tr");
  for (const [text, kind] of columns) {
    const th = make("th", kind, text);
    th.scope = "col";
    tr.append(th);
  }
  head.append(tr);
  table.append(head);
  return table;
}

// barCell draws an amount, what of it is estimated paler.
function barCell(value, estimated, most) {
  const td = make("td", "wide");
  if (!(most > 0) || !f.known(value)) return td;
  const bar = make("span", "amount");
  const whole = make("i", "read");
  whole.style.inlineSize = `${Math.max(0, (100 * value) / most)}%`;
  const guess = make("i", "guess");
  guess.style.inlineSize = `${Math.max(0, Math.min(100, (100 * (estimated || 0)) / most))}%`;
  bar.append(whole, guess);
  td.append(bar);
  td.setAttribute("aria-hidden", "true");
  return td;
}

function percentOf(part, whole) {
  if (!(whole > 0)) return "";
  const share = part / whole;
  return share < 0.001 ? `<0.1${f.NARROW}%` : `${(share * 100).toFixed(1)}${f.NARROW}%`;
}

// said is how a part came to be known, in words.
function said(part) {
  const shares = Object.entries(part.shares || {}).filter(([, v]) => v > 0).sort((a, b) => b[1] - a[1]);
  const words = shares.length === 1 ? [QUALITIES[shares[0][0]] || shares[0][0]] : shares.map(([k, v]) => `${v < 0.001 ? "<0.1" : (Math.floor(v * 1000) / 10).toFixed(1)}${f.NARROW}% ${QUALITIES[k] || k}`);
  return [words.join(", "), ...(part.notes || [])].filter(Boolean).join("; ");
}

// sumOf is what the times on screen come to: of a quotient, that of the sums.
function sumOf(a) {
  const sums = a.of.filter((x) => x.parts).map((x) => x.parts.reduce((s, p) => s + (p.amount || 0), 0));
  if (a.of.length === 1) return sums.length ? amount(sums[0], a.figure.unit) : null;
  if (sums.length < 2 || !(sums[1] > 0)) return null;
  return amount(((a.figure.unit === "L/kWh" ? 1000 : 1) * sums[0]) / sums[1], a.figure.unit);
}

async function judge(node, p, h) {
  if (!proof.able()) {
    write(node, "This browser lets a page check it only over TLS or on this machine.");
    return;
  }
  const ok = await proof.holds(p.line, p.leaf, h.log_leaves, h.log_root, p.hashes || []);
  node.classList.add(ok ? "good" : "bad");
  write(node, ok ? "Checked here: the hour stands in the log with this root." : "The proof does not hold: this hour is not in the log with this root.");
}
