import {
  type DataFrame,
  FieldType,
  type GrafanaTheme2,
  type TimeRange,
  VizOrientation,
  type FieldConfigSource,
  getDisplayValueAlignmentFactors,
  getFieldDisplayValues,
} from '@grafana/data';
import { BarGauge, BigValue, type BigValueColorMode, type BigValueGraphMode, type BigValueJustifyMode, BigValueTextMode, TimeSeries, type UPlotConfigBuilder, VizRepeater } from '@grafana/ui';
import { TableNG } from '@grafana/ui/unstable';
import React from 'react';

import { replace } from './variables';

/** One panel's answer, its settings applied, and the room there is. */
export interface Drawing {
  title: string;
  frames: DataFrame[];
  marks: Mark[];
  fieldConfig: FieldConfigSource;
  // What the dashboard's file says; its shape is that of the panel's plugin.
  options: Record<string, never>;
  range: TimeRange;
  theme: GrafanaTheme2;
  width: number;
  height: number;
}

/** What happened, on a graph. */
export interface Mark {
  from: number;
  to?: number;
  colour: string;
}

const timeZone = 'utc';

const reduced = (d: Drawing) =>
  getFieldDisplayValues({ fieldConfig: d.fieldConfig, reduceOptions: d.options.reduceOptions, replaceVariables: replace, theme: d.theme, data: d.frames, sparkline: d.options.graphMode !== 'none', timeZone });

/** As the panel "stat" does it. */
export function Figures(d: Drawing) {
  const { colorMode, graphMode, justifyMode, textMode, wideLayout, orientation } = d.options as unknown as {
    colorMode: BigValueColorMode; graphMode: BigValueGraphMode; justifyMode: BigValueJustifyMode; textMode: BigValueTextMode; wideLayout?: boolean; orientation: VizOrientation;
  };
  const named = textMode === BigValueTextMode.Auto && Boolean(d.fieldConfig.defaults.displayName);
  return (
    <VizRepeater
      getValues={() => reduced(d)}
      getAlignmentFactors={getDisplayValueAlignmentFactors}
      renderValue={({ value, width, height, count, alignmentFactors }) => (
        <BigValue
          value={value.display} count={count} sparkline={value.sparkline && { ...value.sparkline, timeRange: d.range }} colorMode={colorMode} graphMode={graphMode} justifyMode={justifyMode}
          textMode={named ? BigValueTextMode.ValueAndName : textMode} alignmentFactors={alignmentFactors} width={width} height={height} theme={d.theme} disableWideLayout={!wideLayout}
        />
      )}
      source={d.frames} renderCounter={0} width={d.width} height={d.height} itemSpacing={3} autoGrid orientation={orientation}
    />
  );
}

/** As the panel "bargauge" does it. */
export function Bars(d: Drawing) {
  const { displayMode, showUnfilled, valueMode, text, namePlacement, minVizWidth, minVizHeight, maxVizHeight } = d.options as unknown as React.ComponentProps<typeof BarGauge> & {
    valueMode: never; minVizWidth: number; minVizHeight: number; maxVizHeight: number;
  };
  return (
    <VizRepeater
      getValues={() => reduced(d)}
      getAlignmentFactors={getDisplayValueAlignmentFactors}
      renderValue={({ value, width, height, orientation, alignmentFactors }) => (
        <BarGauge
          value={value.display} field={value.field} display={value.view?.getFieldDisplayProcessor(value.colIndex!)} theme={d.theme} width={width} height={height} orientation={orientation}
          displayMode={displayMode} showUnfilled={showUnfilled} valueDisplayMode={valueMode} text={text} namePlacement={namePlacement} alignmentFactors={alignmentFactors} itemSpacing={8}
        />
      )}
      source={d.frames} renderCounter={0} width={d.width} height={d.height} minVizWidth={minVizWidth} minVizHeight={minVizHeight} maxVizHeight={maxVizHeight} orientation={VizOrientation.Horizontal}
    />
  );
}

/** As the panel "timeseries" does it, with annotations as thin lines. */
export function Graph(d: Drawing) {
  const frames = d.frames.filter((f) => f.fields.some((x) => x.type === FieldType.time) && f.fields.some((x) => x.type === FieldType.number));
  const { legend } = d.options as unknown as { legend: React.ComponentProps<typeof TimeSeries>['legend'] };
  return (
    <TimeSeries frames={frames} timeRange={d.range} timeZone={timeZone} width={d.width} height={d.height} legend={legend} options={d.options}>
      {(config: UPlotConfigBuilder) => <Marked config={config} marks={d.marks} />}
    </TimeSeries>
  );
}

function Marked({ config, marks }: { config: UPlotConfigBuilder; marks: Mark[] }) {
  React.useLayoutEffect(() => {
    config.addHook('draw', (u) => {
      u.ctx.save();
      u.ctx.beginPath();
      u.ctx.rect(u.bbox.left, u.bbox.top, u.bbox.width, u.bbox.height);
      u.ctx.clip();
      for (const m of marks) {
        const x = u.valToPos(m.from, 'x', true);
        u.ctx.strokeStyle = u.ctx.fillStyle = m.colour;
        u.ctx.setLineDash([5, 3]);
        u.ctx.beginPath();
        u.ctx.moveTo(x, u.bbox.top);
        u.ctx.lineTo(x, u.bbox.top + u.bbox.height);
        u.ctx.stroke();
        if (m.to && m.to > m.from) {
          u.ctx.globalAlpha = 0.1;
          u.ctx.fillRect(x, u.bbox.top, u.valToPos(m.to, 'x', true) - x, u.bbox.height);
          u.ctx.globalAlpha = 1;
        }
      }
      u.ctx.restore();
    });
  }, [config, marks]);
  return null;
}

/** As the panel "table" does it: of several frames the first alone. */
export function List(d: Drawing) {
  const { cellHeight, sortBy, showHeader } = d.options as unknown as { cellHeight: never; sortBy?: never; showHeader: boolean };
  return (
    <div style={{ width: d.width, height: d.height }}>
      <TableNG
        data={d.frames[0]} width={d.width} height={d.height} noHeader={!showHeader} cellHeight={cellHeight} sortBy={sortBy} noValue={d.fieldConfig.defaults.noValue} timeRange={d.range} fieldConfig={d.fieldConfig}
        enableVirtualization={false} structureRev={1}
      />
    </div>
  );
}
