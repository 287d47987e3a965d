import { type ScopedVars } from '@grafana/data';

// The back end expands these itself, so that panels and alert rules agree;
// Grafana's own idea of them must not come first.
const macro = /\$(\{__(?:interval|interval_ms|rate_interval|range|range_s|range_ms|from|to)(?::[^{}]*)?\}|__(?:interval_ms|interval|rate_interval|range_ms|range_s|range|from|to|filters)\b)/g;

/** How a variable with several values is written. */
type Format = 'csv' | ((value: unknown) => string);

type Replace = (text: string, scoped?: ScopedVars, format?: Format) => string;

/** A regular expression that matches any of the values, for PromQL. */
export const anyOf = (value: unknown): string => {
  const escaped = (v: unknown) => String(v).replace(/[\\^$.|?*+()[\]{}]/g, '\\$&').replace(/\\/g, '\\\\');
  if (!Array.isArray(value)) {
    return String(value).replace(/\\/g, '\\\\').replace(/"/g, '\\"');
  }
  return value.length === 1 ? escaped(value[0]) : `(${value.map(escaped).join('|')})`;
};

/** text with the dashboard's variables put in and macros left alone. */
export function fill(text: string, replace: Replace, scoped?: ScopedVars, format: Format = 'csv'): string {
  if (!text.includes('$') && !text.includes('[[')) {
    return text;
  }
  const kept: string[] = [];
  const hidden = text.replace(macro, (m) => `\u0001${kept.push(m) - 1}\u0001`);
  return replace(hidden, scoped, format).replace(/\u0001(\d+)\u0001/g, (_, i) => kept[Number(i)]);
}
