// Figures of a record as a person reads them. The exact number is always there, too.

import * as f from "./format.js";
import { make } from "./dom.js";

const UNITS = { m3: "m³", m2: "m²" };

// unitOf is a unit as it is written.
const unitOf = (unit) => (unit && unit !== "1" ? f.NARROW + (UNITS[unit] || unit) : "");

// short is a figure in four digits, with a prefix where its unit takes one.
export function short(figure) {
  if (typeof figure.is === "boolean") return { n: figure.is ? "yes" : "no", u: "" };
  if (figure.list) return { n: figure.list.join(", "), u: "" };
  if (figure.none) return { n: "none", u: "" };
  if (!f.known(figure.value)) return null;
  return amount(figure.value, figure.unit);
}

// amount is a number and its unit.
export function amount(value, unit) {
  switch (unit) {
    case "kWh":
      return f.energy(value, 4);
    case "kW":
      return f.watts(value * 1000, 4);
    case "1":
      return { n: trimmed(value, 4), u: "" };
    default:
      return { n: Math.abs(value) >= 1e5 ? f.grouped(String(Math.round(value))) : trimmed(value, 4), u: unitOf(unit) };
  }
}

// exact is the number as it stands in the record, in groups of three.
export function exact(value, unit) {
  const [whole, rest] = String(value).split(".");
  const text = f.grouped(whole.replace("-", "")) + (rest ? `.${rest}` : "");
  return `${value < 0 ? "−" : ""}${text}${unitOf(unit)}`;
}

function trimmed(v, digits) {
  if (v === 0) return "0";
  const whole = Math.floor(Math.log10(Math.abs(v))) + 1;
  return v.toFixed(Math.max(0, Math.min(4, digits - Math.max(0, whole)))).replace("-", "−");
}

export const covered = (pct) => (f.known(pct) ? `${f.percent(pct / 100)} covered` : "");

const KINDS = {
  measured: ["measured", "Most of it was read from meters"],
  estimated: ["estimated", "A good part of it is estimated"],
  calculated: ["calculated", "It follows from other figures"],
  entered: ["entered", "The operator states it"],
};

// quality is a badge: a word, never colour alone.
export function quality(figure) {
  const [word, title] = KINDS[figure.quality] || ["", ""];
  const badge = make("span", `quality ${figure.quality || ""}`, word);
  badge.title = title;
  return badge;
}

// cover is a bar of how much is known, with the number beside it.
export function cover(pct) {
  const box = make("span", "cover");
  if (!f.known(pct)) return box;
  const bar = make("span", `bar ${pct < 80 ? "low" : pct < 95 ? "some" : ""}`);
  const fill = make("i");
  fill.style.transform = `scaleX(${Math.max(0, Math.min(1, pct / 100))})`;
  bar.append(fill);
  box.append(bar, make("span", "pct", f.percent(pct / 100)));
  return box;
}
