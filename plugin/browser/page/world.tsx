import { type Field, formattedValueToString } from '@grafana/data';
import React from 'react';

import { type Drawing } from './draw';
import { Named } from './standins';

interface Layer {
  location: { latitude: string; longitude: string };
  config: { style: { size: { fixed: number; min: number; max: number; field: string }; color: { fixed: string; field: string }; text: { field: string } } };
}

/** A marker where each row says that it stands, on lines of latitude and longitude: no land is drawn here. */
export function World(d: Drawing) {
  const { layers } = d.options as unknown as { layers: Layer[] };
  const frame = d.frames[0];
  const column = (name: string): Field => {
    const found = frame.fields.find((f) => f.name === name);
    if (!found) {
      throw new Error(`the map asks for the column ${name}, which is not there`);
    }
    return found;
  };
  const { location, config } = layers[0];
  const [latitude, longitude] = [column(location.latitude), column(location.longitude)];
  const [size, colour, text] = [column(config.style.size.field), column(config.style.color.field), column(config.style.text.field)];
  const rows = [...latitude.values.keys()].filter((i) => known(latitude.values[i]) && known(longitude.values[i]));
  const most = Math.max(...rows.map((i) => size.values[i] ?? 0));
  const x = (i: number) => ((longitude.values[i] + 180) / 360) * d.width;
  const y = (i: number) => ((90 - latitude.values[i]) / 180) * d.height;
  const lines = { stroke: d.theme.colors.border.weak };
  return (
    <Named what="geomap">
      <svg width={d.width} height={d.height} data-testid="map">
        {[-120, -60, 0, 60, 120].map((l) => (
          <line key={l} x1={((l + 180) / 360) * d.width} x2={((l + 180) / 360) * d.width} y1={0} y2={d.height} {...lines} />
        ))}
        {[-60, -30, 0, 30, 60].map((l) => (
          <line key={l} y1={((90 - l) / 180) * d.height} y2={((90 - l) / 180) * d.height} x1={0} x2={d.width} {...lines} />
        ))}
        {rows.map((i) => {
          const { fixed, min, max } = config.style.size;
          const r = (known(size.values[i]) && most > 0 ? min + ((max - min) * Number(size.values[i])) / most : fixed) / 2;
          return (
            <g key={i} data-testid="marker">
              <circle cx={x(i)} cy={y(i)} r={r} fill={(known(colour.values[i]) && colour.display!(colour.values[i]).color) || d.theme.visualization.getColorByName(config.style.color.fixed)} fillOpacity={0.8}>
                <title>{frame.fields.map((f) => `${f.config.displayName ?? f.name}: ${formattedValueToString(f.display!(f.values[i]))}`).join('\n')}</title>
              </circle>
              <text x={x(i) + 14} y={y(i) + 4} fontSize={12} fill={d.theme.colors.text.primary}>
                {text.values[i]}
              </text>
            </g>
          );
        })}
      </svg>
    </Named>
  );
}

const known = (v: unknown) => v !== null && v !== undefined;
