import { type DataSourceJsonData, type DataSourceSettings } from '@grafana/data';

/** One aggregator; of a site, or a hub of many. */
export interface Aggregator {
  name: string;
  url: string;
}

/** What Grafana keeps of a data source in the open. */
export interface Options extends DataSourceJsonData {
  version?: number;
  aggregators?: Aggregator[];
  defaultSite?: string;
  timeoutSeconds?: number;
  tlsServerName?: string;
  limits?: { series?: number; points?: number; rows?: number; streams?: number };
}

/** What Grafana encrypts, and never gives back to a browser. */
export type Secrets = Record<string, string>;

export type Settings = DataSourceSettings<Options, Secrets>;

export const settingsVersion = 1;

/** The aggregators of s; a data source provisioned by url alone has that one. */
export function aggregatorsOf(s: Settings): Aggregator[] {
  const list = s.jsonData.aggregators ?? [];
  return list.length > 0 ? list : [{ name: '', url: s.url ?? '' }];
}

/** s with other aggregators. The list of data sources shows the first one's address. */
export function withAggregators(s: Settings, aggregators: Aggregator[]): Settings {
  return { ...s, url: aggregators[0]?.url ?? '', jsonData: { ...s.jsonData, version: settingsVersion, aggregators } };
}

export const withOption = <K extends keyof Options>(s: Settings, key: K, value: Options[K]): Settings => ({
  ...s,
  jsonData: { ...s.jsonData, version: settingsVersion, [key]: value },
});

export const withSecret = (s: Settings, key: string, value: string): Settings => ({
  ...s,
  secureJsonData: { ...s.secureJsonData, [key]: value },
});

/** s without a secret that Grafana keeps, so that another can be written. */
export const withoutSecret = (s: Settings, key: string): Settings => ({
  ...s,
  secureJsonFields: { ...s.secureJsonFields, [key]: false },
  secureJsonData: { ...s.secureJsonData, [key]: '' },
});

/** The key of an aggregator's own token. */
export const tokenOf = (a: Aggregator): string => `token.${a.name}`;

/** What is wrong with the addresses, or undefined; the back end checks the rest. */
export function wrongWith(a: Aggregator, all: Aggregator[]): string | undefined {
  const url = a.url.trim();
  if (url === '') {
    return 'Write the address, such as https://gigawatch.example:8600';
  }
  if (!/^https?:\/\//.test(url)) {
    return 'An address begins with http:// or https://';
  }
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    return 'This is not an address; one looks like https://gigawatch.example:8600';
  }
  if (parsed.username !== '' || parsed.password !== '') {
    return 'Leave the password out of the address; it can be read there. Write the token below.';
  }
  if (parsed.search !== '' || parsed.hash !== '') {
    return 'Leave out what follows ? or #';
  }
  if (all.filter((b) => b.name !== '' && b.name === a.name).length > 1) {
    return 'Two aggregators have this name';
  }
  return undefined;
}
