// The next step: which one, whether you may take it, and the question before it.

import { base, post } from "./reportapi.js";
import { el, make, show, write } from "./dom.js";

const STEPS = {
  validate: { name: "Validate", says: "You say that the draft is as it should be. It can still be made anew." },
  lock: { name: "Lock", says: "From now on the record is kept as it is, with its SHA-256 and the root of the ledger's log. Another person then approves it." },
  approve: { name: "Approve", says: "You are the second person. Before it counts, all hours of the year are held against the log." },
  submit: { name: "Note the submission", says: "The record was handed to the authority. What it gave for it is kept here.", text: "Receipt" },
  correct: { name: "Correct", says: "A new version begins, by the same rules. The old one is kept.", text: "Reason" },
};
const FORWARD = { draft: "validate", validated: "lock", locked: "approve", approved: "submit" };

export class Steps {
  // done() is called when a step was taken.
  constructor(done) {
    this.done = done;
    this.dialog = el("ask");
    el("ask-no").addEventListener("click", () => this.dialog.close());
    el("ask-form").addEventListener("submit", (e) => {
      e.preventDefault();
      this.take();
    });
  }

  show(report) {
    this.report = report;
    const forward = FORWARD[report.state];
    const offered = [forward, report.next.some((n) => n.action === "correct" && n.may) ? "correct" : ""].filter(Boolean);
    el("acts").replaceChildren(
      ...offered.map((action) => {
        const next = report.next.find((n) => n.action === action);
        const b = make("button", action === forward ? "primary" : "plain", STEPS[action].name);
        b.type = "button";
        b.dataset.action = action;
        b.disabled = !next?.may;
        if (b.disabled) b.setAttribute("aria-describedby", "acts-why");
        b.addEventListener("click", () => this.ask(action));
        return b;
      }),
    );
    const why = report.next.find((n) => n.action === forward && !n.may)?.why;
    const counted = !report.locked && report.to_mend + report.to_comment_on > 0; // which is said above
    write(el("acts-why"), why && !counted ? `${STEPS[forward].name}: ${why}.` : "");
  }

  ask(action) {
    const step = STEPS[action];
    this.action = action;
    write(el("ask-title"), `${step.name}: ${this.report.site}, ${this.report.year}, version ${this.report.version}`);
    write(el("ask-says"), step.says);
    write(el("ask-hash"), `Record SHA-256 ${this.report.record_sha256}, in the name of ${this.report.you.name}`);
    show(el("ask-label"), Boolean(step.text));
    write(el("ask-what"), step.text || "");
    el("ask-text").required = Boolean(step.text);
    el("ask-text").value = "";
    write(el("ask-yes"), step.name);
    this.wrong("");
    this.busy(false);
    this.dialog.showModal();
  }

  busy(is) {
    el("ask-yes").disabled = is;
    this.dialog.setAttribute("aria-busy", String(is));
    write(el("ask-yes"), is ? "Working …" : STEPS[this.action].name);
  }

  wrong(text) {
    show(el("ask-wrong"), Boolean(text));
    write(el("ask-wrong"), text);
  }

  async take() {
    const { report, action } = this;
    this.wrong("");
    this.busy(true);
    try {
      const body = { version: report.version, record_sha256: report.record_sha256 };
      if (STEPS[action].text) body.text = el("ask-text").value.trim();
      const done = await post(`${base(report.site, report.year)}/${action}`, body);
      this.dialog.close();
      write(el("announcement"), `Version ${done.version} is ${done.state}.`);
      await this.done();
    } catch (error) {
      this.wrong(error.message);
    } finally {
      this.busy(false);
    }
  }
}
