import { type IconName } from '@grafana/data';

import { type Kind, type Query } from './types';

interface Described {
  kind: Kind;
  /** In the words of the person who asks. */
  label: string;
  description: string;
  icon: IconName;
  /** Its keys in the order of a line of code. */
  keys: string[];
}

const place = ['site', 'hall', 'rack', 'host', 'gpu', 'job', 'tenant'];

/** What can be asked, in the order of the picker. */
export const kinds: Described[] = [
  {
    kind: 'power_energy',
    label: 'Power and energy',
    description: 'Watts over time, or kilowatt-hours as the ledger has booked them',
    icon: 'bolt',
    keys: ['measure', 'by', 'boundary', 'shape', 'step', 'legend', 'largest', 'unit', ...place, 'limit'],
  },
  {
    kind: 'kpi',
    label: 'Figures (PUE, carbon, …)',
    description: 'PUE, water, carbon, reuse, renewables and cost, with what they rest on',
    icon: 'calculator-alt',
    keys: ['kpis', 'shape', 'period', 'step', 'category', 'part', 'site'],
  },
  {
    kind: 'health',
    label: 'What needs a person',
    description: 'GPUs and hosts that are failing, with evidence and advice',
    icon: 'heart-break',
    keys: ['shape', 'kind', 'states', 'site', 'hall', 'rack', 'host', 'gpu', 'limit'],
  },
  {
    kind: 'counts',
    label: 'How many',
    description: 'Hosts and GPUs: expected, reporting, silent; a table of all sites',
    icon: 'apps',
    keys: ['shape', 'site'],
  },
  {
    kind: 'top',
    label: 'Top',
    description: 'The hottest GPUs, the hungriest racks: now, highest first',
    icon: 'sort-amount-down',
    keys: ['of', 'metric', 'lane', 'over', 'order', 'limit', 'site', 'hall', 'rack', 'host'],
  },
  {
    kind: 'map',
    label: 'Rack map',
    description: 'One value of every rack now, for a heat map of the halls',
    icon: 'grid',
    keys: ['value', 'shape', 'words', 'site', 'hall'],
  },
  {
    kind: 'live',
    label: 'Live power',
    description: 'Power every second, pushed to the panel',
    icon: 'rss',
    keys: ['by', 'boundary', 'site'],
  },
  {
    kind: 'reconciliation',
    label: 'Power tree',
    description: 'What each meter shows less what stands below it',
    icon: 'sitemap',
    keys: ['shape', 'stages', 'findings', 'site', 'limit'],
  },
  {
    kind: 'alerts',
    label: 'Alerts',
    description: 'Alerts of the aggregator that fire or wait',
    icon: 'bell',
    keys: ['shape', 'state', 'site', 'limit'],
  },
  {
    kind: 'report_status',
    label: 'Report',
    description: 'How far the yearly report has come, and what it lacks',
    icon: 'file-alt',
    keys: ['shape', 'site'],
  },
  {
    kind: 'promql',
    label: 'PromQL',
    description: 'Any series of the time-series store',
    icon: 'brackets-curly',
    keys: ['expr', 'mode', 'format', 'legend', 'step', 'unit', 'unread', 'site', 'limit'],
  },
  {
    kind: 'annotations',
    label: 'Events',
    description: 'What happened: verdicts, meters, corrections',
    icon: 'comment-alt',
    keys: ['what', 'site', 'host', 'limit'],
  },
];

export const describe = (kind: Kind): Described => kinds.find((k) => k.kind === kind) ?? kinds[0];

/** Keys that Grafana writes into every query. */
const grafanas = ['refId', 'hide', 'key', 'datasource', 'queryType'];
const shared = ['version', 'filters', 'editorMode', 'code'];

/** q with the keys of its kind alone: the back end refuses others. */
export function clean(q: Query): Query {
  const known = new Set([...grafanas, ...shared, ...describe(q.queryType).keys]);
  return Object.fromEntries(
    Object.entries(q).filter(([k, v]) => known.has(k) && v !== undefined && v !== '' && !(Array.isArray(v) && v.length === 0))
  ) as unknown as Query;
}

/** q as a question of another kind; what both have stays: the site, a hall. */
export function asKind(q: Query, kind: Kind): Query {
  const next = { ...q, queryType: kind } as Query & { by?: string; boundary?: string; legend?: string; code?: string };
  // by, step and legend mean another thing in another kind.
  for (const k of ['by', 'boundary', 'step', 'shape', 'legend', 'unit', 'kind', 'limit', 'code', 'editorMode'] as const) {
    delete (next as unknown as Record<string, unknown>)[k];
  }
  return clean(next);
}
