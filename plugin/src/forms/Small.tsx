import React from 'react';

import { Choice, Radio } from '../parts/Choice';
import { Row } from '../parts/Item';
import { Ladder } from '../parts/Ladder';
import { levelPictures } from '../parts/pictures';
import { Several } from '../parts/Several';
import { Limit } from '../parts/Text';
import { Where } from '../parts/Where';
import {
  type AlertsQuery,
  type AnnotationsQuery,
  type Boundary,
  type CountsQuery,
  type LiveQuery,
  type MapQuery,
  type ReportQuery,
  type TreeQuery,
  boundaries,
} from '../query/types';
import { boundaryWords, levelWords, whyNot } from '../query/words';
import { type Form } from './form';

// Builders of the questions that need little.

const mapValues = [
  { value: 'power', label: 'Power' },
  { value: 'temperature', label: 'Hottest GPU' },
  { value: 'utilization', label: 'Utilization of the GPUs' },
  { value: 'gpus_not_ok', label: 'GPUs that are not well' },
  { value: 'hosts_silent', label: 'Hosts that are silent' },
] as const;

const mapShapes = [
  { value: 'table', label: 'Table' },
  { value: 'tiles', label: 'Tiles', description: 'With what stands on the tile of each rack, where there are few' },
] as const;

export function RackMap({ datasource, query, onChange }: Form<MapQuery>) {
  return (
    <Row>
      <Choice label="Colour racks by" options={mapValues} value={query.value ?? 'power'} width={30} onChange={(v) => onChange({ ...query, value: v })} />
      <Radio label="As" options={mapShapes} value={query.shape ?? 'table'} onChange={(v) => onChange({ ...query, shape: v, words: undefined })} />
      <Where datasource={datasource} value={query} down={['hall']} onChange={onChange} />
    </Row>
  );
}

export function Live({ datasource, query, onChange }: Form<LiveQuery>) {
  const by = query.by ?? 'site';
  return (
    <Row>
      <Ladder
        label="One line for each"
        rungs={(['site', 'hall', 'rack'] as const).map((l) => ({ value: l, label: levelWords[l].label, title: levelWords[l].title, picture: levelPictures[l] }))}
        value={by}
        onChange={(v) => onChange({ ...query, by: v, boundary: query.boundary && whyNot(v, query.boundary, 'power') ? undefined : query.boundary })}
      />
      <Choice<'' | Boundary>
        label="Measured at"
        options={[
          { value: '', label: by === 'site' ? 'All that are measured' : 'The outermost that each has' },
          ...boundaries.filter((b) => !whyNot(by, b, 'power')).map((b) => ({ value: b, label: boundaryWords[b].label, description: boundaryWords[b].title })),
        ]}
        value={query.boundary ?? ''}
        width={28}
        onChange={(v) => onChange({ ...query, boundary: v || undefined })}
      />
      <Where datasource={datasource} value={query} onChange={onChange} />
    </Row>
  );
}

const events = [
  { value: 'health', label: 'Health', description: 'A GPU or host began to need a person' },
  { value: 'meter', label: 'Meters', description: 'A meter fell silent, stuck or was set aside' },
  { value: 'restatement', label: 'Corrections', description: 'A figure of the past was restated' },
];

export function Events({ datasource, query, onChange }: Form<AnnotationsQuery>) {
  return (
    <Row>
      <Several label="Events" options={events} value={query.what ?? []} placeholder="all" width={36} onChange={(v) => onChange({ ...query, what: v })} />
      <Where datasource={datasource} value={query} down={['host']} onChange={onChange} />
      <Limit value={query.limit} onChange={(n) => onChange({ ...query, limit: n })} />
    </Row>
  );
}

const countShapes = [
  { value: 'numbers', label: 'Numbers' },
  { value: 'table', label: 'A row a site', description: 'With where it stands and what it draws, for a table or a map' },
] as const;

export function Counts({ datasource, query, onChange }: Form<CountsQuery>) {
  return (
    <Row>
      <Radio label="As" options={countShapes} value={query.shape ?? 'numbers'} onChange={(v) => onChange({ ...query, shape: v })} />
      <Where datasource={datasource} value={query} onChange={onChange} />
    </Row>
  );
}

const reportShapes = [
  { value: 'figures', label: 'Figures', description: 'Each with whether it is ready, and what it lacks' },
  { value: 'issues', label: 'What is to be done', description: 'Rules that the report breaks, and how to mend it' },
  { value: 'steps', label: 'How far it has come', description: 'A row a year: draft, validated, locked, approved, submitted' },
  { value: 'open', label: 'How many', description: 'Numbers, for a stat panel or an alert rule' },
] as const;

export function Report({ datasource, query, onChange }: Form<ReportQuery>) {
  return (
    <Row>
      <Radio label="Show" options={reportShapes} value={query.shape ?? 'figures'} onChange={(v) => onChange({ ...query, shape: v })} />
      <Where datasource={datasource} value={query} onChange={onChange} />
    </Row>
  );
}

const stages = [
  { value: 'facility', label: 'Facility', description: 'Grid connection against what it feeds' },
  { value: 'ups', label: 'UPS' },
  { value: 'pdu', label: 'PDU' },
  { value: 'meter', label: 'Each meter' },
  { value: 'rack', label: 'Each rack' },
  { value: 'hosts', label: 'All hosts' },
  { value: 'host', label: 'Each host' },
  { value: 'gpus', label: 'All GPUs' },
];

const findings = [
  { value: 'lacking', label: 'Lacking', description: 'Less stands below than expected: something is not metered' },
  { value: 'exceeds', label: 'Exceeds', description: 'More stands below than above: a meter is wrong' },
  { value: 'unknown', label: 'Unknown', description: 'One side is not known' },
  { value: 'ok', label: 'OK' },
];

const treeShapes = [
  { value: 'table', label: 'Table' },
  { value: 'gap', label: 'Gap in percent', description: 'A number each, for an alert rule' },
] as const;

export function Tree({ datasource, query, onChange }: Form<TreeQuery>) {
  const put = (part: Partial<TreeQuery>) => onChange({ ...query, ...part });
  return (
    <Row>
      <Radio label="As" options={treeShapes} value={query.shape ?? 'table'} onChange={(v) => put({ shape: v })} />
      <Several label="Stages" options={stages} value={query.stages ?? []} placeholder="all" width={32} onChange={(v) => put({ stages: v })} />
      <Several label="Findings" options={findings} value={query.findings ?? []} placeholder="all" width={32} onChange={(v) => put({ findings: v })} />
      <Where datasource={datasource} value={query} onChange={onChange} />
      <Limit value={query.limit} onChange={(n) => put({ limit: n })} />
    </Row>
  );
}

const alertStates = [
  { value: '', label: 'Both' },
  { value: 'firing', label: 'Firing' },
  { value: 'pending', label: 'Waiting' },
] as const;

const alertShapes = [
  { value: 'table', label: 'Table' },
  { value: 'count', label: 'How many' },
] as const;

export function Alerts({ datasource, query, onChange }: Form<AlertsQuery>) {
  const put = (part: Partial<AlertsQuery>) => onChange({ ...query, ...part });
  return (
    <Row>
      <Radio label="As" options={alertShapes} value={query.shape ?? 'table'} onChange={(v) => put({ shape: v })} />
      <Radio<'' | 'firing' | 'pending'> label="In state" options={alertStates} value={query.state ?? ''} onChange={(v) => put({ state: v || undefined })} />
      <Where datasource={datasource} value={query} onChange={onChange} />
      <Limit value={query.limit} onChange={(n) => put({ limit: n })} />
    </Row>
  );
}
