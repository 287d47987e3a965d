// Statements besides the report of a year: of tenants, of jobs, of all sites and for
// ESRS; the same files as the command's. Signed, they come with a note.

import * as f from "./format.js";
import { Refused, failure, post, query } from "./reportapi.js";
import { el, show, write } from "./dom.js";

// What each kind is asked by, of the fields of the form.
const ASKED = { tenant: ["month", "tenant", "names"], job: ["from", "to", "job", "tenant", "names"], esrs: [], fleet: [] };
// What each is of where nothing else is said.
const OF = { tenant: "Without a month, of all of", job: "Without days, of all of", esrs: "Of all of", fleet: "Of all of" };
const FIELDS = ["site", "month", "from", "to", "job", "tenant", "names"];

export class Statements {
  constructor() {
    this.site = "";
    this.year = 0;
    el("st-kind").addEventListener("change", () => this.fields());
    el("st-form").addEventListener("submit", (e) => {
      e.preventDefault();
      this.fetch();
    });
    el("st-sign").addEventListener("click", () => this.sign());
    this.fields();
  }

  // show is of a site and a year; without a site it is asked for, if there are several.
  show(site, year, mayReport) {
    this.site = site;
    this.year = year || new Date().getFullYear();
    this.mayReport = mayReport;
    for (const kind of ["esrs", "fleet"]) el("st-kind").querySelector(`[value=${kind}]`).disabled = !mayReport;
    show(el("st-sign"), mayReport);
    show(el("st-card"), true);
    this.fields();
  }

  fields() {
    const kind = el("st-kind").value;
    const asked = ASKED[kind];
    for (const name of FIELDS) show(el(`st-${name}-label`), name === "site" ? !this.site && asked.length > 0 : asked.includes(name));
    write(el("st-aside"), `${OF[kind]} ${this.year}${asked.includes("names") ? ". By keys, unless you may have the names" : ""}`);
    this.say("");
  }

  say(text, wrong = false) {
    write(el("st-says"), wrong ? f.sentence(text) : text);
    el("st-says").classList.toggle("alarm", wrong);
  }

  path() {
    const kind = el("st-kind").value;
    const v = { format: el("st-format").value, site: ASKED[kind].length ? this.site || el("st-site").value.trim() : "" };
    for (const name of ASKED[kind]) v[name] = name === "names" ? (el("st-names").checked ? "true" : "") : el(`st-${name}`).value.trim();
    if (!v.month && !v.from && !v.to) v.year = this.year;
    return `api/v1/report/statement/${kind}${query(v)}`;
  }

  // during does something while the form waits for it, and says how it ended.
  async during(what) {
    el("st-card").setAttribute("aria-busy", "true");
    this.say("Making it …");
    try {
      this.say(await what());
    } catch (error) {
      this.say(error.message, true);
    }
    el("st-card").setAttribute("aria-busy", "false");
  }

  fetch() {
    return this.during(async () => {
      let response;
      try {
        response = await fetch(this.path(), { cache: "no-store" });
      } catch {
        throw new Refused(0, "the aggregator cannot be reached");
      }
      if (!response.ok) throw await failure(response);
      const name = /filename="([^"]+)"/.exec(response.headers.get("Content-Disposition") || "")?.[1] || "statement";
      keep(name, await response.blob());
      return `${name}: not signed.`;
    });
  }

  sign() {
    return this.during(async () => {
      const a = await post(this.path(), {});
      keep(a.name, new Blob([Uint8Array.from(atob(a.file), (c) => c.charCodeAt(0))], { type: a.type }));
      if (!a.signed) return `${a.name} is not signed: ${a.why}`;
      keep(`${a.name}.note`, new Blob([a.note], { type: "text/plain" }));
      return `${a.name} and its note, signed by ${a.public_key}; SHA-256 ${a.sha256}.`;
    });
  }
}

// keep hands a file to the browser.
function keep(name, blob) {
  const a = document.createElement("a");
  a.href = URL.createObjectURL(blob);
  a.download = name;
  document.body.append(a);
  a.click();
  a.remove();
  setTimeout(() => URL.revokeObjectURL(a.href), 60_000);
}
