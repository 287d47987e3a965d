import { type ScopedVars } from '@grafana/data';
import { type DataQuery } from '@grafana/schema';

import { type Replace, valuesOf } from '../query/fill';
import { modelVersion } from '../query/types';

/** What a dashboard's variable can be the list of. */
export const lists = ['site', 'hall', 'rack', 'host', 'gpu', 'job', 'tenant', 'meter', 'metric', 'label'] as const;

export interface VariableQuery extends DataQuery {
  version?: number;
  of?: (typeof lists)[number];
  site?: string;
  hall?: string;
  rack?: string;
  host?: string;
  label?: string;
  match?: string;
  limit?: number;
}

/** Where an item of a list stands. */
export interface Item {
  hall?: string;
  rack?: string;
  host?: string;
}

const inside = ['hall', 'rack', 'host'] as const;

/** A query as it is now; an older Grafana, and people, write a bare word. */
export function migrateVariable(q: VariableQuery | string | undefined): VariableQuery {
  if (typeof q === 'string' || q === undefined) {
    const of = lists.find((l) => l === (q ?? '').trim().toLowerCase().replace(/s$/, '')) ?? 'site';
    return { refId: 'variable', version: modelVersion, of };
  }
  return { ...q, version: modelVersion };
}

/** query as the back end is asked it, and which of the answers stay: of a place
 *  that other variables name several of, the back end is asked for all. */
export function fillVariable(query: VariableQuery, replace: Replace, scoped: ScopedVars = {}) {
  const q = migrateVariable(query);
  const ask: Record<string, unknown> = { version: q.version, of: q.of ?? 'site', refId: q.refId };
  const several: Partial<Record<(typeof inside)[number], Set<string>>> = {};
  for (const key of ['site', 'hall', 'rack', 'host', 'label', 'match'] as const) {
    const values = q[key] ? valuesOf(q[key], replace, scoped).filter((v) => v !== '' && v !== '$__all') : [];
    if (values.length === 0) {
      continue;
    }
    if (key === 'site' || values.length === 1) {
      ask[key] = values.join(',');
    } else if (key !== 'label' && key !== 'match') {
      several[key] = new Set(values);
    }
    if (key !== 'site' && key !== 'label' && key !== 'match' && /^(\*|\.\*|\.\+)$/.test(values[0])) {
      delete ask[key];
    }
  }
  ask.limit = q.limit ?? (Object.keys(several).length > 0 ? 10_000 : undefined);
  const keep = (item: Item) => inside.every((k) => !several[k] || several[k].has(item[k] ?? ''));
  return { ask, keep };
}
