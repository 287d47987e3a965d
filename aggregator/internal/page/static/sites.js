// The strip of sites: one tab a site, with its own figures, and a total of the
// real sites. A simulated site is marked and enters no total.

import * as f from "./format.js";
import { cpu, small } from "./machines.js";
import { attribute, el, figure, make, rows, show, write } from "./dom.js";

export class Sites {
  constructor(choose) {
    this.choose = choose;
    this.list = el("sites");
    this.list.addEventListener("click", (e) => {
      const tab = e.target.closest("[role=tab]");
      if (tab) choose(tab.dataset.site);
    });
    this.list.addEventListener("keydown", (e) => this.key(e));
  }

  key(e) {
    const tabs = [...this.list.children];
    const at = tabs.indexOf(document.activeElement);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[e.key];
    if (at < 0 || to === undefined) return;
    e.preventDefault();
    const tab = tabs[(to + tabs.length) % tabs.length];
    this.choose(tab.dataset.site);
    tab.focus();
  }

  show(sites, selected) {
    show(el("strip"), sites.length > 1);
    this.total(sites.filter((site) => !site.simulated), sites.length);
    [...rows(this.list, sites.length, tab)].forEach((node, i) => {
      const site = sites[i];
      const chosen = site.site === selected;
      attribute(node, "data-site", site.site);
      attribute(node, "aria-selected", String(chosen));
      attribute(node, "tabindex", chosen ? "0" : "-1");
      node.classList.toggle("simulated", Boolean(site.simulated));
      const [name, badge, power, rest] = node.children;
      write(name, site.site);
      show(badge, Boolean(site.simulated));
      const { watts, reason } = site.power?.facility || {};
      const busy = f.known(watts) || !small(site) ? null : cpu(site);
      if (f.known(busy)) figure(power, { n: reporting(site.hosts), u: ` · CPU ${f.join(f.share(busy))}` });
      else figure(power, f.watts(watts), f.known(watts) ? undefined : reason || "power not known");
      attribute(power, "title", !f.known(watts) && reason ? f.sentence(reason) : "");
      const pages = critical(site);
      write(rest, facts(site, f.known(busy), pages));
      rest.classList.toggle("alarm", pages > 0);
    });
  }

  // total adds up the real sites only, and says how many of them it knows.
  total(real, all) {
    show(el("total"), real.length > 1);
    if (real.length < 2) return;
    const known = real.map((site) => site.power?.facility?.watts).filter(f.known);
    const node = el("total");
    if (!node.firstElementChild) node.append(make("span", "name"), make("span", "fig"), make("span", "rest"));
    const [name, sum, rest] = node.children;
    write(name, `${real.length} ${real.length < all ? "real sites" : "sites"}`);
    figure(sum, f.watts(known.reduce((a, b) => a + b, 0)), known.length ? undefined : "power not known");
    write(rest, known.length < real.length ? `${known.length} of ${real.length} known` : "all known");
  }
}

function tab() {
  const node = make("button");
  node.type = "button";
  node.setAttribute("role", "tab");
  node.setAttribute("aria-controls", "site");
  node.append(make("span", "name"), make("span", "badge", "simulated"), make("span", "fig"), make("span", "rest"));
  return node;
}

const reporting = (hosts) => `${f.count(hosts?.reporting)}/${f.count(hosts?.expected)} hosts`;

// critical counts what a person was called for, so that a site at which something is
// wrong is seen from all others. What is the aggregator's own is no site's.
const critical = ({ alerts }) => (Array.isArray(alerts) ? alerts.filter((a) => a.severity === "critical" && a.of !== "aggregator").length : 0);

// facts stand beside the main figure, which may have named the hosts already.
function facts({ pue, gpus, hosts }, named, pages) {
  const parts = [];
  if (pages > 0) parts.push(`${f.count(pages)} critical`);
  if (f.known(pue?.value)) parts.push(`PUE ${f.ratio(pue.value)}`);
  if (gpus?.expected > 0) parts.push(`${f.count(gpus.reporting)}/${f.count(gpus.expected)} GPUs`);
  else if (hosts && !named) parts.push(reporting(hosts));
  return parts.join(" · ");
}
