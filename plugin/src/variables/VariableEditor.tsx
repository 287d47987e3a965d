import { type QueryEditorProps } from '@grafana/data';
import { Stack } from '@grafana/ui';
import React from 'react';

import { type Options } from '../config/settings';
import { type DataSource } from '../datasource';
import { Choice } from '../parts/Choice';
import { Row } from '../parts/Item';
import { Names } from '../parts/Names';
import { TextBox } from '../parts/Text';
import { Where } from '../parts/Where';
import { type Place, type Query } from '../query/types';
import { type VariableQuery, migrateVariable } from './fill';

type Props = QueryEditorProps<DataSource, Query, Options, VariableQuery>;

const options = [
  { value: 'site', label: 'Sites' },
  { value: 'hall', label: 'Halls' },
  { value: 'rack', label: 'Racks' },
  { value: 'host', label: 'Hosts' },
  { value: 'gpu', label: 'GPUs', description: 'By UUID, shown as host and number' },
  { value: 'job', label: 'Jobs' },
  { value: 'tenant', label: 'Tenants' },
  { value: 'meter', label: 'Meters' },
  { value: 'metric', label: 'Metrics', description: 'Names of the catalogue' },
  { value: 'label', label: 'Values of a label' },
] as const;

const down: Record<string, Array<keyof Place>> = {
  rack: ['hall'],
  host: ['hall', 'rack'],
  gpu: ['hall', 'rack', 'host'],
};

/** What a dashboard's variable is the list of. */
export function VariableEditor({ datasource, query, onChange }: Props) {
  const q = migrateVariable(query);
  const of = q.of ?? 'site';
  const put = (part: Partial<VariableQuery>) => {
    const next = { ...q, ...part };
    onChange(Object.fromEntries(Object.entries(next).filter(([, v]) => v !== undefined && v !== '')) as unknown as VariableQuery);
  };
  const putOf = (next: (typeof options)[number]['value']) => {
    const kept = next === 'site' || next === 'metric' ? [] : ['site', ...(down[next] ?? [])];
    put({ of: next, label: undefined, ...Object.fromEntries(['site', 'hall', 'rack', 'host'].filter((k) => !kept.includes(k)).map((k) => [k, undefined])) });
  };
  return (
    <Stack direction="column" gap={1}>
      <Row>
        <Choice label="List of" options={options} value={of} width={28} onChange={putOf} />
        {of === 'label' && (
          <Names datasource={datasource} label="Label" of="tag-keys" value={q.label} placeholder="choose one" onChange={(v) => put({ label: v })} />
        )}
        {of !== 'site' && of !== 'metric' && <Where datasource={datasource} value={q} down={down[of]} onChange={(v) => put(v)} />}
        <TextBox label="Whose name holds" value={q.match ?? ''} placeholder="anything" width={18} onChange={(v) => put({ match: v.trim() || undefined })} />
      </Row>
    </Stack>
  );
}
