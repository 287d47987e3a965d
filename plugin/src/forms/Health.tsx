import React from 'react';

import { Radio } from '../parts/Choice';
import { Row } from '../parts/Item';
import { Several } from '../parts/Several';
import { Limit } from '../parts/Text';
import { Where } from '../parts/Where';
import { type HealthQuery } from '../query/types';
import { type Form } from './form';

const shapes = [
  { value: 'table', label: 'Table', description: 'Each with evidence and advice, the most urgent first' },
  { value: 'needing', label: 'How many', description: 'As many as the table has rows, for a stat panel or an alert rule' },
  { value: 'count', label: 'By state', description: 'Hosts and GPUs of each state; those of a silent host are each counted' },
] as const;

const kinds = [
  { value: '', label: 'GPUs and hosts' },
  { value: 'gpu', label: 'GPUs' },
  { value: 'host', label: 'Hosts' },
] as const;

const states = [
  { value: 'failed', label: 'Failed', description: 'It does no work, or wrong work' },
  { value: 'degraded', label: 'Degraded', description: 'It works worse than it should' },
  { value: 'unknown', label: 'Unknown', description: 'Nothing is heard of it' },
  { value: 'watch', label: 'Watch', description: 'Nothing to do yet' },
];

export function Health({ datasource, query, onChange }: Form<HealthQuery>) {
  const put = (part: Partial<HealthQuery>) => onChange({ ...query, ...part });
  const shape = query.shape ?? 'table';
  return (
    <>
      <Row>
        <Radio label="As" options={shapes} value={shape} onChange={(v) => put({ shape: v })} />
        <Radio<'' | 'gpu' | 'host'> label="Of" options={kinds} value={query.kind ?? ''} onChange={(v) => put({ kind: v || undefined })} />
        <Several label="In state" options={states} value={query.states ?? []} placeholder="any that needs a person" width={36} onChange={(v) => put({ states: v })} />
      </Row>
      <Row>
        <Where datasource={datasource} value={query} down={['hall', 'rack', 'host']} onChange={onChange} />
        {shape === 'table' && <Limit value={query.limit} onChange={(n) => put({ limit: n })} />}
      </Row>
    </>
  );
}
