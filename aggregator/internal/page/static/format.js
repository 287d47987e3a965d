// Numbers as a person reads them: SI prefixes, a narrow no-break space before
// the unit, and as many digits at 999 as at 1000, so that nothing jumps.

export const NARROW = "\u202f";
export const NONE = "–";

const PREFIXES = ["", "k", "M", "G", "T"];
const BINARY = ["B", "KiB", "MiB", "GiB", "TiB"];

// scaled splits value into {n, u} with the prefix that leaves 1 to 999 before
// the point. The unit may contain "@" where the prefix goes.
export function scaled(value, unit, digits = 3) {
  if (!known(value)) return { n: NONE, u: "" };
  let step = 0;
  let v = value;
  // Compare after rounding: 999.96 kW with four digits is 1.000 MW.
  while (step < PREFIXES.length - 1 && Math.abs(Number(v.toPrecision(digits))) >= 1000) {
    v /= 1000;
    step++;
  }
  return { n: significant(v, digits), u: NARROW + unit.replace("@", PREFIXES[step]) };
}

// significant keeps that many digits, but never more than three decimals.
function significant(v, digits) {
  const rounded = Number(v.toPrecision(digits));
  if (rounded === 0) return "0";
  const whole = Math.max(0, Math.floor(Math.log10(Math.abs(rounded))) + 1);
  return minus(rounded.toFixed(Math.min(3, Math.max(0, digits - whole))));
}

const minus = (text) => text.replace("-", "−");

export const known = (v) => typeof v === "number" && Number.isFinite(v);

export const watts = (v, digits) => scaled(v, "@W", digits);

export const energy = (kwh, digits) => scaled(known(kwh) ? kwh * 1000 : kwh, "@Wh", digits);

// mass shows less than a tenth of a tonne in kilograms.
export function mass(tonnes, digits = 3) {
  if (!known(tonnes)) return { n: NONE, u: "" };
  if (Math.abs(tonnes) < 0.1) return { n: significant(tonnes * 1000, digits), u: `${NARROW}kg CO₂e` };
  if (Math.abs(tonnes) < 1000) return { n: significant(tonnes, digits), u: `${NARROW}t CO₂e` };
  return scaled(tonnes, "@t CO₂e", digits);
}

export function intensity(grams) {
  if (!known(grams)) return { n: NONE, u: "" };
  return { n: significant(grams, 3), u: `${NARROW}g CO₂e/kWh` };
}

export const ratio = (v) => (known(v) ? v.toFixed(3) : NONE);

// percent never rounds up: 99.96 % covered is not all.
export function percent(share) {
  if (!known(share)) return NONE;
  if (share >= 1) return `100${NARROW}%`;
  return `${(Math.floor(share * 1000) / 10).toFixed(1)}${NARROW}%`;
}

// share is a part of a whole in round numbers; only a whole is 100 %.
export function share(v) {
  if (!known(v)) return { n: NONE, u: "" };
  const whole = Math.round(v * 100);
  return { n: minus(String(v < 1 ? Math.min(99, whole) : whole)), u: `${NARROW}%` };
}

export const load = (v) => (known(v) ? v.toFixed(v < 99.95 ? 2 : 0) : NONE);

// memory is used of total bytes, both in the unit that suits the total.
export function memory(used, total) {
  if (!known(used)) return { n: NONE, u: "" };
  const whole = known(total) && total > 0;
  let step = 0;
  let unit = 1;
  while (step < BINARY.length - 1 && Math.round(Math.max(used, whole ? total : 0) / unit) >= 1000) {
    unit *= 1024;
    step++;
  }
  const size = (v) => significant(v / unit, 3);
  return { n: size(used), u: `${whole ? ` of ${size(total)}` : ""}${NARROW}${BINARY[step]}` };
}

export const celsius = (v) => (known(v) ? `${Math.round(v)}${NARROW}°C` : NONE);

export const count = (v) => (known(v) ? grouped(String(Math.round(v))) : NONE);

// grouped puts a narrow space between groups of three digits.
export const grouped = (digits) => digits.replace(/\B(?=(\d{3})+$)/g, NARROW);

export const join = ({ n, u }) => n + u;

// age says a length of time in the coarsest words that still move.
export function age(seconds) {
  if (!known(seconds)) return NONE;
  const s = Math.max(0, seconds);
  if (s < 9.95) return `${s.toFixed(1)}${NARROW}s`;
  if (s < 120) return `${Math.round(s)}${NARROW}s`;
  if (s < 7200) return `${Math.floor(s / 60)}${NARROW}min`;
  if (s < 172800) return `${Math.floor(s / 3600)}${NARROW}h`;
  return `${Math.floor(s / 86400)}${NARROW}d`;
}

const two = (v) => String(v).padStart(2, "0");

export function clock(ms, withSeconds = true) {
  if (!known(ms)) return NONE;
  const d = new Date(ms);
  const minutes = `${two(d.getUTCHours())}:${two(d.getUTCMinutes())}`;
  return withSeconds ? `${minutes}:${two(d.getUTCSeconds())}` : minutes;
}

const clocks = new Map();

// local is the day and time at a site, and the name of its time, such as CET. A
// zone that the browser does not know is shown as UTC.
function local(ms, zone) {
  let format = clocks.get(zone);
  if (!format) {
    const parts = { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZoneName: "short", timeZone: zone || "UTC" };
    try {
      format = new Intl.DateTimeFormat("en-GB", parts);
    } catch {
      format = new Intl.DateTimeFormat("en-GB", { ...parts, timeZone: "UTC" });
    }
    clocks.set(zone, format);
  }
  const found = Object.fromEntries(format.formatToParts(new Date(ms)).map(({ type, value }) => [type, value]));
  return { time: `${found.hour}:${found.minute}`, name: found.timeZoneName, day: `${found.day} ${found.month}` };
}

// period is from when to when, by the site's clock; midnight ends a day as 24:00.
export function period(from, to, zone) {
  if (!known(from) || !known(to)) return "";
  const [a, b] = [local(from, zone), local(to, zone)];
  return `${a.time}–${b.time === "00:00" ? "24:00" : b.time}${NARROW}${b.name}`;
}

// since is from when on, by the site's clock.
export function since(from, zone) {
  if (!known(from)) return "";
  const { time, name } = local(from, zone);
  return `since ${time}${NARROW}${name}`;
}

// stamp is a time of day, by the site's clock.
export function stamp(ms, zone) {
  if (!known(ms)) return NONE;
  const { time, name } = local(ms, zone);
  return `${time}${NARROW}${name}`;
}

// moment is a time by the site's clock, with its day where that is not now's.
export function moment(ms, zone, now) {
  if (!known(ms)) return NONE;
  const { time, name, day } = local(ms, zone);
  return `${known(now) && local(now, zone).day === day ? "" : `${day}, `}${time}${NARROW}${name}`;
}

// coverage says how much of a figure's time is known, and whether that would do
// for a day that is over.
export function coverage({ coverage: share, coverage_needed: needed }) {
  if (!known(share)) return "";
  const text = `${percent(share)} covered`;
  return known(needed) && share < needed ? `${text}, a whole day needs ${percent(needed)}` : text;
}

const QUALITIES = {
  measured: "measured", counter_bridged: "bridged", integrated: "integrated", estimated_profile: "estimated",
  estimated_static: "by a constant", manual: "by hand", corrected: "corrected",
};

// qualities says how energy is known, by shares.
export function qualities(shares) {
  const list = Object.entries(shares || {}).filter(([, v]) => v > 0).sort((a, b) => b[1] - a[1]);
  if (!list.length) return "";
  if (list.length === 1) return `all ${QUALITIES[list[0][0]] || list[0][0]}`;
  return list.map(([q, v]) => `${percent(v)} ${QUALITIES[q] || q}`).join(", ");
}

// measured is the share of energy that is, where not all of it is.
export function measured(shares) {
  const list = Object.entries(shares || {}).filter(([, v]) => v > 0);
  if (!list.length || list.some(([q, v]) => q === "measured" && v >= 1)) return "";
  return list.some(([q]) => q === "measured") ? `${percent(shares.measured)} measured` : qualities(shares);
}

// tiers says whose word on the grid counts, where it is more than one's.
export function tiers(grid) {
  if (!grid || grid.length < 2) return "";
  return grid.map(({ provider, tier, share: v, revised }) => `${percent(v)} ${[provider, tier ? `tier ${tier}` : "", revised ? "revised" : ""].filter(Boolean).join(" ")}`).join(", ");
}

// sentence makes a reason fit to stand alone.
export function sentence(text) {
  const t = (text || "not known").trim();
  return t.charAt(0).toUpperCase() + t.slice(1);
}

// ceiling is the next round number that leaves a little air.
export function ceiling(value) {
  const magnitude = 10 ** Math.floor(Math.log10(value));
  for (const step of [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10, 12]) {
    if (value * 1.04 <= step * magnitude) return step * magnitude;
  }
  return 15 * magnitude;
}
