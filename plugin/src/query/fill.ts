import { type AdHocVariableFilter, type ScopedVars } from '@grafana/data';

import { readCode, spelt } from './code';
import { anyOf, fill } from './interpolate';
import { type Query } from './types';

export type Replace = (text: string, scoped?: ScopedVars, format?: string | ((value: unknown) => string)) => string;

const places = ['hall', 'rack', 'host', 'gpu', 'job', 'tenant'] as const;
const untouched = new Set(['refId', 'datasource', 'queryType', 'key', 'editorMode', 'filters', 'version']);

/** What a variable says where it means everything. */
const everything = new Set(['', '*', '.*', '.+', '$__all']);

/** query as the back end is asked it: variables put in, the dashboard's ad-hoc
 *  filters beside it. */
export function fillQuery(asked: Query, replace: Replace, scoped: ScopedVars, adhoc: AdHocVariableFilter[] = []): Query {
  const query = asQuestion(asked);
  const out: Record<string, unknown> = {};
  const filters: AdHocVariableFilter[] = [...(query.filters ?? [])];
  for (const [key, value] of Object.entries(query)) {
    if (untouched.has(key)) {
      out[key] = value;
    } else if (Array.isArray(value)) {
      out[key] = value.flatMap((v) => (typeof v === 'string' ? valuesOf(v, replace, scoped) : [v]));
    } else if (typeof value !== 'string') {
      out[key] = value;
    } else if (places.includes(key as never)) {
      const values = valuesOf(value, replace, scoped).filter((v) => !everything.has(v));
      if (values.length > 1) {
        filters.push({ key, operator: '=|', value: values[0], values });
      } else if (values.length === 1) {
        out[key] = values[0];
      }
    } else if (key === 'site') {
      const values = valuesOf(value, replace, scoped);
      out[key] = values.some((v) => v !== '' && everything.has(v)) ? '*' : values.join(',');
    } else {
      out[key] = spelt(key, fill(value, replace, scoped, key === 'expr' ? anyOf : 'csv'));
    }
  }
  filters.push(...adhoc.filter((f) => f.key !== ''));
  if (filters.length > 0) {
    out.filters = filters.map(({ key, operator, value, values }) => ({
      key,
      operator,
      value: fill(value ?? '', replace, scoped),
      ...(values ? { values } : {}),
    }));
  }
  return out as unknown as Query;
}

/** The values that a text stands for: a variable may have several. */
export function valuesOf(text: string, replace: Replace, scoped: ScopedVars): string[] {
  let several: string[] | undefined;
  const filled = fill(text, replace, scoped, (value) => {
    if (Array.isArray(value)) {
      several = value.map(String);
      return several.join(',');
    }
    return String(value);
  });
  const alone = /^\s*(\$\w+|\$\{\w+(:\w+)?\}|\[\[\w+(:\w+)?\]\])\s*$/.test(text);
  return alone && several ? several : [filled];
}

/** A line of code as the question it is, so that variables with several values
 *  and ad-hoc filters apply to it as well. One that has macros, or cannot be
 *  read, the back end reads, or says why not. */
function asQuestion(q: Query): Query {
  if (q.editorMode !== 'code' || q.queryType === 'promql' || !q.code || q.code.includes('$__')) {
    return q;
  }
  const read = readCode(q.code);
  if ('wrong' in read) {
    return q;
  }
  const { refId, datasource, hide, key, version, filters } = q;
  return { refId, datasource, hide, key, version, filters, ...read.keys, queryType: read.kind } as Query;
}
