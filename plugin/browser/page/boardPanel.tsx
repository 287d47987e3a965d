import {
  type DataFrame,
  type DataQueryRequest,
  type DataQueryResponse,
  type DataTransformerConfig,
  type Field,
  FieldType,
  type FieldConfigSource,
  type GrafanaTheme2,
  type QueryResultMetaNotice,
  type TimeRange,
  applyFieldOverrides,
  cacheFieldDisplayNames,
  dateMath,
  getFieldDisplayName,
  getFieldDisplayValues,
  rangeUtil,
  transformDataFrame,
} from '@grafana/data';
import { Icon, PanelChrome, Tooltip } from '@grafana/ui';
import React from 'react';
import { type Observable, map, mergeMap } from 'rxjs';

import { type Source } from './board';
import { Bars, type Drawing, Figures, Graph, List, type Mark } from './draw';
import { properties, unknownProperties } from './fields';
import { Spread, Timeline } from './standins';
import { World } from './world';
import { replace } from './variables';

export interface PanelFile {
  id: number;
  type: string;
  title: string;
  description: string;
  gridPos: { x: number; y: number; w: number; h: number };
  targets: Array<{ refId: string; queryType: string; measure?: string; by?: string }>;
  options: Record<string, never>;
  fieldConfig: FieldConfigSource;
  transformations?: DataTransformerConfig[];
  timeFrom?: string;
  maxDataPoints?: number;
}

/** What the test reads of one panel. */
interface Told {
  id: number;
  title: string;
  type: string;
  rows: number; // the most that a frame has
  empty: boolean;
  said: string; // in place of values
  errors: string[];
  notices: string[];
  bare: string[]; // numbers without a unit
  lost: string[]; // settings that are not applied here
  frames: number;
  live: boolean;
}

/** What the test reads of the page. */
export const report: { errors: string[]; variables: Array<{ name: string; value: string; values: number }>; panels: Record<number, Told> } = { errors: [], variables: [], panels: {} };

const tell = (t: Told) => (report.panels[t.id] = t);

interface Props {
  panel: PanelFile;
  source: Source;
  theme: GrafanaTheme2;
  range: TimeRange;
  young?: TimeRange;
  marks: Mark[];
  width: number;
  height: number;
}

const pictures: Record<string, (d: Drawing) => React.ReactNode> = { stat: Figures, bargauge: Bars, timeseries: Graph, table: List, 'state-timeline': Timeline, histogram: Spread, geomap: World };

/** Whether all is from the time series, of which a young site has few. */
const ofStore = (panel: PanelFile) => panel.targets.every((t) => t.queryType === 'promql' || (t.queryType === 'power_energy' && t.measure !== 'energy' && t.by !== 'job' && t.by !== 'tenant'));

/** The panel's own time, where it has one. */
function ownTime(panel: PanelFile, range: TimeRange, young?: TimeRange): { range: TimeRange; said?: string } {
  if (!panel.timeFrom) {
    return young && panel.type !== 'stat' && panel.type !== 'table' && ofStore(panel) && young.from.valueOf() > range.from.valueOf() ? { range: young, said: 'since the site began' } : { range };
  }
  const own = rangeUtil.describeTextRange(panel.timeFrom);
  if (own.invalid) {
    return { range, said: 'invalid time override' };
  }
  return { said: own.display, range: { from: dateMath.parse(own.from, false)!, to: dateMath.parse(own.to, true)!, raw: { from: own.from, to: own.to } } };
}

function ask({ panel, source, range, young, width }: Props): Observable<DataQueryResponse> {
  const own = ownTime(panel, range, young).range;
  const maxDataPoints = panel.maxDataPoints ?? Math.floor(width);
  const step = rangeUtil.calculateInterval(own, maxDataPoints);
  const request = {
    requestId: `q${panel.id}`, app: 'dashboard', panelId: panel.id, targets: panel.targets, range: own, rangeRaw: own.raw, interval: step.interval, intervalMs: step.intervalMs, maxDataPoints, timezone: 'utc', startTime: Date.now(),
    scopedVars: { __interval: { text: step.interval, value: step.interval }, __interval_ms: { text: String(step.intervalMs), value: step.intervalMs } },
  } as unknown as DataQueryRequest;
  return (source.query(request) as Observable<DataQueryResponse>).pipe(
    mergeMap((answer) => transformDataFrame(panel.transformations ?? [], answer.data as DataFrame[], { interpolate: (s: string) => replace(s) }).pipe(map((data) => ({ ...answer, data }))))
  );
}

const numbers = (frames: DataFrame[]) => frames.flatMap((f) => f.fields.filter((x) => x.type === FieldType.number));
const known = (v: unknown) => v !== null && v !== undefined && !Number.isNaN(v);

/** What stands in a panel of which there is nothing to show; undefined if there is. */
function nothing(panel: PanelFile, frames: DataFrame[], theme: GrafanaTheme2): string | undefined {
  const noValue = panel.fieldConfig.defaults.noValue ?? 'No data';
  switch (panel.type) {
    case 'table':
      return frames.length === 0 || frames.every((f) => f.length === 0 || f.fields.length === 0) ? noValue : undefined;
    case 'stat':
    case 'bargauge':
      if (numbers(frames).some((f) => [...f.values].some(known))) {
        return undefined;
      }
      return getFieldDisplayValues({ fieldConfig: panel.fieldConfig, reduceOptions: (panel.options as Record<string, unknown>).reduceOptions as never, replaceVariables: replace, theme, data: frames }).map((v) => v.display.text).join(' ');
    default:
      if (numbers(frames).some((f) => [...f.values].some(known))) {
        return undefined;
      }
      return frames.some((f) => f.length > 0) ? [...new Set(frames.flatMap((f) => numbers([f]).map((x) => inLegend(x, f, frames))))].join(' ') : noValue;
  }
}

/** What the legend says of a series without values: by its name, or in place of them. */
const inLegend = (x: Field, f: DataFrame, all: DataFrame[]) => (x.config.noValue && x.config.noValue !== '–' ? x.config.noValue : getFieldDisplayName(x, f, all));

/** Numbers that are no counts and have no unit; a column may stand beside them that says it. */
const bare = (frames: DataFrame[]) => [
  ...new Set(
    frames.flatMap((f) =>
      f.fields
        .filter((x) => x.type === FieldType.number && !x.config.custom?.hideFrom?.viz && (!x.config.unit || x.config.unit === 'none' || x.config.unit === 'short') && !x.config.mappings?.length)
        .filter((x) => !f.fields.some((y) => y.name === 'unit') && x.config.decimals !== 0 && [...x.values].some((v) => known(v) && !Number.isInteger(v)))
        .map((x) => getFieldDisplayName(x, f, frames))
    )
  ),
];

export function BoardPanel(props: Props) {
  const { panel, source, theme, range, young, marks, width, height } = props;
  const [answer, setAnswer] = React.useState<DataQueryResponse>();
  const first = React.useRef(props);
  React.useEffect(() => {
    const on = ask(first.current).subscribe({ next: (a) => setAnswer({ ...a, data: [...a.data] }), error: (e: Error) => setAnswer({ data: [], errors: [{ message: e.message }] }) });
    return () => on.unsubscribe();
  }, [panel, source]);
  const frames = React.useMemo(() => {
    const out = applyFieldOverrides({ data: (answer?.data ?? []) as DataFrame[], fieldConfig: panel.fieldConfig, fieldConfigRegistry: properties, replaceVariables: replace, theme, timeZone: 'utc' });
    cacheFieldDisplayNames(out);
    return out;
  }, [answer, panel, theme]);
  const time = ownTime(panel, range, young);
  const errors = [...(answer?.errors ?? []), ...(answer?.error ? [answer.error] : [])].map((e) => e.message ?? e.data?.message ?? 'error');
  const notices = frames.flatMap((f) => f.meta?.notices ?? []);
  const said = answer && nothing(panel, frames, theme);
  React.useEffect(() => {
    if (answer) {
      tell({
        id: panel.id, title: panel.title, type: panel.type, rows: Math.max(0, ...frames.map((f) => f.length)), empty: said !== undefined, said: said ?? '', errors, notices: notices.map((n) => n.text), bare: bare(frames),
        lost: unknownProperties(panel.fieldConfig), frames: frames.length, live: panel.targets.some((t) => t.queryType === 'live'),
      });
    }
  });
  const Picture = pictures[panel.type];
  const draw = (w: number, h: number): React.ReactNode => {
    if (!answer) {
      return <span>…</span>;
    }
    if (!Picture) {
      throw new Error(`there is no picture for ${panel.type}`);
    }
    const showsItself = panel.type === 'stat' || (panel.type === 'timeseries' && frames.some((f) => f.length > 0)) || panel.type === 'bargauge' || (panel.type === 'table' && frames.length > 0 && frames[0].fields.length > 0);
    if (said !== undefined && !showsItself) {
      return <div style={{ display: 'flex', height: h, alignItems: 'center', justifyContent: 'center', color: theme.colors.text.secondary }}>{said}</div>;
    }
    return <Picture title={panel.title} frames={frames} marks={marks} fieldConfig={panel.fieldConfig} options={panel.options} range={time.range} theme={theme} width={w} height={h} />;
  };
  return (
    <PanelChrome title={replace(panel.title)} description={panel.description} width={width} height={height} padding={panel.type === 'table' ? 'none' : 'md'} titleItems={<Notices notices={notices} errors={errors} said={time.said} theme={theme} />}>
      {(w, h) => <>{draw(w, h)}</>}
    </PanelChrome>
  );
}

function Notices({ notices, errors, said, theme }: { notices: QueryResultMetaNotice[]; errors: string[]; said?: string; theme: GrafanaTheme2 }) {
  const icon = (severity: string) => (severity === 'info' ? 'info-circle' : 'exclamation-triangle');
  const kinds = [...new Set(notices.map((n) => n.severity))];
  return (
    <>
      {errors.length > 0 && (
        <Tooltip content={errors.join('\n')}>
          <Icon name="exclamation-circle" style={{ color: theme.colors.error.text }} />
        </Tooltip>
      )}
      {kinds.map((k) => (
        <Tooltip key={k} content={notices.filter((n) => n.severity === k).map((n) => n.text).join('\n')}>
          <Icon name={icon(k)} style={{ color: k === 'warning' ? theme.colors.warning.text : theme.colors.text.secondary, margin: '0 4px' }} />
        </Tooltip>
      ))}
      {said && (
        <span style={{ color: theme.colors.text.secondary, fontSize: 12, whiteSpace: 'nowrap', padding: '0 6px' }}>
          <Icon name="clock-nine" size="sm" /> {said}
        </span>
      )}
    </>
  );
}
