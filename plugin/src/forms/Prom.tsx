import { TextArea } from '@grafana/ui';
import React, { useId } from 'react';

import { Radio } from '../parts/Choice';
import { Item, Row } from '../parts/Item';
import { Limit, TextBox } from '../parts/Text';
import { Where } from '../parts/Where';
import { useDraft } from '../parts/useDraft';
import { type PromQuery } from '../query/types';
import { type Form } from './form';

const modes = [
  { value: 'range', label: 'Over time' },
  { value: 'instant', label: 'Now', description: 'At the end of the time range' },
] as const;

const formats = [
  { value: 'series', label: 'Values' },
  { value: 'table', label: 'Table' },
] as const;

export function Prom({ datasource, query, onChange }: Form<PromQuery>) {
  const put = (part: Partial<PromQuery>) => onChange({ ...query, ...part });
  return (
    <>
      <Expression value={query.expr ?? ''} onChange={(expr) => put({ expr })} />
      <Row>
        <Radio label="As" options={modes} value={query.mode ?? 'range'} onChange={(v) => put({ mode: v, format: v === 'range' ? undefined : query.format })} />
        {query.mode === 'instant' && <Radio label="Format" options={formats} value={query.format ?? 'series'} onChange={(v) => put({ format: v })} />}
        <TextBox label="Legend" hint="{{host}} becomes the host's name. Empty: by what tells the lines apart." value={query.legend ?? ''} placeholder="by labels" width={20} onChange={(v) => put({ legend: v })} />
        <TextBox label="Least step" value={query.step ?? ''} placeholder="by width" width={12} onChange={(v) => put({ step: v })} />
        <TextBox label="Unit" hint="As Grafana names it, such as watt, celsius or percentunit. Empty: the metric's own." value={query.unit ?? ''} placeholder="of the metric" width={16} onChange={(v) => put({ unit: v })} />
        <Where datasource={datasource} value={query} onChange={onChange} />
        <Limit value={query.limit} onChange={(n) => put({ limit: n })} />
      </Row>
    </>
  );
}

function Expression({ value, onChange }: { value: string; onChange: (expr: string) => void }) {
  const id = useId();
  const { draft, type, put } = useDraft(value, onChange);
  return (
    <Item label="Expression" hint="$__interval, $__rate_interval and $__range are known, in alert rules too. Shift+Enter asks." htmlFor={id}>
      <TextArea
        id={id}
        rows={2}
        value={draft}
        placeholder="sum by (hall) (gpu_power_watts)"
        spellCheck={false}
        style={{ fontFamily: 'monospace' }}
        onChange={(e) => type(e.currentTarget.value)}
        onBlur={put}
        onKeyDown={(e) => {
          if (e.key === 'Enter' && e.shiftKey) {
            e.preventDefault();
            put();
          }
        }}
      />
    </Item>
  );
}
