// Asks, remembers, and hands each part of an answer to the card that shows it.
//
//   Contact ── text ──▶ heard ──▶ draw ──▶ cards, chart, rack map
//      │                             ▲
//      └── silence ──▶ watch (1 Hz) ─┘ banner, and grey where figures are old

import * as f from "./format.js";
import * as view from "./view.js";
import { attribute, el, show, Tip, write } from "./dom.js";
import { Chart } from "./chart.js";
import { Contact } from "./contact.js";
import { History } from "./history.js";
import { figures, file, tree } from "./figures.js";
import { Fleet, far } from "./fleet.js";
import { machines, small } from "./machines.js";
import { Racks } from "./racks.js";
import { Sites } from "./sites.js";

const SILENT_AFTER = 3; // seconds without an answer until the banner says so
const STALE_AFTER = 15; // seconds without readings until a site's figures turn grey
const OVERLAP = 10_000; // milliseconds asked for again, because late readings correct them

const tip = new Tip(el("tip"));
const chart = new Chart(el("chart"), tip);
const racks = new Racks(el("racks"), tip, el("racks-live"));
const strip = new Sites(choose);
const fleet = new Fleet(pick);
const contact = new Contact(question, heard);

const histories = new Map(); // History by site
let status = null; // the last answer
let heardAt = 0; // performance.now() of it
let selected = pinned();

// pinned is the site named in the address, so that a wall screen keeps its site.
function pinned() {
  return decodeURIComponent(location.hash.slice(1));
}

function choose(site) {
  selected = site;
  history.replaceState(null, "", `#${encodeURIComponent(site)}`);
  racks.leave();
  tip.hide();
  if (status) draw();
  contact.ask();
}

// pick chooses a site of the table, and goes down to it where it is out of sight.
function pick(site) {
  choose(site);
  if (el("site").getBoundingClientRect().top > innerHeight * 0.6) el("site").scrollIntoView({ block: "start" });
}

function current() {
  const sites = status?.sites || [];
  return sites.find(({ site }) => site === selected) || sites[0];
}

function question() {
  const site = current()?.site ?? selected;
  const newest = histories.get(site)?.newest || 0;
  const parameters = new URLSearchParams({ since: String(Math.max(0, newest - OVERLAP)) });
  if (site) parameters.set("site", site);
  return parameters;
}

function heard(text) {
  const began = performance.now();
  const answer = JSON.parse(text);
  if (!Array.isArray(answer?.sites)) throw new SyntaxError("no sites");
  if (status && status.version !== answer.version) renew();
  status = answer;
  heardAt = began;
  for (const site of status.sites) {
    if (!histories.has(site.site)) histories.set(site.site, new History());
    histories.get(site.site).merge(site.history);
  }
  // Not part of the answer: a fault here is one of this page, not of the aggregator.
  queueMicrotask(draw);
  queueMicrotask(() => queueMicrotask(() => measure(began))); // after the chart has drawn, too
}

// measure keeps one entry, replaced each time: what an answer costs the browser.
function measure(began) {
  performance.clearMeasures("gigawatch-update");
  performance.measure("gigawatch-update", { start: began });
}

// renew loads the page again when another version of the aggregator answers,
// at most once a minute, should two versions answer in turn.
function renew() {
  const KEY = "gigawatch-renewed";
  try {
    if (Date.now() - Number(sessionStorage.getItem(KEY)) < 60_000) return;
    sessionStorage.setItem(KEY, String(Date.now()));
  } catch {
    return;
  }
  location.reload();
}

function draw() {
  const site = current();
  const main = el("site");
  const hub = status.sites.some((one) => one.hub);
  show(el("fleet"), hub);
  if (hub) fleet.show(status.sites, site?.site, status.now);
  strip.show(hub ? [] : status.sites, site?.site);
  write(el("version"), `Gigawatch ${status.version || ""}`.trim());
  write(el("bus"), lags(status.bus));
  watch();
  main.toggleAttribute("data-empty", !site);
  write(el("name"), hub ? `hub ${status.hub || ""}`.trim() : status.sites.length === 1 ? site.site : "");
  if (!site) return;
  document.title = `${site.site} · Gigawatch`;
  attribute(main, "aria-label", site.simulated ? `${site.site}, simulated` : site.site);
  main.classList.toggle("simulated", Boolean(site.simulated));
  main.classList.toggle("far", hub);
  show(el("band"), Boolean(site.simulated));
  view.power(site);
  view.pue(site);
  view.carbon(site);
  view.energy(site);
  figures(site);
  tree(site);
  file(site);
  far(site, status.now);
  view.reporting(site);
  view.worst(site);
  view.alerts(site, status.now);
  machines(site);
  chart.show(histories.get(site.site), Math.floor(status.now / 1000));
  // Where no power is measured, the hosts' own figures come first.
  main.classList.toggle("unmetered", small(site) && chart.blank && !view.metered(site));
  drawRacks(site.halls || []);
}

function drawRacks(halls) {
  const total = halls.reduce((n, { racks }) => n + racks.length, 0);
  show(el("map").parentElement, total > 0);
  el("site").classList.toggle("rackless", total === 0);
  write(el("racks-aside"), total ? `${f.count(total)} in ${f.count(halls.length)} ${halls.length === 1 ? "hall" : "halls"}` : "");
  racks.show(halls);
  const [low, high] = racks.ends();
  write(el("scale-low"), low);
  write(el("scale-high"), high);
  attribute(el("racks"), "aria-label", `${f.count(total)} racks by ${racks.mode === "power" ? "power" : "hottest GPU"}`);
  if (el("halls").open) view.halls(halls);
}

function lags(bus) {
  if (!bus) return "";
  const parts = [["telemetry", bus.telemetry_lag_seconds], ["ledger", bus.ledger_lag_seconds]];
  return parts.filter(([, s]) => f.known(s)).map(([name, s]) => `${name} ${f.age(s)} behind`).join(" · ");
}

// watch compares the clock with the last answer; it runs with and without one.
function watch() {
  const silence = contact.silence;
  const silent = silence > SILENT_AFTER;
  const site = current();
  const since = (performance.now() - heardAt) / 1000;
  const waited = since < 1.5 ? 0 : since; // between two answers the age stands still
  const old = f.known(site?.freshness_seconds) ? site.freshness_seconds + waited : Infinity;
  const away = Boolean(site?.hub) && old > STALE_AFTER; // a site that its hub does not hear, which the table says
  const stale = Boolean(site) && !away && old > STALE_AFTER;

  el("site").classList.toggle("old", Boolean(site) && (silent || stale));
  el("site").classList.toggle("mute", away && !silent);
  el("strip").classList.toggle("old", silent);
  el("fleet").classList.toggle("old", silent);
  show(el("banner"), silent || stale);
  el("banner").classList.toggle("caution", !silent);
  if (silent) {
    write(el("banner-title"), `No contact with the ${site?.hub ? "hub" : "aggregator"}`);
    write(el("banner-detail"), `for ${f.age(silence)}: ${contact.why || "waiting for an answer"}. ${status ? `The figures are those of ${f.clock(status.now)}${f.NARROW}UTC.` : "Nothing was received yet."}`);
  } else if (stale) {
    write(el("banner-title"), "No readings from this site");
    write(el("banner-detail"), Number.isFinite(old) ? `for ${f.age(old)}. The figures are the last known ones.` : "since the aggregator started.");
  }

  write(el("announcement"), silent || stale ? el("banner-title").textContent : ""); // once, not each second

  const pulse = el("pulse");
  attribute(pulse, "data-state", silent ? "silent" : stale ? "stale" : site ? "live" : "waiting");
  write(el("pulse-word"), silent ? "No contact" : stale ? "Stale" : site ? "Live" : status ? "No sites yet" : "Waiting");
  write(el("pulse-age"), silent || site?.hub || !Number.isFinite(old) ? "" : `${f.age(old)} old`);
  write(el("clock"), status && !silent ? `${f.clock(status.now)}${f.NARROW}UTC` : "");
  if (!silent && status && since < 0.2) pulse.classList.toggle("beat");
}

for (const input of document.querySelectorAll("#racks-mode input")) {
  input.addEventListener("change", () => {
    racks.mode = input.value;
    attribute(el("ramp"), "class", `ramp ${input.value}`);
    if (status) drawRacks(current()?.halls || []);
  });
}
el("halls").addEventListener("toggle", () => status && el("halls").open && view.halls(current()?.halls || []));
addEventListener("hashchange", () => choose(pinned()));
document.addEventListener("visibilitychange", () => document.hidden || contact.ask());

setInterval(watch, 1000);
contact.ask();
await chart.load();
