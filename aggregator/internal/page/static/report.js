// The page of reports: which one, how far it has come, what is to be done, and what is
// behind each figure.
//
//   pick ── site, year, version ──▶ load ──▶ record, next steps, trail ─┬─▶ way, headline, all
//    ▲                               ▲       issues ────────────────────┴─▶ what is to be done
//    └── address: #site/year/version/figure/at      a step ──▶ load       drill ◀── a figure

import * as view from "./reportview.js";
import { base, get, query } from "./reportapi.js";
import { Drill } from "./reportdrill.js";
import { Statements } from "./reportstatement.js";
import { Steps } from "./reportstep.js";
import { el, make, show, write } from "./dom.js";

const drill = new Drill(behind, (figure, at) => go({ figure, at }));
const steps = new Steps(load);
const statements = new Statements();

let list = null; // of all reports
let report = null; // that is on screen
let at = parse(); // where the address leads
let loading = null;

function parse() {
  const [site = "", year = "", version = "", figure = "", when = ""] = location.hash.slice(1).split("/").map(decodeURIComponent);
  return { site, year: Number(year) || 0, version: Number(version) || 0, figure, at: when };
}

function address({ site, year, version, figure, at: when }) {
  const parts = [site, year || "", version || "", figure, when].map((p) => encodeURIComponent(p || ""));
  while (parts.length && !parts[parts.length - 1]) parts.pop();
  return `#${parts.join("/")}`;
}

// go leads somewhere, as an address that can be kept and gone back from.
function go(where) {
  const next = { ...at, ...where };
  if (address(next) === location.hash) return;
  location.hash = address(next);
}

const siteOf = () => list.sites.find((s) => s.site === at.site);
const yearOf = () => siteOf()?.years.find((y) => y.year === at.year);

function options(select, values, chosen) {
  select.replaceChildren(
    ...values.map(([value, text]) => {
      const option = make("option", "", text);
      option.value = value;
      option.selected = String(value) === String(chosen);
      return option;
    }),
  );
}

const STATES = { draft: "draft", validated: "validated", locked: "locked", approved: "approved", submitted: "submitted" };

// settle chooses what the address leaves open: the first site with a report, and its
// newest year that is over.
function settle() {
  if (!siteOf()) at = { ...at, site: (list.sites.find((s) => s.years.length) || list.sites[0])?.site || "", year: 0, version: 0, figure: "", at: "" };
  const years = siteOf()?.years || [];
  if (!yearOf()) at = { ...at, year: (years.find((y) => y.over) || years[0])?.year || 0, version: 0, figure: "", at: "" };
  if (at.version && !yearOf()?.versions.some((v) => v.version === at.version)) at = { ...at, version: 0 };
}

function pick() {
  options(el("site"), list.sites.map((s) => [s.site, s.name ? `${s.name} (${s.site})` : s.site]), at.site);
  options(el("year"), (siteOf()?.years || []).map((y) => [y.year, `${y.year} · ${y.over ? STATES[y.state] || y.state : "not over"}`]), at.year);
  const versions = yearOf()?.versions || [];
  const newest = yearOf()?.version || 1;
  show(el("version-label"), versions.length > 0 && (newest > 1 || versions.length > 1));
  options(el("version"), [[0, "newest"], ...versions.map((v) => [v.version, `${v.version}, locked ${v.at.slice(0, 10)}`]).reverse()], at.version);
  write(el("due"), yearOf()?.due ? `due ${yearOf().due}` : "");
  write(el("you"), list.you.name ? `You are ${list.you.name}, ${list.you.role}` : "You have no name here");
  write(el("name"), siteOf()?.name || at.site);
  document.title = [at.site, at.year || "", "report"].filter(Boolean).join(" · ");
}

function wait(text) {
  show(el("wait"), Boolean(text));
  write(el("wait"), text || "");
}

function fail(error) {
  if (error.name === "AbortError") return;
  show(el("banner"), true);
  write(el("banner-title"), error.status === 403 ? "You may not see this." : "There is no report to show.");
  write(el("banner-detail"), error.message);
  wait("");
  show(el("whole"), false);
  show(el("pick"), Boolean(list));
  if (error.status === 403 && !list) statements.show("", 0, false); // a tenant has its own
}

// load asks for the list and for what is chosen of it.
async function load() {
  loading?.abort();
  loading = new AbortController();
  const { signal } = loading;
  show(el("banner"), false);
  try {
    if (!list) wait("Asking for the reports …");
    list = await get("api/v1/report", signal);
    settle();
    show(el("pick"), true);
    pick();
    const site = siteOf();
    if (site) statements.show(site.site, at.year, true);
    if (!site || !at.year) {
      show(el("whole"), false);
      wait(site ? `No report can be made of ${site.name || site.site}: ${site.missing || "nothing was booked yet"}.` : "There is no site whose reports you may see.");
      return;
    }
    const path = base(at.site, at.year);
    const version = query({ version: at.version });
    if (!report || report.site !== at.site || report.year !== at.year) {
      show(el("whole"), false);
      wait("Making the record: it is made of all hours of the year …");
    }
    const [r, issues] = await Promise.all([
      get(path + version, signal, (text) => wait(`${text}.`)),
      get(`${path}/issues${version}`, signal),
    ]);
    report = r;
    wait("");
    show(el("whole"), true);
    view.all(report, issues, siteOf(), at.version, (figure) => go({ figure, at: "" }));
    steps.show(report);
    await behind();
  } catch (error) {
    fail(error);
  }
}

// behind shows what is behind the figure that the address names.
async function behind() {
  if (!report || !at.figure) {
    drill.hide();
    return;
  }
  await drill.show(report, at, query({ version: at.version, at: at.at }));
}

el("pick").addEventListener("submit", (e) => e.preventDefault());
el("site").addEventListener("change", (e) => go({ site: e.target.value, year: 0, version: 0, figure: "", at: "" }));
el("year").addEventListener("change", (e) => go({ year: Number(e.target.value), version: 0, figure: "", at: "" }));
el("version").addEventListener("change", (e) => go({ version: Number(e.target.value), figure: "", at: "" }));
addEventListener("hashchange", () => {
  const was = at;
  at = parse();
  if (report && was.site === at.site && was.year === at.year && was.version === at.version) behind();
  else load();
});

load();
