// Draws a record: how far it has come, its headline figures, what is to be done, all
// figures, and who did what.

import * as f from "./format.js";
import { base, query } from "./reportapi.js";
import { cover, covered, exact, quality, short } from "./reportfigure.js";
import { el, make, show, write } from "./dom.js";

const HEADLINE = ["e_dc_kwh", "e_it_kwh", "pue", "wue", "erf", "ref", "e_res_tot_kwh", "w_in_m3", "e_reuse_kwh", "pd_it_kw"];
const ABBREVIATIONS = { pue: "PUE", wue: "WUE", erf: "ERF", ref: "REF" };
const FORMATS = { json: "the record", csv: "one row a figure", xlsx: "workbook", pdf: "document for the board" };
const WAY = ["draft", "validated", "locked", "approved", "submitted"];
const DONE = { validate: "validated", lock: "locked", approve: "approved", submit: "submitted", correct: "opened for correction" };

export function all(report, issues, site, version, choose) {
  const record = report.record;
  show(el("band"), Boolean(record.ledger.simulated));
  show(el("refused"), Boolean(site?.refused));
  write(el("refused-why"), site?.refused || "");
  write(el("period"), record.period.statement);
  write(el("rules"), `by ${record.rule_set.id}, ${record.rule_set.status.replaceAll("_", " ")}`);
  way(report, version);
  headline(record, choose);
  todo(issues, choose);
  trail(report.trail);
  tables(record, choose);
  files(report, version);
}

function way(report, version) {
  const now = report.state;
  el("way").replaceChildren(
    ...WAY.map((state, i) => {
      const at = WAY.indexOf(now);
      const item = make("li", i < at ? "past" : i === at ? "now" : "", state);
      if (i === at) item.setAttribute("aria-current", "step");
      return item;
    }),
  );
  write(el("way-aside"), version && version !== report.version ? `version ${report.version}` : `version ${report.version}${report.locked ? "" : ", a draft"}`);
  const parts = [];
  if (report.to_mend) parts.push(`${report.to_mend} to mend`);
  if (report.to_comment_on) parts.push(`${report.to_comment_on} to comment on`);
  write(el("todo"), report.locked ? "The record is kept as it was locked." : parts.length ? `${parts.join(" and ")} before it can be validated.` : "Nothing is left to do before it can be signed.");
  write(el("hash"), `Record SHA-256 ${report.record_sha256}`);
}

function files(report, version) {
  el("files").replaceChildren(
    ...Object.entries(FORMATS).map(([format, what]) => {
      const a = make("a", "file", format.toUpperCase());
      a.href = `${base(report.site, report.year)}/file${query({ format, version: version || "" })}`;
      a.download = "";
      a.title = what;
      a.append(make("span", "sr", `, ${what}`));
      return a;
    }),
  );
}

const find = (record, key) => [record.annex2, record.annex3, record.internal].flat().find((x) => x?.key === key);

function headline(record, choose) {
  const figures = HEADLINE.map((key) => find(record, key)).filter(Boolean);
  el("headline").replaceChildren(
    ...figures.map((x) => {
      const item = make("li");
      const button = make("button", "tile");
      button.type = "button";
      const value = short(x);
      const what = make("span", "what", x.title);
      if (ABBREVIATIONS[x.key]) what.append(" ", make("b", "", ABBREVIATIONS[x.key]));
      button.append(what);
      const big = make("span", value ? "value" : "value absent");
      if (value) big.append(make("span", "n", value.n), make("span", "u", value.u));
      else big.textContent = "not known";
      button.append(big);
      const under = make("span", "under");
      if (value) under.append(quality(x), make("span", "", covered(x.coverage_pct)));
      else under.textContent = x.missing || "";
      button.append(under);
      button.addEventListener("click", () => choose(x.key));
      item.append(button);
      return item;
    }),
  );
}

function todo({ issues, to_mend: mend, to_comment_on: comment }, choose) {
  show(el("issues-empty"), issues.length === 0);
  write(el("issues-aside"), issues.length ? `${f.count(mend)} to mend · ${f.count(comment)} to comment on · ${f.count(issues.length - mend - comment)} commented on` : "");
  el("issues").replaceChildren(...issues.map((x) => issue(x, choose)));
}

// issue is one rule that is broken: what, why, and what to do.
export function issue(x, choose) {
  const kind = x.severity === "E" ? "error" : x.open ? "warning" : "settled";
  const item = make("li", kind);
  const head = make("p", "head");
  head.append(make("b", "kind", { error: "To mend", warning: "To comment on", settled: "Commented on" }[kind]), make("code", "", x.code));
  if (x.title && choose) {
    const b = make("button", "plain link", x.title);
    b.type = "button";
    b.addEventListener("click", () => choose(x.field));
    head.append(b);
  }
  item.append(head, make("p", "text", f.sentence(x.text)));
  if (x.fix && x.open) item.append(make("p", "fix", `How: ${x.fix}.`));
  if (x.open && x.write) {
    const p = make("p", "fix", "Or say in the site file why it is so: ");
    p.append(make("code", "", x.write));
    item.append(p);
  }
  if (x.comment) item.append(make("p", "fix", `Comment: ${x.comment}`));
  return item;
}

function trail(events) {
  show(el("trail-empty"), events.length === 0);
  el("trail").replaceChildren(
    ...events.map((e) => {
      const item = make("li");
      const head = make("p");
      head.append(make("b", "", `Version ${e.version} ${DONE[e.action] || e.action}`), ` by ${e.by}`);
      head.append(make("span", "muted", e.role ? `, ${e.role}` : `, a name that was typed${e.account ? ` by account ${e.account}` : ""}`));
      const time = make("time", "muted", `${e.at.slice(0, 10)} ${e.at.slice(11, 16)} UTC`);
      time.dateTime = e.at;
      item.append(head, time);
      if (e.text) item.append(make("p", "text", e.text));
      if (e.record_sha256) item.append(make("p", "hash", `record ${e.record_sha256.slice(0, 16)}…${e.log_leaves ? `, on ${f.count(e.log_leaves)} leaves of the log` : ""}`));
      return item;
    }),
  );
}

// tables draws every figure of a record, group by group.
export function tables(record, choose) {
  const groups = [
    ["About the data centre, Annex I", record.annex1.map((x) => ({ ...x, text: x.value || "" }))],
    ["Key figures, Annex II", record.annex2],
    ["Indicators, Annex III", record.annex3],
    ["Not asked for: load, carbon and balance", record.internal],
    ...(record.previews || []).flatMap((p) => [
      [`Preview by ${p.rule_set.id}: not official`, [...(p.classes || []).map(grade), ...p.figures], true],
      [`Limits of ${p.rule_set.id}`, (p.limits || []).map(limit), true],
    ]),
  ];
  const table = make("table", "figures");
  const head = make("thead");
  const row = make("tr");
  for (const [text, kind] of [["Point", ""], ["Figure", ""], ["Value", "num"], ["Quality or evidence", ""], ["Coverage", ""]]) {
    const th = make("th", kind, text);
    th.scope = "col";
    row.append(th);
  }
  head.append(row);
  table.append(head);
  for (const [title, list, preview] of groups) {
    if (!list?.length) continue;
    const body = make("tbody");
    const group = make("tr", "group");
    const th = make("th", "", title);
    th.colSpan = 5;
    th.scope = "rowgroup";
    group.append(th);
    body.append(group, ...list.map((x) => line(x, preview ? null : choose)));
    table.append(body);
  }
  el("all").replaceChildren(table);
}

// grade is where an indicator stands on a scale.
const grade = (c) => ({ title: `Class of ${c.of.toUpperCase()}`, text: c.class || "", missing: c.missing });

const HELD = { kept: "kept", broken: "not kept", unknown: "not known", ahead: "not in force yet" };
const WOULD = { kept: "this year's figure would keep it", broken: "this year's figure would not keep it", unknown: "whether this year's figure would keep it is not known" };

// limit is one of a country, and whether it is kept.
const limit = (x) => ({
  title: `${x.of.toUpperCase()} ${x.least ? `at least ${x.least}` : `at most ${x.most}`}, from ${x.due} on`,
  text: [HELD[x.is] || x.is, x.is === "ahead" ? WOULD[x.would] || "" : "", x.why || ""].filter(Boolean).join("; "),
  broken: x.is === "broken",
  evidence: f.known(x.value) ? `this year ${exact(x.value, "1")}` : "",
});

function line(x, choose) {
  const tr = make("tr", x.missing ? "absent" : x.broken ? "broken" : "");
  const point = make("td", "point", x.point || "");
  const what = make("th", "what");
  what.scope = "row";
  if (choose && x.text === undefined) {
    const b = make("button", "plain link", x.title);
    b.type = "button";
    b.addEventListener("click", () => choose(x.key));
    what.append(b);
  } else {
    what.append(x.title);
  }
  if (x.symbol) what.append(make("span", "muted", ` ${x.symbol}`));
  const value = short(x);
  const cell = make("td", "num");
  const known = make("td", "known");
  if (x.text !== undefined) {
    cell.className = "text";
    cell.textContent = x.text || "";
    known.append(x.evidence ? make("span", "muted", x.evidence) : "");
  } else if (value) {
    cell.textContent = f.known(x.value) ? exact(x.value, x.unit) : f.join(value);
    known.append(quality(x));
  }
  if (x.missing) {
    cell.className = "text why";
    cell.textContent = f.sentence(x.missing);
  }
  const coverage = make("td");
  coverage.append(cover(x.coverage_pct));
  tr.append(point, what, cell, known, coverage);
  return tr;
}
