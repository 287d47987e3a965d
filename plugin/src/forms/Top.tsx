import { type MetricFindValue } from '@grafana/data';
import React, { useEffect, useState } from 'react';

import { Choice, type Option, Radio } from '../parts/Choice';
import { Row } from '../parts/Item';
import { Ladder } from '../parts/Ladder';
import { levelPictures } from '../parts/pictures';
import { Limit, TextBox } from '../parts/Text';
import { Where } from '../parts/Where';
import { type TopQuery } from '../query/types';
import { levelWords } from '../query/words';
import { type Form } from './form';

type Of = NonNullable<TopQuery['of']>;

/** What people ask for most, of each. */
const usual: Record<Of, Array<Option<string>>> = {
  gpu: [
    { value: 'gpu_power_watts', label: 'Power' },
    { value: 'gpu_temperature_celsius', label: 'Temperature of the die' },
    { value: 'gpu_memory_temperature_celsius', label: 'Temperature of the memory' },
    { value: 'gpu_utilization_ratio', label: 'Utilization' },
    { value: 'gpu_memory_used_bytes', label: 'Memory in use' },
  ],
  host: [
    { value: 'host_power_watts', label: 'Power' },
    { value: 'host_cpu_usage_ratio', label: 'Processor in use' },
    { value: 'host_memory_used_bytes', label: 'Memory in use' },
  ],
  rack: [{ value: 'power', label: 'Power' }],
  hall: [{ value: 'power', label: 'Power' }],
  sensor: [{ value: 'agent_source_failures_total', label: 'Failures' }],
};

/** A counter is ranked by what it rose, in so much time. */
const counts = (metric?: string) => Boolean(metric?.endsWith('_total'));

const lanes = [
  { value: '', label: 'Both' },
  { value: 'ledger', label: 'Ledger' },
  { value: 'telemetry', label: 'Telemetry' },
] as const;

const orders = [
  { value: 'desc', label: 'Highest first' },
  { value: 'asc', label: 'Lowest first' },
] as const;

export function Top({ datasource, query, onChange }: Form<TopQuery>) {
  const put = (part: Partial<TopQuery>) => onChange({ ...query, ...part });
  const of = query.of ?? 'gpu';
  const more = useMetrics(datasource, of);
  const down = ({ gpu: ['hall', 'rack', 'host'], host: ['hall', 'rack'], rack: ['hall'], hall: [], sensor: ['hall', 'rack', 'host'] } as const)[of];
  const putOf = (next: Of) => {
    const q: TopQuery = { ...query, of: next };
    (['metric', 'lane', 'over'] as const).forEach((k) => delete q[k]);
    if (next === 'sensor') {
      put({ ...q, metric: usual.sensor[0].value, over: '15m' });
      return;
    }
    (['hall', 'rack', 'host'] as const).forEach((k) => !(['hall', 'rack', 'host'] as const).slice(0, ['hall', 'rack', 'host', 'gpu'].indexOf(next)).includes(k) && delete q[k]);
    onChange(q);
  };
  const metric = query.metric ?? usual[of][0].value;
  return (
    <>
      <Row>
        <Ladder<Of>
          label="Which"
          rungs={[
            ...(['hall', 'rack', 'host', 'gpu'] as const).map((l) => ({ value: l, label: levelWords[l].label, title: levelWords[l].many, picture: levelPictures[l] })),
            { value: 'sensor' as const, label: 'Source', title: 'Sources that agents read', picture: levelPictures.host },
          ]}
          value={of}
          onChange={putOf}
        />
        <Choice label="By" options={[...usual[of], ...more.filter((m) => !usual[of].some((u) => u.value === m.value))]} value={metric} width={40} onChange={(v) => put({ metric: v, lane: undefined, over: counts(v) ? (query.over ?? '15m') : undefined })} />
        {counts(metric) && <TextBox label="Risen in" hint="Whole minutes, at most an hour" width={10} value={query.over ?? ''} placeholder="15m" onChange={(v) => put({ over: v || '15m' })} />}
        {metric.startsWith('agent_spool') && <Radio<'' | 'ledger' | 'telemetry'> label="Lane" options={lanes} value={query.lane ?? ''} onChange={(v) => put({ lane: v || undefined })} />}
        <Radio label="Order" options={orders} value={query.order ?? 'desc'} onChange={(v) => put({ order: v })} />
        <Limit value={query.limit} placeholder="10" onChange={(n) => put({ limit: n })} />
      </Row>
      <Row>
        <Where datasource={datasource} value={query} down={down} onChange={onChange} />
      </Row>
    </>
  );
}

/** Further metrics of what is ranked; none while they are not known. */
function useMetrics(datasource: Form<TopQuery>['datasource'], of: Of): Array<Option<string>> {
  const [known, setKnown] = useState<{ of?: Of; list: Array<Option<string>> }>({ list: [] });
  useEffect(() => {
    let gone = false;
    if (of === 'gpu' || of === 'host') {
      datasource
        .names('metrics', { of })
        .then((all: Array<MetricFindValue & { title?: string }>) => {
          const list = all.map((m) => ({ value: String(m.value ?? m.text), label: m.title ?? m.text, description: m.text }));
          return !gone && setKnown({ of, list });
        })
        .catch(() => undefined); // the usual ones stay
    }
    return () => {
      gone = true;
    };
  }, [datasource, of]);
  return known.of === of ? known.list : [];
}
