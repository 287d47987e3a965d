import React from 'react';

import { type DataSource } from '../datasource';
import { type Place } from '../query/types';
import { Names } from './Names';

type At = Place & { site?: string };

interface Props<T extends At> {
  datasource: DataSource;
  value: T;
  /** Which of the places can be narrowed down to, outer to inner. */
  down?: ReadonlyArray<keyof Place>;
  onChange: (value: T) => void;
}

const words: Record<keyof Place, { label: string; of: string }> = {
  hall: { label: 'Hall', of: 'halls' },
  rack: { label: 'Rack', of: 'racks' },
  host: { label: 'Host', of: 'hosts' },
  gpu: { label: 'GPU', of: 'gpus' },
  job: { label: 'Job', of: 'jobs' },
  tenant: { label: 'Tenant', of: 'tenants' },
};

const inner: Array<keyof Place> = ['hall', 'rack', 'host', 'gpu'];

/** Where: the site, and as far down as the question goes. */
export function Where<T extends At>({ datasource, value, down = [], onChange }: Props<T>) {
  const put = (key: keyof At, name: string | undefined) => {
    const next: At = { ...value, [key]: name };
    // Another site or hall has other racks; a variable may follow by itself.
    const from = key === 'site' ? 0 : inner.indexOf(key as keyof Place) + 1;
    if (key === 'site' || from > 0) {
      inner.slice(from).forEach((k) => !next[k]?.startsWith('$') && delete next[k]);
    }
    onChange(next as T);
  };
  return (
    <>
      <Names
        datasource={datasource}
        label="Site"
        of="sites"
        value={value.site}
        placeholder={datasource.defaultSite ?? 'the only one'}
        extra={[{ value: '*', label: 'All sites' }]}
        onChange={(v) => put('site', v)}
      />
      {down.map((k) => (
        <Names
          key={k}
          datasource={datasource}
          label={words[k].label}
          of={words[k].of}
          where={{ site: value.site, ...Object.fromEntries(inner.slice(0, Math.max(0, inner.indexOf(k))).map((o) => [o, value[o]])) }}
          value={value[k]}
          onChange={(v) => put(k, v)}
        />
      ))}
    </>
  );
}
