import * as emotion from '@emotion/css';
import * as grafanaData from '@grafana/data';
import * as grafanaRuntime from '@grafana/runtime';
import * as grafanaUI from '@grafana/ui';
import * as lodash from 'lodash';
import * as React from 'react';
import * as ReactDOM from 'react-dom';
import { createRoot } from 'react-dom/client';
import * as rxjs from 'rxjs';
import * as operators from 'rxjs/operators';
import 'systemjs/dist/system.js';
import 'systemjs/dist/extras/amd.js';

import plugin from '../../src/plugin.json';
import { Panel } from './panel';
import { Board, type BoardFile, type Source, type Wish, pageWidth } from './board';
import { report } from './boardPanel';
import { chosenRange, minutes, serve, setMinutes } from './services';
import { choose } from './variables';

// Loads the built module as Grafana does, by SystemJS with what Grafana gives,
// and shows its editors one at a time.

declare const System: { set(id: string, m: unknown): void; import(url: string): Promise<{ plugin: Loaded }> };

interface Loaded extends grafanaData.DataSourcePlugin<grafanaData.DataSourceApi> {
  DataSourceClass: new (s: unknown) => grafanaData.DataSourceApi;
}

const given: Record<string, unknown> = {
  '@emotion/css': emotion,
  '@grafana/data': grafanaData,
  '@grafana/runtime': grafanaRuntime,
  '@grafana/ui': grafanaUI,
  lodash,
  react: React,
  'react-dom': ReactDOM,
  rxjs,
  'rxjs/operators': operators,
};

const width = 1160;

const sourceOf = (loaded: Loaded) => new loaded.DataSourceClass({ id: 1, uid: 'gw', name: 'Gigawatch', type: plugin.id, access: 'proxy', jsonData: { defaultSite: 'simulated' }, meta: plugin });

/** One editor with its state; answers are of the last minutes. */
interface Scene {
  what: string;
  mode: 'dark' | 'light';
  over: number;
  start: Record<string, unknown>;
}

function Page({ loaded, what, start }: { loaded: Loaded; what: string; start: Record<string, unknown> }) {
  const [state, setState] = React.useState<Record<string, unknown>>(start);
  const [answer, setAnswer] = React.useState<grafanaData.DataQueryResponse>();
  const [said, setSaid] = React.useState<{ ok: boolean; message: string; details?: { message?: string } }>();
  const source = React.useMemo(() => sourceOf(loaded), [loaded]);
  // The newest state, for what runs after an editor has changed it.
  const newest = React.useRef(state);
  const change = (next: unknown) => {
    newest.current = next as Record<string, unknown>;
    (window as unknown as { state: unknown }).state = next;
    setState(next as Record<string, unknown>);
  };
  const run = () => {
    setAnswer(undefined);
    const request = {
      requestId: 'r', app: 'dashboard', interval: `${Math.ceil(minutes() / 6)}s`, intervalMs: Math.ceil(minutes() / 6) * 1000, maxDataPoints: 600, range: chosenRange(), scopedVars: {}, timezone: 'utc', startTime: Date.now(),
      targets: [{ refId: 'A', ...newest.current, datasource: { uid: 'gw', type: plugin.id } }],
    };
    const answers = what === 'variable' ? source.variables : source;
    rxjs.from((answers as { query(r: unknown): rxjs.Observable<grafanaData.DataQueryResponse> }).query(request)).subscribe({ next: setAnswer, error: (e: Error) => setAnswer({ data: [], errors: [{ message: e.message }] }) });
  };
  const props = { datasource: source, query: state, onChange: change, onRunQuery: () => setTimeout(run), range: chosenRange() };
  const { ConfigEditor, QueryEditor } = loaded.components as Record<string, React.ComponentType<Record<string, unknown>>>;
  switch (what) {
    case 'config':
      return (
        <>
          <ConfigEditor options={state} onOptionsChange={change} />
          <grafanaUI.Button
            onClick={async () => {
              setSaid(undefined);
              await fetch('/settings', { method: 'PUT', body: JSON.stringify(newest.current) });
              try {
                const r = (await source.testDatasource()) as { message: string; details?: { message?: string } };
                setSaid({ ok: true, ...r });
              } catch (e) {
                setSaid({ ok: false, message: (e as Error).message, details: (e as { details?: { message?: string } }).details });
              }
            }}
          >
            Save &amp; test
          </grafanaUI.Button>
          {said && (
            <div data-testid="said" data-ok={said.ok} style={{ marginTop: 16 }}>
              <grafanaUI.Alert severity={said.ok ? 'success' : 'error'} title={said.message}>
                <div style={{ whiteSpace: 'pre-wrap' }}>{said.details?.message}</div>
              </grafanaUI.Alert>
            </div>
          )}
        </>
      );
    case 'variable': {
      const Editor = (source.variables as unknown as { editor: React.ComponentType<Record<string, unknown>> }).editor;
      return (
        <>
          <Editor {...props} />
          <br />
          <grafanaUI.Button onClick={run}>Preview</grafanaUI.Button>
          {answer && <p data-testid="values">{(answer.data as Array<{ text: string }>).map((v) => v.text).join(' · ')}</p>}
        </>
      );
    }
    case 'annotation': {
      const Editor = source.annotations?.QueryEditor as unknown as React.ComponentType<Record<string, unknown>>;
      return <Editor {...props} />;
    }
    default:
      return (
        <>
          <QueryEditor {...props} />
          <br />
          <grafanaUI.Button variant="secondary" size="sm" icon="sync" onClick={run}>
            Refresh
          </grafanaUI.Button>
          <br />
          <br />
          {answer && <Panel title="Answer" answer={answer} width={width} />}
        </>
      );
  }
}

async function main() {
  serve();
  choose('site', { text: 'simulated', value: 'simulated' });
  for (const [name, module] of Object.entries(given)) {
    System.set(`app:${name}`, module);
  }
  const { plugin: loaded } = await System.import(`/public/plugins/${plugin.id}/module.js`);
  const root = createRoot(document.getElementById('root')!);
  let shown = 0;
  const show = ({ what, mode, over, start }: Scene) => {
    setMinutes(over);
    const theme = grafanaData.createTheme({ colors: { mode } });
    root.render(
    <grafanaData.ThemeContext.Provider value={theme}>
      <grafanaUI.GlobalStyles />
      <div style={{ background: theme.colors.background.primary, padding: 20, width: width + 40, minHeight: '100vh' }}>
        <Page key={shown++} loaded={loaded} what={what} start={start} />
      </div>
      <grafanaUI.PortalContainer />
    </grafanaData.ThemeContext.Provider>
    );
  };
  const board = (file: BoardFile, wish: Wish) => {
    Object.assign(report, { errors: [], variables: [], panels: {} });
    const theme = grafanaData.createTheme({ colors: { mode: wish.mode } });
    root.render(
      <grafanaData.ThemeContext.Provider value={theme}>
        <grafanaUI.GlobalStyles />
        <div style={{ background: theme.colors.background.canvas, width: pageWidth }}>
          <Board key={shown++} file={file} wish={wish} source={sourceOf(loaded) as unknown as Source} />
        </div>
        <grafanaUI.PortalContainer />
      </grafanaData.ThemeContext.Provider>
    );
  };
  Object.assign(window, { show, board, report });
}

void main();
