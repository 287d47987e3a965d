import { type DataFrame, type Field, FieldType, buildHistogram, formattedValueToString, getFieldDisplayName, getFieldSeriesColor, histogramFieldsToFrame } from '@grafana/data';
import React from 'react';

import { type Drawing } from './draw';

// Plain pictures of what @grafana/ui has not. They say so at their edge.

export function Named({ what, children }: { what: string; children: React.ReactNode }) {
  return (
    <div style={{ position: 'relative', width: '100%', height: '100%' }}>
      {children}
      <div data-testid="standin" style={{ position: 'absolute', right: 2, bottom: -9, fontSize: 8, opacity: 0.5 }}>
        stand-in for Grafana&apos;s {what}
      </div>
    </div>
  );
}

/** Of each field a bar, in the colour of what its values say. */
export function Timeline(d: Drawing) {
  const from = d.range.from.valueOf();
  const span = d.range.to.valueOf() - from;
  const rows = d.frames.flatMap((frame) => {
    const time = frame.fields.find((f) => f.type === FieldType.time);
    return time ? frame.fields.filter((f) => f.type === FieldType.number || f.type === FieldType.string).map((f) => ({ name: getFieldDisplayName(f, frame, d.frames), field: f, runs: runs(time, f) })) : [];
  });
  const names = Math.min(160, 20 + 7 * Math.max(...rows.map((r) => r.name.length)));
  const high = Math.min(60, (d.height - 24) / rows.length);
  return (
    <Named what="state timeline">
      {rows.map((r) => (
        <div key={r.name} style={{ display: 'flex', height: high, alignItems: 'center', fontSize: 12 }}>
          <div style={{ width: names, textAlign: 'right', paddingRight: 8, overflow: 'hidden', textOverflow: 'ellipsis', whiteSpace: 'nowrap' }}>{r.name}</div>
          <div style={{ position: 'relative', flex: 1, height: high * 0.8 }}>
            {r.runs.map((x) => {
              const shown = r.field.display!(x.value);
              const left = Math.max(0, ((x.from - from) / span) * 100);
              const colour = r.field.config.color?.mode === 'thresholds' || shown.color ? shown.color : getFieldSeriesColor(r.field, d.theme).color;
              return (
                <div key={x.from} style={{ position: 'absolute', left: `${left}%`, width: `${Math.max(0.2, Math.min(100, ((x.to - from) / span) * 100) - left)}%`, top: 0, bottom: 0, background: colour, opacity: 0.85, overflow: 'hidden', color: '#000', paddingLeft: 4, whiteSpace: 'nowrap', lineHeight: `${high * 0.8}px` }}>
                  {formattedValueToString(shown)}
                </div>
              );
            })}
          </div>
        </div>
      ))}
      <div style={{ display: 'flex', justifyContent: 'space-between', marginLeft: names, fontSize: 12, opacity: 0.8 }}>
        <span>{d.range.from.utc().format('HH:mm')}</span>
        <span>{d.range.to.utc().format('HH:mm')}</span>
      </div>
    </Named>
  );
}

/** Equal neighbours as one. */
function runs(time: Field, field: Field) {
  const out: Array<{ from: number; to: number; value: unknown }> = [];
  for (let i = 0; i < time.values.length; i++) {
    const last = out.at(-1);
    const end = time.values[i + 1] ?? time.values[i];
    if (field.values[i] === null || field.values[i] === undefined) {
      continue;
    }
    if (last && last.value === field.values[i] && last.to >= time.values[i]) {
      last.to = end;
    } else {
      out.push({ from: time.values[i], to: end, value: field.values[i] });
    }
  }
  return out;
}

/** How often which value: the counts are of @grafana/data. */
export function Spread(d: Drawing) {
  const { bucketCount } = d.options as unknown as { bucketCount: number };
  const found = buildHistogram(d.frames.map((f) => ({ ...f, fields: f.fields.filter((x) => x.type === FieldType.number) })), { bucketCount });
  if (!found) {
    return <Named what="histogram">?</Named>;
  }
  const frame: DataFrame = histogramFieldsToFrame(found, d.theme);
  const [min, max, ...counts] = frame.fields;
  const most = Math.max(...counts.flatMap((f) => f.values as number[]));
  const from = min.values[0] as number;
  const span = (max.values.at(-1) as number) - from;
  const all = d.height - 46;
  const source = d.frames.flatMap((f) => f.fields.filter((x) => x.type === FieldType.number).map((x) => ({ name: getFieldDisplayName(x, f, d.frames), colour: getFieldSeriesColor(x, d.theme).color })));
  const edge = d.frames[0].fields.find((x) => x.type === FieldType.number)!;
  return (
    <Named what="histogram">
      <div style={{ position: 'relative', height: all, borderBottom: '1px solid gray' }}>
        {counts.flatMap((f, k) =>
          (f.values as number[]).map((n, i) => (
            <div key={`${k} ${i}`} style={{ position: 'absolute', bottom: 0, left: `${((min.values[i] - from) / span) * 100}%`, width: `${((max.values[i] - min.values[i]) / span) * 100}%`, height: (n / most) * all, background: source[k]?.colour, opacity: 0.6 }} />
          ))
        )}
      </div>
      <div style={{ display: 'flex', justifyContent: 'space-between', fontSize: 12 }}>
        {[0, 0.25, 0.5, 0.75, 1].map((x) => (
          <span key={x}>{formattedValueToString(edge.display!(from + x * span))}</span>
        ))}
      </div>
      <div style={{ fontSize: 12 }}>
        {source.map((s) => (
          <span key={s.name} style={{ marginRight: 12 }}>
            <span style={{ color: s.colour }}>▬</span> {s.name}
          </span>
        ))}
      </div>
    </Named>
  );
}
