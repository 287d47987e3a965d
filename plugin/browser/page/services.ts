import { type DataFrame, LoadingState, type RawTimeRange, type TimeRange, dataFrameFromJSON, dateTime } from '@grafana/data';
import * as runtime from '@grafana/runtime';
import { initializeLoggersRegistry } from '@grafana/runtime/unstable';
import { type Observable, from, of } from 'rxjs';

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

/** What a dashboard's variables say: name to value. */
export const variables: Record<string, string | string[]> = {};

function replace(text = '', _?: unknown, format?: string | ((value: unknown) => string)): string {
  return text.replace(/\$\{(\w+)(?::\w+)?\}|\$(\w+)/g, (all: string, a?: string, b?: string) => {
    const value = variables[a ?? b ?? ''];
    return value === undefined ? all : typeof format === 'function' ? format(value) : String(value);
  });
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
    getVariables: () => Object.keys(variables).map((name) => ({ name })),
    replace,
    containsTemplate: (s?: string) => /\$/.test(s ?? ''),
    updateTimeRange: () => undefined,
  } as never);
  runtime.setDataSourceSrv({
    getList: () => [],
    getInstanceSettings: (ref: unknown) => ({ id: 1, uid: 'gw', type: 'gigawatch-gigawatch-datasource', ...(typeof ref === 'object' ? ref : {}) }),
  } as never);
  runtime.setGrafanaLiveSrv({ getDataStream: live, getStream: () => of(), publish: async () => undefined } as never);
}

/** A stream as Grafana Live gives it: the first frame, and then what comes. */
function live(options: runtime.LiveDataStreamOptions): Observable<unknown> {
  const frame = options.frame as unknown as DataFrame;
  const first = frame && 'schema' in frame ? dataFrameFromJSON(frame as never) : frame;
  return of({ data: [first], state: LoadingState.Streaming });
}
