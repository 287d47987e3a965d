import { useTheme2 } from '@grafana/ui';
import React from 'react';

import { Choice, Radio } from '../parts/Choice';
import { Row } from '../parts/Item';
import { Ladder } from '../parts/Ladder';
import { BoundaryPicture, levelPictures } from '../parts/pictures';
import { Limit, TextBox } from '../parts/Text';
import { Where } from '../parts/Where';
import { type Level, type Place, type PowerQuery, boundaries, levels } from '../query/types';
import { boundariesOf, boundaryWords, levelWords, whyNot } from '../query/words';
import { type Form } from './form';

const measures = [
  { value: 'power', label: 'Power', description: 'Watts over time' },
  { value: 'energy', label: 'Energy', description: 'Kilowatt-hours, as the ledger has booked them' },
] as const;

const shapes = [
  { value: 'series', label: 'Over time', description: 'One value for each step' },
  { value: 'total', label: 'One number', description: 'Of the whole time range' },
] as const;

const steps = [
  { value: '', label: 'By the panel’s width' },
  { value: '1h', label: 'Hour' },
  { value: '24h', label: 'Day (24 h)' },
  { value: '168h', label: 'Week (168 h)' },
] as const;

/** How far down one can narrow what is shown by a level. */
const down: Record<Level, Array<keyof Place>> = {
  site: [],
  hall: ['hall'],
  rack: ['hall', 'rack'],
  host: ['hall', 'rack', 'host'],
  gpu: ['hall', 'rack', 'host', 'gpu'],
  job: ['hall', 'rack', 'host', 'job', 'tenant'],
  tenant: ['hall', 'rack', 'host', 'tenant'],
};

export function Power({ datasource, query, onChange }: Form<PowerQuery>) {
  const { isDark } = useTheme2();
  const by = query.by ?? 'site';
  const boundary = query.boundary ?? boundariesOf[by][0];
  const measure = query.measure ?? 'power';
  const put = (part: Partial<PowerQuery>) => onChange({ ...query, ...part });
  const putLevel = (level: Level) => {
    const next: PowerQuery = { ...query, by: level };
    if (whyNot(level, boundary, measure)) {
      delete next.boundary;
    }
    // What the other level cannot be narrowed down to would be refused.
    (['hall', 'rack', 'host', 'gpu', 'job', 'tenant'] as const).forEach((k) => !down[level].includes(k) && delete next[k]);
    onChange(next);
  };
  return (
    <>
      <Row>
        <Radio label="Show" options={measures} value={measure} onChange={(v) => put({ measure: v, ...(v === 'power' ? { shape: undefined, unit: undefined, step: undefined } : {}), ...(whyNot(by, boundary, v) ? { boundary: undefined } : {}) })} />
        <Ladder
          label="One line for each"
          hint="A site holds halls, a hall racks, a rack hosts, a host GPUs. Jobs and tenants cut across them."
          rungs={levels.map((l) => ({
            value: l,
            label: levelWords[l].label,
            title: levelWords[l].title,
            picture: levelPictures[l],
            aside: l === 'job' || l === 'tenant',
          }))}
          value={by}
          onChange={putLevel}
        />
        <Ladder
          label="Measured at"
          hint="The boundary: what is counted. Each holds the next; what lies between two is losses and cooling."
          rungs={boundaries.map((b) => ({
            value: b,
            label: boundaryWords[b].label,
            title: boundaryWords[b].title,
            picture: <BoundaryPicture of={b} dark={isDark} />,
            not: whyNot(by, b, measure),
          }))}
          value={boundary}
          onChange={(v) => put({ boundary: v })}
        />
      </Row>
      <Row>
        <Where datasource={datasource} value={query} down={down[by]} onChange={onChange} />
        {measure === 'energy' && (
          <>
            <Radio label="As" options={shapes} value={query.shape ?? 'series'} onChange={(v) => put({ shape: v, step: v === 'total' ? undefined : query.step })} />
            {query.shape !== 'total' && (
              <Choice label="Step" hint="Whole hours: the ledger is kept by the hour." options={steps} value={query.step ?? ''} width={24} onChange={(v) => put({ step: v })} />
            )}
            <Radio
              label="Unit"
              options={[
                { value: 'Wh', label: 'Wh' },
                { value: 'J', label: 'J' },
              ]}
              value={query.unit ?? 'Wh'}
              onChange={(v) => put({ unit: v })}
            />
          </>
        )}
        <TextBox label="Legend" hint="What a line is called. Several have beside it what tells them apart. Empty: by its place." value={query.legend ?? ''} placeholder="by place" width={20} onChange={(v) => put({ legend: v })} />
        {by !== 'site' && <Limit value={query.limit} onChange={(n) => put({ limit: n })} />}
      </Row>
    </>
  );
}
