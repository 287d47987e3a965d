import {
  type DataFrameJSON,
  type DataQueryResponse,
  LoadingState,
  type RawTimeRange,
  StreamingDataFrame,
  type TimeRange,
  dateTime,
  locationUtil,
  standardTransformers,
  standardTransformersRegistry,
} from '@grafana/data';
import * as runtime from '@grafana/runtime';
import { initializeLoggersRegistry } from '@grafana/runtime/unstable';
import { Observable, from, of } from 'rxjs';

import { names, replace } from './variables';

// Stand-ins for what Grafana's own page gives to its plugins. They ask the test's
// façade by the paths of Grafana's server.

let over = 360;
export const minutes = () => over;
export const setMinutes = (n: number) => (over = n);

export const chosenRange = (): TimeRange => {
  const to = dateTime();
  const range = { from: dateTime(to.valueOf() - over * 60_000), to };
  return { ...range, raw: range as RawTimeRange };
};

async function ask(options: runtime.BackendSrvRequest): Promise<runtime.FetchResponse<unknown>> {
  const query = new URLSearchParams((options.params ?? {}) as Record<string, string>).toString();
  const response = await fetch(`/${options.url.replace(/^\//, '')}${query ? `?${query}` : ''}`, {
    method: options.method ?? 'GET',
    headers: { 'Content-Type': 'application/json' },
    body: options.data ? JSON.stringify(options.data) : undefined,
  });
  const data: unknown = await response.json();
  const out = { data, status: response.status, statusText: response.statusText, ok: response.ok, headers: response.headers, url: response.url, type: response.type, redirected: false, config: options };
  if (!response.ok) {
    throw out;
  }
  return out as runtime.FetchResponse<unknown>;
}

/** Gives the services to @grafana/runtime. */
export function serve() {
  runtime.setEchoSrv({ flush: () => undefined, addBackend: () => undefined, addEvent: () => undefined } as never);
  initializeLoggersRegistry();
  runtime.setBackendSrv({
    fetch: (o: runtime.BackendSrvRequest) => from(ask(o)),
    get: (url: string, params?: Record<string, unknown>) => ask({ url, params }).then((r) => r.data),
    post: (url: string, data?: unknown) => ask({ url, data, method: 'POST' }).then((r) => r.data),
    datasourceRequest: ask,
  } as never);
  runtime.setTemplateSrv({
    getVariables: () => names().map((name) => ({ name })),
    replace,
    containsTemplate: (s?: string) => /\$/.test(s ?? ''),
    updateTimeRange: () => undefined,
  } as never);
  runtime.setDataSourceSrv({
    getList: () => [],
    getInstanceSettings: (ref: unknown) => ({ id: 1, type: 'gigawatch-gigawatch-datasource', ...(typeof ref === 'object' ? ref : {}), uid: 'gw' }),
  } as never);
  runtime.setGrafanaLiveSrv({ getDataStream: live, getStream: () => of(), publish: async () => undefined } as never);
  locationUtil.initialize({ config: { appSubUrl: '' } as never, getVariablesUrlParams: () => ({}), getTimeRangeForUrl: () => ({ from: 'now-1h', to: 'now' }) });
  standardTransformersRegistry.setInit(() =>
    [...new Map(Object.values(standardTransformers).map((t) => [t.id, t])).values()].map((t) => ({ id: t.id, name: t.name, transformation: async () => t, editor: () => null, imageDark: '', imageLight: '' }) as never)
  );
}

/** A stream as Grafana Live gives it: the first frame, and then what comes. */
function live({ addr, buffer, frame }: runtime.LiveDataStreamOptions): Observable<DataQueryResponse> {
  return new Observable((to) => {
    const all = StreamingDataFrame.fromDataFrameJSON(frame as DataFrameJSON, buffer);
    const tell = () => to.next({ data: [all], state: LoadingState.Streaming });
    tell();
    const events = new EventSource(`/live?path=${encodeURIComponent(addr.path)}`);
    events.onmessage = (e: MessageEvent<string>) => {
      all.push(JSON.parse(e.data) as DataFrameJSON);
      tell();
    };
    return () => events.close();
  });
}
