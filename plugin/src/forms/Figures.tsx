import React from 'react';

import { Choice, Radio } from '../parts/Choice';
import { Row } from '../parts/Item';
import { Several } from '../parts/Several';
import { TextBox } from '../parts/Text';
import { Where } from '../parts/Where';
import { type KPIQuery } from '../query/types';
import { figures } from '../query/words';
import { type Form } from './form';

const shapes = [
  { value: 'value', label: 'One number', description: 'For a stat panel or an alert rule' },
  { value: 'series', label: 'Over time' },
  { value: 'table', label: 'Table', description: 'With coverage, quality, method and inputs' },
] as const;

const periods = [
  { value: 'range', label: 'Time range' },
  { value: 'today', label: 'Today', description: 'Since the site’s midnight' },
] as const;

const steps = [
  { value: '', label: 'By the panel’s width' },
  { value: '1h', label: 'Hour' },
  { value: 'day', label: 'Day' },
  { value: 'month', label: 'Month' },
  { value: 'year', label: 'Year' },
] as const;

const categories = [
  { value: '0', label: 'Outermost that is metered' },
  { value: '1', label: '1 · UPS output' },
  { value: '2', label: '2 · PDU output' },
  { value: '3', label: '3 · IT input' },
] as const;

export function Figures({ datasource, query, onChange }: Form<KPIQuery>) {
  const put = (part: Partial<KPIQuery>) => onChange({ ...query, ...part });
  const kpis = query.kpis ?? [];
  const shape = query.shape ?? 'value';
  const onlyPUE = kpis.length === 0 || (kpis.length === 1 && kpis[0] === 'pue');
  return (
    <>
      <Row>
        <Several
          label="Figures"
          options={figures}
          value={kpis}
          placeholder="PUE"
          width={48}
          onChange={(v) => put({ kpis: v, part: v.length === 0 || (v.length === 1 && v[0] === 'pue') ? query.part : undefined })}
        />
        <Radio label="As" options={shapes} value={shape} onChange={(v) => put({ shape: v, period: v === 'series' ? undefined : query.period })} />
        {shape !== 'series' && (
          <Radio label="Of" options={periods} value={query.period ?? 'range'} onChange={(v) => put({ period: v, step: v === 'today' ? undefined : query.step })} />
        )}
        {shape !== 'value' && query.period !== 'today' && (
          <Choice label="Step" hint="By the site’s midnight. PUE of less than a day says little." options={steps} value={query.step ?? ''} width={24} onChange={(v) => put({ step: v })} />
        )}
      </Row>
      <Row>
        <Where datasource={datasource} value={query} onChange={onChange} />
        <Choice
          label="IT energy at"
          hint="The category of ISO/IEC 30134-2: where IT energy is metered. PUE of different categories cannot be compared."
          options={categories}
          value={String(query.category ?? 0)}
          width={30}
          onChange={(v) => put({ category: Number(v) || undefined })}
        />
        {onlyPUE && (
          <TextBox label="Part of the site" hint="For its partial PUE (pPUE), as the site’s terms name it." value={query.part ?? ''} placeholder="whole site" width={18} onChange={(v) => put({ part: v.trim() || undefined })} />
        )}
      </Row>
    </>
  );
}
