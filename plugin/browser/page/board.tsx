import { type DataQueryRequest, type DataQueryResponse, type DataSourceApi, type GrafanaTheme2, type TimeRange, dateMath, rangeUtil } from '@grafana/data';
import { Icon, useTheme2 } from '@grafana/ui';
import React from 'react';
import { type Observable, firstValueFrom } from 'rxjs';

import { type Mark } from './draw';
import { BoardPanel, type PanelFile, report } from './boardPanel';
import { type Chosen, choose, forget, replace } from './variables';

// A dashboard's file as Grafana shows it: what is chosen, links, rows, panels.

interface VariableFile {
  type: 'datasource' | 'query' | 'custom';
  name: string;
  label?: string;
  query: never;
  includeAll?: boolean;
  allValue?: string;
  options?: Array<{ text: string; value: string; selected?: boolean }>;
}

export interface BoardFile {
  uid: string;
  title: string;
  description: string;
  refresh: string;
  time: { from: string; to: string };
  links: Array<{ title: string; type: string; asDropdown: boolean; tags: string[] }>;
  templating: { list: VariableFile[] };
  annotations: { list: Array<{ enable: boolean; builtIn?: number; iconColor: string; target?: object }> };
  panels: PanelFile[];
}

/** What a person would choose, and from when on there are time series. */
export interface Wish {
  mode: 'dark' | 'light';
  prefer: Record<string, string[]>;
  notBefore?: number;
}

export type Source = DataSourceApi & { variables: { query(r: unknown): Observable<{ data: Array<{ text: string; value?: string }> }> } };

/** Width of the page, and Grafana's grid. */
export const pageWidth = 1600;
const margin = 16;
const gap = 8;
const rowHigh = 30;
const column = (pageWidth - 2 * margin - 23 * gap) / 24;

const rangeOf = (time: { from: string; to: string }, notBefore = 0): TimeRange => {
  const to = dateMath.parse(time.to, true)!;
  let from = dateMath.parse(time.from, false)!;
  if (from.valueOf() < notBefore) {
    from = dateMath.parse(new Date(notBefore).toISOString())!;
  }
  return { from, to, raw: time };
};

/** Each variable asks the data source, with those before it put in. */
async function fillIn(file: BoardFile, wish: Wish, source: Source): Promise<Array<[VariableFile, Chosen, number]>> {
  const out: Array<[VariableFile, Chosen, number]> = [];
  forget();
  for (const v of file.templating.list) {
    let values: Array<{ text: string; value?: string }> = [];
    switch (v.type) {
      case 'datasource':
        values = [{ text: 'Gigawatch', value: 'gw' }];
        break;
      case 'custom':
        values = v.options ?? [];
        break;
      default:
        values = (await firstValueFrom(source.variables.query({ targets: [v.query], scopedVars: {}, range: rangeOf(file.time) }))).data;
    }
    const wanted = wish.prefer[v.name] ?? [];
    const one = values.find((x) => wanted.includes(x.value ?? x.text)) ?? values[0];
    const c: Chosen = v.includeAll && !wanted.length ? { text: 'All', value: '$__all', all: v.allValue } : { text: one?.text ?? '', value: one?.value ?? one?.text ?? '' };
    choose(v.name, c);
    out.push([v, c, values.length]);
  }
  return out;
}

async function happened(file: BoardFile, source: Source, range: TimeRange): Promise<Mark[]> {
  const asks = file.annotations.list.filter((a) => a.enable && a.target && !a.builtIn);
  const answers = await Promise.all(
    asks.map((a) =>
      firstValueFrom(
        source.query({ requestId: 'anno', app: 'dashboard', targets: [{ ...a.target, refId: 'Anno' }], range, rangeRaw: range.raw, interval: '1m', intervalMs: 60_000, maxDataPoints: 100, scopedVars: {}, timezone: 'utc', startTime: Date.now() } as DataQueryRequest) as Observable<DataQueryResponse>
      ).then((r) => {
        for (const e of r.errors ?? []) {
          report.errors.push(`annotations: ${e.message ?? e.data?.message}`);
        }
        return r.data.flatMap((f) => {
          const column = (name: string) => f.fields.find((x: { name: string }) => x.name.toLowerCase() === name)?.values ?? [];
          return [...column('time')].map((t, i) => ({ from: Number(t), to: Number(column('timeend')[i] ?? column('end')[i] ?? 0) || undefined, colour: a.iconColor }));
        });
      })
    )
  );
  return answers.flat();
}

export function Board({ file, wish, source }: { file: BoardFile; wish: Wish; source: Source }) {
  const theme = useTheme2();
  const [chosen, setChosen] = React.useState<Array<[VariableFile, Chosen, number]>>();
  const [marks, setMarks] = React.useState<Mark[]>([]);
  const [range] = React.useState(() => rangeOf(file.time));
  const [young] = React.useState(() => (wish.notBefore ? rangeOf(file.time, wish.notBefore) : undefined));
  React.useEffect(() => {
    fillIn(file, wish, source)
      .then(async (c) => {
        report.variables = c.map(([v, x, n]) => ({ name: v.name, value: String(x.value), values: n }));
        setMarks(await happened(file, source, range));
        setChosen(c);
      })
      .catch((e: Error) => report.errors.push(`variables: ${e.message}`));
  }, [file, wish, source, range]);
  const high = Math.max(...file.panels.map((p) => p.gridPos.y + p.gridPos.h)) * (rowHigh + gap);
  return (
    <div data-testid="board" style={{ width: pageWidth, padding: margin, boxSizing: 'border-box' }}>
      <Controls file={file} chosen={chosen ?? []} theme={theme} range={range} />
      <div style={{ position: 'relative', height: high }}>
        {chosen &&
          file.panels.map((p) => {
            const { x, y, w, h } = p.gridPos;
            const place = { left: x * (column + gap), top: y * (rowHigh + gap), width: w * column + (w - 1) * gap, height: h * rowHigh + (h - 1) * gap };
            return (
              <div key={p.id} data-testid="place" data-title={p.title} style={{ position: 'absolute', ...place }}>
                {p.type === 'row' ? <Row title={replace(p.title)} theme={theme} /> : <BoardPanel panel={p} source={source} theme={theme} range={range} young={young} marks={marks} width={place.width} height={place.height} />}
              </div>
            );
          })}
      </div>
    </div>
  );
}

function Row({ title, theme }: { title: string; theme: GrafanaTheme2 }) {
  return (
    <div style={{ display: 'flex', alignItems: 'center', height: rowHigh, gap: 4, color: theme.colors.text.primary, fontWeight: 500 }}>
      <Icon name="angle-down" /> {title}
    </div>
  );
}

function Controls({ file, chosen, theme, range }: { file: BoardFile; chosen: Array<[VariableFile, Chosen, number]>; theme: GrafanaTheme2; range: TimeRange }) {
  const box: React.CSSProperties = { border: `1px solid ${theme.colors.border.medium}`, padding: '5px 8px', borderRadius: 2, background: theme.components.input.background, fontSize: 14, lineHeight: '20px' };
  return (
    <>
      <div style={{ color: theme.colors.text.secondary, marginBottom: 8 }}>
        <span>Dashboards › Gigawatch › </span>
        <span style={{ color: theme.colors.text.primary }}>{file.title}</span>
        <span style={{ ...box, float: 'right', background: theme.colors.secondary.main, color: theme.colors.text.primary }}>
          <Icon name="clock-nine" size="sm" /> {rangeUtil.describeTimeRange(range.raw)} · {file.refresh}
        </span>
        <span style={{ float: 'right', fontSize: 12, marginRight: 16 }}>{file.description}</span>
      </div>
      <div style={{ display: 'flex', gap: 8, flexWrap: 'wrap', marginBottom: 12, alignItems: 'center' }}>
        {chosen.map(([v, c]) => (
          <div key={v.name} data-testid="variable" style={{ display: 'flex' }}>
            <span style={{ ...box, background: theme.colors.background.secondary, borderRight: 'none', fontWeight: 500, fontSize: 12 }}>{v.label}</span>
            <span style={box}>{String(c.text)} ▾</span>
          </div>
        ))}
        <span style={{ flex: 1 }} />
        {file.links.map((l) => (
          <span key={l.title} style={{ ...box, background: theme.colors.secondary.main }}>
            <Icon name={l.asDropdown ? 'bars' : 'external-link-alt'} size="sm" /> {l.title}
          </span>
        ))}
      </div>
    </>
  );
}
