import { type MetricFindValue, PluginType, type DataSourceInstanceSettings } from '@grafana/data';
import { type TemplateSrv } from '@grafana/runtime';

import { type Options } from '../config/settings';
import { DataSource } from '../datasource';

/** A data source whose dashboard has these variables, and whose back end these
 *  lists. */
export function world({ variables = {}, lists = {}, options = {} }: World = {}): { datasource: DataSource; asked: Asked[] } {
  const asked: Asked[] = [];
  const templates = {
    getVariables: () => Object.keys(variables).map((name) => ({ name })),
    replace: (text = '', _: unknown, format?: string | ((v: unknown) => string)) =>
      text.replace(/\$\{(\w+)(?::\w+)?\}|\$(\w+)/g, (all: string, a?: string, b?: string) => {
        const value = variables[a ?? b ?? ''];
        if (value === undefined) {
          return all;
        }
        return typeof format === 'function' ? format(value) : String(value);
      }),
    containsTemplate: () => false,
    updateTimeRange: () => undefined,
  } as unknown as TemplateSrv;
  const settings = { id: 1, uid: 'gw', name: 'Gigawatch', type: 'gigawatch-gigawatch-datasource', access: 'proxy', readOnly: false, jsonData: options, meta: { id: 'gigawatch-gigawatch-datasource', type: PluginType.datasource } };
  const datasource = new DataSource(settings as unknown as DataSourceInstanceSettings<Options>, templates);
  const answer = async (path: string, params: unknown) => {
    asked.push({ path, params });
    const items = lists[path] ?? [];
    if (items instanceof Error) {
      throw items;
    }
    return { items, total: items.length, truncated: false } as never;
  };
  datasource.getResource = answer;
  datasource.postResource = answer;
  return { datasource, asked };
}

interface World {
  variables?: Record<string, string | string[]>;
  lists?: Record<string, MetricFindValue[] | Error>;
  options?: Options;
}

interface Asked {
  path: string;
  params: unknown;
}

export const names = (...list: string[]): MetricFindValue[] => list.map((n) => ({ text: n, value: n }));
