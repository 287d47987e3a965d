import { type MetricFindValue } from '@grafana/data';
import React, { useEffect, useState } from 'react';

import { Choice, type Option, Radio } from '../parts/Choice';
import { Row } from '../parts/Item';
import { Ladder } from '../parts/Ladder';
import { levelPictures } from '../parts/pictures';
import { Limit } from '../parts/Text';
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
};

const orders = [
  { value: 'desc', label: 'Highest first' },
  { value: 'asc', label: 'Lowest first' },
] as const;

export function Top({ datasource, query, onChange }: Form<TopQuery>) {
  const put = (part: Partial<TopQuery>) => onChange({ ...query, ...part });
  const of = query.of ?? 'gpu';
  const more = useMetrics(datasource, of);
  const down = ({ gpu: ['hall', 'rack', 'host'], host: ['hall', 'rack'], rack: ['hall'], hall: [] } as const)[of];
  const putOf = (next: Of) => {
    const q: TopQuery = { ...query, of: next };
    delete q.metric;
    (['hall', 'rack', 'host'] as const).forEach((k) => !(['hall', 'rack', 'host'] as const).slice(0, ['hall', 'rack', 'host', 'gpu'].indexOf(next)).includes(k) && delete q[k]);
    onChange(q);
  };
  return (
    <>
      <Row>
        <Ladder<Of>
          label="Which"
          rungs={(['hall', 'rack', 'host', 'gpu'] as const).map((l) => ({ value: l, label: levelWords[l].label, title: levelWords[l].many, picture: levelPictures[l] }))}
          value={of}
          onChange={putOf}
        />
        <Choice label="By" options={[...usual[of], ...more.filter((m) => !usual[of].some((u) => u.value === m.value))]} value={query.metric ?? usual[of][0].value} width={40} onChange={(v) => put({ metric: v })} />
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
