import { CoreApp, type DataQueryRequest, type DataQueryResponse } from '@grafana/data';
import { HealthCheckError, HealthStatus } from '@grafana/runtime';
import { type Observable, lastValueFrom } from 'rxjs';

import { annotationSupport } from './annotations';
import { type Query } from './query/types';
import { names, world } from './test/world';
import { type VariableQuery } from './variables/fill';

test('defaults fit where the query is made', () => {
  const { datasource } = world();
  expect(datasource.getDefaultQuery(CoreApp.PanelEditor)).toEqual({ version: 1, queryType: 'power_energy' });
  expect(datasource.getDefaultQuery(CoreApp.UnifiedAlerting)).toEqual({ version: 1, queryType: 'health', shape: 'count', states: ['failed'] });
  expect(datasource.getDefaultQuery(CoreApp.Explore)).toEqual({ version: 1, queryType: 'power_energy', by: 'hall' });
});

test.each<[string, object, boolean]>([
  ['hidden', { queryType: 'kpi', hide: true }, false],
  ['PromQL of nothing', { queryType: 'promql', expr: ' ' }, false],
  ['a line of nothing', { queryType: 'kpi', editorMode: 'code', code: '' }, false],
  ['a builder’s', { queryType: 'health' }, true],
  ['an old one', {}, true],
])('%s is asked: %#', (_, q, asked) => {
  expect(world().datasource.filterQuery({ refId: 'A', ...q } as Query)).toBe(asked);
});

test('what is sent has its version, its variables and nothing that the back end does not know', () => {
  const { datasource } = world({ variables: { site: 'north' } });
  const sent = datasource.applyTemplateVariables({ refId: 'A', queryType: 'top', site: '$site', colour: 'red' } as unknown as Query, {}, [{ key: 'hall', operator: '=', value: 'h1' }]);
  expect(sent).toEqual({ refId: 'A', queryType: 'top', version: 1, site: 'north', filters: [{ key: 'hall', operator: '=', value: 'h1' }] });
});

test('ad-hoc filters offer keys and values', async () => {
  const { datasource, asked } = world({ lists: { 'tag-keys': names('hall'), 'tag-values': names('h1', 'h2') } });
  expect(await datasource.getTagKeys()).toEqual(names('hall'));
  expect(await datasource.getTagValues({ key: 'hall', filters: [] })).toEqual(names('h1', 'h2'));
  expect(asked[1]).toEqual({ path: 'tag-values', params: { key: 'hall' } });
  await datasource.getTagValues({ key: 'hall', filters: [{ key: 'site', operator: '=', value: 'north' }] });
  expect(asked[2]).toEqual({ path: 'tag-values', params: { key: 'hall', site: 'north' } });
});

describe('a variable', () => {
  const values = async (query: unknown, w: ReturnType<typeof world>) => {
    const request = { targets: [query as VariableQuery], scopedVars: {} } as unknown as DataQueryRequest<VariableQuery>;
    const { query: ask } = w.datasource.variables as unknown as { query: (r: typeof request) => Observable<DataQueryResponse> };
    return (await lastValueFrom(ask.call(w.datasource.variables, request))).data;
  };

  test('lists racks of the site that another variable says', async () => {
    const w = world({ variables: { site: 'north' }, lists: { variables: names('r1') } });
    expect(await values({ refId: 'v', of: 'rack', site: '$site' }, w)).toEqual(names('r1'));
    expect(w.asked[0]).toEqual({ path: 'variables', params: { version: 1, refId: 'v', of: 'rack', site: 'north', limit: undefined } });
  });

  test('lists racks of several halls', async () => {
    const lists = { variables: [{ text: 'r1', value: 'r1', hall: 'a' }, { text: 'r2', value: 'r2', hall: 'b' }, { text: 'r3', value: 'r3', hall: 'c' }] };
    const w = world({ variables: { hall: ['a', 'c'] }, lists });
    expect((await values({ refId: 'v', of: 'rack', hall: '$hall' }, w)).map((v: { text: string }) => v.text)).toEqual(['r1', 'r3']);
    expect(w.asked[0].params).toEqual({ version: 1, refId: 'v', of: 'rack', limit: 10_000 });
  });

  test('written as a word is understood', async () => {
    const w = world({ lists: { variables: names('h') } });
    await values('halls', w);
    expect(w.asked[0].params).toMatchObject({ of: 'hall' });
  });
});

test('annotations ask for events, whatever was kept', () => {
  expect(annotationSupport.prepareQuery!({ name: 'x', enable: true, iconColor: 'red', target: { refId: '', queryType: 'kpi', site: 'north', version: 1 } as Query })).toEqual({ refId: 'Anno', queryType: 'annotations', version: 1, site: 'north' });
});

describe('save and test', () => {
  const check = (status: HealthStatus, message: string, aggregators: unknown[]) => {
    const { datasource } = world();
    datasource.callHealthCheck = async () => ({ status, message, details: { aggregators } });
    return datasource.testDatasource();
  };

  test('says in short that it works, and then all of it', async () => {
    expect(await check(HealthStatus.OK, 'a: fine; b: fine', [{ sites: [{}] }, { sites: [{}, {}] }])).toEqual({ status: 'success', message: 'It works: 3 sites', details: { message: 'a: fine\nb: fine' } });
  });

  test('says which does not', async () => {
    const failed = check(HealthStatus.Error, 'a: fine; b: nothing answers', [{ sites: [{}] }, { error: 'nothing answers' }]);
    await expect(failed).rejects.toThrow('1 of 2 aggregators cannot be used');
    await expect(failed).rejects.toBeInstanceOf(HealthCheckError);
  });
});
