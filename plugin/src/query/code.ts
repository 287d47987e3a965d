import { describe, kinds } from './kinds';
import { type Kind, type Query } from './types';

/** Keys whose values are lists, and those that are numbers. */
const lists = new Set(['kpis', 'states', 'stages', 'findings', 'what']);
const numbers = new Set(['limit', 'largest', 'category']);

const quoted = (value: string): string => (/[\s"]/.test(value) ? `"${value.replace(/"/g, '')}"` : value);

/** A question as one line, as the back end reads it: its type, then key=value. */
export function codeOf(q: Query): string {
  const values = q as unknown as Record<string, unknown>;
  const words = describe(q.queryType)
    .keys.filter((k) => values[k] !== undefined && values[k] !== '')
    .map((k) => {
      const v = values[k];
      return `${k}=${quoted(Array.isArray(v) ? v.join(',') : String(v))}`;
    });
  return [q.queryType, ...words].join(' ');
}

/** The question that a line is, or what is wrong with the line. */
export function readCode(line: string): { kind: Kind; keys: Record<string, unknown> } | { wrong: string } {
  const words = line.match(/(?:[^\s"]|"[^"]*")+/g) ?? [];
  if ((line.match(/"/g) ?? []).length % 2 === 1) {
    return { wrong: 'A quote is open: close it with "' };
  }
  const [first, ...rest] = words;
  const described = kinds.find((k) => k.kind === first);
  if (!described) {
    return { wrong: first ? `“${first}” is no type of question. Begin with one of ${kinds.map((k) => k.kind).join(', ')}` : 'Begin with the type of question, such as power_energy' };
  }
  const keys: Record<string, unknown> = {};
  for (const word of rest) {
    const at = word.indexOf('=');
    const key = word.slice(0, Math.max(at, 0));
    const value = word.slice(at + 1).replace(/"/g, '');
    if (at < 1 || !described.keys.includes(key)) {
      return { wrong: `“${at < 1 ? word : key}” is not known here. Keys of ${described.kind}: ${described.keys.join(', ')}` };
    }
    if (key in keys) {
      return { wrong: `${key} is there twice` };
    }
    keys[key] = spelt(key, value);
  }
  return { kind: described.kind, keys };
}

/** A value as the question has it; one with a variable waits until that is put in. */
export function spelt(key: string, value: string): unknown {
  if (lists.has(key)) {
    return value.split(',').filter((v) => v !== '');
  }
  return numbers.has(key) && /^\d+$/.test(value) ? Number(value) : value;
}
