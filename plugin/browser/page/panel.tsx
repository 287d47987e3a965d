import { type DataFrame, type DataQueryResponse, FieldType, applyFieldOverrides, createTheme, getFieldDisplayName } from '@grafana/data';
import { LegendDisplayMode } from '@grafana/schema';
import { Alert, PanelChrome, Table, TimeSeries } from '@grafana/ui';
import React from 'react';

import { chosenRange } from './services';

interface Props {
  title: string;
  answer: DataQueryResponse;
  width: number;
}

/** An answer as a panel shows it: a graph where there is time, else a table. */
export function Panel({ title, answer, width }: Props) {
  const theme = createTheme({ colors: { mode: 'dark' } });
  const frames = applyFieldOverrides({
    data: answer.data as DataFrame[],
    fieldConfig: { defaults: { color: { mode: 'palette-classic' } }, overrides: [] },
    replaceVariables: (s) => s,
    theme,
    timeZone: 'utc',
  });
  // A graph of @grafana/ui takes its colours and names from the field, where
  // Grafana's own panel has put them.
  let line = 0;
  for (const f of frames) {
    for (const x of f.fields) {
      x.state = { ...x.state, displayName: getFieldDisplayName(x, f, frames) };
      if (x.type === FieldType.number) {
        x.config = { ...x.config, color: { mode: 'fixed', fixedColor: theme.visualization.palette[line++ % theme.visualization.palette.length] }, custom: { lineWidth: 2, ...x.config.custom } };
      }
    }
  }
  const notices = frames.flatMap((f) => f.meta?.notices ?? []);
  const errors = answer.errors ?? (answer.error ? [answer.error] : []);
  const graph = frames.filter((f) => f.length > 1 && f.fields.some((x) => x.type === FieldType.time) && f.fields.some((x) => x.type === FieldType.number) && f.meta?.type?.startsWith('timeseries'));
  const rows = frames.reduce((n, f) => n + f.length, 0);
  return (
    <div data-testid="answer" data-frames={frames.length} data-rows={rows} data-errors={errors.length}>
      {errors.map((e, i) => (
        <Alert key={i} severity="error" title={e.message ?? e.data?.message ?? 'error'} />
      ))}
      <PanelChrome title={title} width={width} height={260}>
        {(w, h) =>
          graph.length > 0 ? (
            <TimeSeries
              frames={graph}
              timeRange={chosenRange()}
              timeZone="utc"
              width={w}
              height={h}
              legend={{ displayMode: LegendDisplayMode.List, placement: 'bottom', showLegend: true, calcs: [] }}
            />
          ) : frames.length > 0 ? (
            <Table data={joined(frames)} width={w} height={h} />
          ) : (
            <span>nothing</span>
          )
        }
      </PanelChrome>
      {notices.map((n, i) => (
        <div key={i} data-testid="notice">
          {n.severity}: {n.text}
        </div>
      ))}
    </div>
  );
}

/** Numbers of several frames beside each other, as one table. */
function joined(frames: DataFrame[]): DataFrame {
  return frames.length === 1 ? frames[0] : { ...frames[0], fields: frames.flatMap((f) => f.fields) };
}
