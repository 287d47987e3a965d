import { type TimeRange, dateTime } from '@grafana/data';

import { hintsOf } from './hints';
import { asKind, clean, kinds } from './kinds';
import { isNewer, migrate } from './migrate';
import { type Query } from './types';

const q = (rest: object): Query => ({ refId: 'A', version: 1, ...rest }) as Query;

const last = (hours: number): TimeRange => {
  const to = dateTime(1_800_000_000_000);
  const from = dateTime(to.valueOf() - hours * 3_600_000);
  return { from, to, raw: { from, to } };
};

test('a query without version or type asks for power', () => {
  expect(migrate({ refId: 'A', expr: 'up', datasource: { uid: 'gw' } } as unknown as Query)).toEqual({ refId: 'A', version: 1, queryType: 'power_energy', datasource: { uid: 'gw' } });
});

test('a query of a newer version is left as it is, and said to be', () => {
  const newer = q({ version: 9, queryType: 'kpi', marvel: true });
  expect(migrate(newer)).toBe(newer);
  expect(isNewer(newer)).toBe(true);
  expect(hintsOf(newer)[0].text).toContain('newer version');
});

test('another kind keeps the place and drops what it does not know', () => {
  const top = q({ queryType: 'top', of: 'gpu', metric: 'gpu_power_watts', site: 'north', hall: 'h1', limit: 5, hide: true });
  expect(asKind(top, 'health')).toEqual(q({ queryType: 'health', site: 'north', hall: 'h1', hide: true }));
  expect(asKind(top, 'kpi')).toEqual(q({ queryType: 'kpi', site: 'north', hide: true }));
  expect(asKind(q({ queryType: 'promql', expr: 'up', legend: '{{host}}' }), 'power_energy')).toEqual(q({ queryType: 'power_energy' }));
});

test('nothing empty is sent', () => {
  expect(clean(q({ queryType: 'kpi', kpis: [], part: '', site: undefined, category: 0 }))).toEqual(q({ queryType: 'kpi', category: 0 }));
});

test('every kind has words of its own', () => {
  expect(new Set(kinds.map((k) => k.label)).size).toBe(kinds.length);
});

describe('hints', () => {
  test.each<[string, object, number, string?, object?]>([
    ['facility by rack has no meter', { queryType: 'power_energy', by: 'rack', boundary: 'facility' }, 6, 'No meter shows', { boundary: 'host' }],
    ['IT by host has no meter', { queryType: 'power_energy', by: 'host', boundary: 'it' }, 6, 'of racks at the innermost', { boundary: 'host' }],
    ['GPUs by host', { queryType: 'power_energy', by: 'host', boundary: 'gpu' }, 6, 'the power of the whole host', { boundary: 'host' }],
    ['energy of GPUs by host', { queryType: 'power_energy', by: 'host', boundary: 'gpu', measure: 'energy' }, 6, undefined],
    ['facility by job', { queryType: 'power_energy', by: 'job', boundary: 'facility', measure: 'energy' }, 6, 'no job’s by any meter', { boundary: 'host' }],
    ['jobs of a rack', { queryType: 'power_energy', by: 'job', rack: 'r1', measure: 'energy' }, 6, 'those that run there now'],
    ['a stream of the facility by rack', { queryType: 'live', by: 'rack', boundary: 'facility' }, 6, 'metered as a whole', { boundary: undefined }],
    ['all GPUs are many', { queryType: 'power_energy', by: 'gpu' }, 6, 'hundred thousand', { queryType: 'top', of: 'gpu' }],
    ['GPUs of a rack are few', { queryType: 'power_energy', by: 'gpu', rack: 'r1' }, 6, undefined],
    ['energy of half an hour', { queryType: 'power_energy', measure: 'energy' }, 0.5, 'by the hour', { measure: 'power' }],
    ['power of half an hour', { queryType: 'power_energy' }, 0.5, undefined],
    ['power of jobs', { queryType: 'power_energy', by: 'job' }, 6, 'by the hour'],
    ['figures of a year', { queryType: 'kpi', shape: 'series' }, 24 * 365, 'by day or month', { step: 'month' }],
    ['figures of minutes', { queryType: 'kpi' }, 0.2, 'whole hour', { period: 'today' }],
    ['topk', { queryType: 'promql', expr: 'topk(5, gpu_power_watts)' }, 6, 'in milliseconds', { queryType: 'top' }],
    ['a stream of all sites', { queryType: 'live', site: '*' }, 6, 'one site'],
    ['a line that is wrong', { queryType: 'top', editorMode: 'code', code: 'nonsense' }, 6, 'no type of question'],
    ['a line that is right', { queryType: 'power_energy', editorMode: 'code', code: 'power_energy by=rack boundary=facility' }, 6, 'No meter shows'],
  ])('%s', (...[, query, hours, text, fix]) => {
    const [first] = hintsOf(q(query), last(hours));
    if (text === undefined) {
      expect(first).toBeUndefined();
      return;
    }
    expect(first.text).toContain(text);
    if (fix) {
      expect(first.fix?.query).toMatchObject(fix);
    }
  });
});
