import { fillQuery } from './fill';
import { type Query } from './types';

const variables: Record<string, string | string[]> = { site: 'north', racks: ['a 1', 'b.2'], hall: '*', host: ['n1'], n: '7', __from: 'grafana’s own' };

const replace = (text: string, _: unknown, format?: string | ((v: unknown) => string)) =>
  text.replace(/\$\{(\w+)\}|\$(\w+)/g, (all, a, b) => {
    const v = variables[a ?? b];
    return v === undefined ? all : typeof format === 'function' ? format(v) : String(v);
  });

const ask = (q: object, adhoc: Parameters<typeof fillQuery>[3] = []) => fillQuery({ refId: 'A', ...q } as Query, replace, {}, adhoc);

describe('what the back end is asked', () => {
  test.each<[string, object, object]>([
    ['a variable of one value', { queryType: 'power_energy', site: '$site' }, { site: 'north' }],
    ['several racks become a filter', { queryType: 'power_energy', rack: '$racks' }, { filters: [{ key: 'rack', operator: '=|', value: 'a 1', values: ['a 1', 'b.2'] }] }],
    ['all halls is no restriction', { queryType: 'power_energy', hall: '$hall' }, {}],
    ['one of several is that one', { queryType: 'power_energy', host: '${host}' }, { host: 'n1' }],
    ['several sites have commas', { queryType: 'power_energy', site: '$racks' }, { site: 'a 1,b.2' }],
    ['all sites', { queryType: 'power_energy', site: '$hall' }, { site: '*' }],
    ['PromQL takes several as a regular expression', { queryType: 'promql', expr: 'x{rack=~"$racks"}' }, { expr: 'x{rack=~"(a 1|b\\\\.2)"}' }],
    ['macros are left to the back end', { queryType: 'promql', expr: 'rate(x[$__rate_interval]) > $__from + ${__to:date}' }, { expr: 'rate(x[$__rate_interval]) > $__from + ${__to:date}' }],
    ['a line of code, with spaces in what a variable says', { editorMode: 'code', queryType: 'top', code: 'top of=gpu rack=$racks limit=$n' }, { of: 'gpu', limit: 7, filters: [{ key: 'rack', operator: '=|', value: 'a 1', values: ['a 1', 'b.2'] }] }],
    ['a line with a macro stays a line', { editorMode: 'code', queryType: 'power_energy', code: 'power_energy site=$site step=$__interval' }, { editorMode: 'code', code: 'power_energy site=north step=$__interval' }],
  ])('%s', (_, q, want) => {
    const { refId, queryType, ...rest } = JSON.parse(JSON.stringify(ask(q)));
    expect(refId).toBe('A');
    expect(queryType).toBe((q as Query).queryType);
    expect(rest).toEqual(want);
  });

  test('ad-hoc filters come beside the query’s own', () => {
    const q = ask({ queryType: 'top', filters: [{ key: 'model', operator: '=', value: 'H200' }] }, [
      { key: 'hall', operator: '=~', value: '$site.*' },
      { key: '', operator: '=', value: '' },
    ]);
    expect(q.filters).toEqual([
      { key: 'model', operator: '=', value: 'H200' },
      { key: 'hall', operator: '=~', value: 'north.*' },
    ]);
  });
});
