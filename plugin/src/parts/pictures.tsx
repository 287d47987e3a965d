import React, { type ReactNode } from 'react';

import { type Boundary, type Level } from '../query/types';

const Drawing = ({ children }: { children: ReactNode }) => (
  <svg aria-hidden width={26} height={22} viewBox="0 0 26 22" fill="none" stroke="currentColor" strokeWidth={1.4} strokeLinejoin="round">
    {children}
  </svg>
);

/** The steps from a site down to a GPU, each drawn as what it holds. */
export const levelPictures: Record<Level, ReactNode> = {
  site: (
    <Drawing>
      <path d="M2 20V8l7-5 7 5v12zM16 20v-9h8v9" />
      <path d="M6 20v-5h6v5M19 14h2M19 17h2" />
    </Drawing>
  ),
  hall: (
    <Drawing>
      <rect x="2" y="3" width="22" height="17" rx="1" />
      <path d="M5 7h3v9H5zM10 7h3v9h-3zM18 7h3v9h-3z" />
    </Drawing>
  ),
  rack: (
    <Drawing>
      <rect x="8" y="2" width="10" height="18" rx="1" />
      <path d="M10 6h6M10 9.5h6M10 13h6M10 16.500h6" />
    </Drawing>
  ),
  host: (
    <Drawing>
      <rect x="2" y="6" width="22" height="10" rx="1" />
      <path d="M5 9.500h3M5 12.500h3M11 9h3v4h-3zM17 9h3v4h-3z" />
    </Drawing>
  ),
  gpu: (
    <Drawing>
      <rect x="6" y="4" width="14" height="14" rx="1" />
      <rect x="10" y="8" width="6" height="6" />
      <path d="M9 4V2M13 4V2M17 4V2M9 20v-2M13 20v-2M17 20v-2M6 8H4M6 14H4M22 8h-2M22 14h-2" />
    </Drawing>
  ),
  job: (
    <Drawing>
      <path d="M3 5h14M3 11h20M3 17h9" strokeWidth={2.6} strokeLinecap="round" />
    </Drawing>
  ),
  tenant: (
    <Drawing>
      <circle cx="10" cy="7" r="4" />
      <path d="M3 20c0-4.5 3-7 7-7s7 2.5 7 7M17 4a3.5 3.5 0 0 1 0 7M20 20c0-3-1-5-3-6" />
    </Drawing>
  ),
};

/** Colours of the boundaries, the same everywhere in Gigawatch. */
export const boundaryColours: Record<Boundary, { light: string; dark: string }> = {
  facility: { light: '#0b63a5', dark: '#56b0f2' },
  it: { light: '#008060', dark: '#2fc79c' },
  host: { light: '#a34a80', dark: '#e39ac6' },
  gpu: { light: '#c25400', dark: '#f5a13d' },
};

/** Four boxes in each other; the boundary's own is filled. */
export function BoundaryPicture({ of, dark }: { of: Boundary; dark: boolean }) {
  const colour = boundaryColours[of][dark ? 'dark' : 'light'];
  const boxes: Boundary[] = ['facility', 'it', 'host', 'gpu'];
  const chosen = boxes.indexOf(of);
  return (
    <svg aria-hidden width={26} height={22} viewBox="0 0 26 22" fill="none">
      {boxes.map((b, i) => (
        <rect
          key={b}
          x={1 + 3 * i}
          y={1 + 2.5 * i}
          width={24 - 6 * i}
          height={20 - 5 * i}
          rx={1}
          stroke={i === chosen ? colour : 'currentColor'}
          strokeWidth={i === chosen ? 1.8 : 1}
          strokeOpacity={i === chosen ? 1 : 0.4}
          fill={i === chosen ? colour : 'none'}
          fillOpacity={0.3}
        />
      ))}
    </svg>
  );
}
