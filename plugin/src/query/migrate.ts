import { clean } from './kinds';
import { type Query, modelVersion } from './types';

/** What turns a query of version i into one of version i + 1. */
const steps: Array<(q: Query) => Query> = [
  // A query without a version was written by hand, or is one that Grafana made
  // for another data source.
  (q) => (q.queryType ? q : clean({ ...(q as object), queryType: 'power_energy' } as Query)),
];

/** q in today's version; one of a newer plugin is left as it is. */
export function migrate(q: Query): Query {
  const from = q.version ?? 0;
  if (from >= modelVersion) {
    return q;
  }
  return { ...steps.slice(from).reduce((at, step) => step(at), q), version: modelVersion };
}

/** Whether q was written by a newer plugin than this one. */
export const isNewer = (q: Query): boolean => (q.version ?? 0) > modelVersion;
