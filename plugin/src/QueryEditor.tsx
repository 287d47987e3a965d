import { type QueryEditorProps } from '@grafana/data';
import { Button, Combobox, Icon, Stack, Text } from '@grafana/ui';
import React, { useId } from 'react';

import { type Options } from './config/settings';
import { type DataSource } from './datasource';
import { Code } from './forms/Code';
import { Figures } from './forms/Figures';
import { Health } from './forms/Health';
import { Power } from './forms/Power';
import { Prom } from './forms/Prom';
import { Alerts, Counts, Events, Live, Report, RackMap, Tree } from './forms/Small';
import { Top } from './forms/Top';
import { type Form } from './forms/form';
import { Radio } from './parts/Choice';
import { Item, Row } from './parts/Item';
import { asBuilder, asCode, hintsOf } from './query/hints';
import { asKind, clean, describe, kinds } from './query/kinds';
import { migrate } from './query/migrate';
import { type Kind, type Query } from './query/types';

type Props = QueryEditorProps<DataSource, Query, Options>;

const modes = [
  { value: 'builder', label: 'Builder' },
  { value: 'code', label: 'Code', description: 'The same question as one line' },
] as const;

const picks = kinds.map((k) => ({ value: k.kind, label: k.label, description: k.description, icon: k.icon }));

export function QueryEditor({ datasource, query, range, onChange, onRunQuery }: Props) {
  const id = useId();
  const q = migrate(query);
  const put = (next: Query) => {
    onChange(clean(next));
    onRunQuery();
  };
  const mode = q.editorMode ?? 'builder';
  const hints = hintsOf(q, range);
  return (
    <Stack direction="column" gap={1.5}>
      <Row>
        <Item label="Question" htmlFor={id}>
          <Combobox<Kind>
            id={id}
            options={picks}
            value={q.queryType}
            prefixIcon={describe(q.queryType).icon}
            width={34}
            onChange={(o) => put(asKind(q, o.value))}
          />
        </Item>
        {q.queryType !== 'promql' && (
          <Radio label="Ask by" options={modes} value={mode} onChange={(m) => put(m === 'code' ? asCode(q) : asBuilder(q))} />
        )}
      </Row>
      {mode === 'code' && q.queryType !== 'promql' ? (
        <Code query={q} onChange={put} />
      ) : (
        <Builder datasource={datasource} query={q} onChange={put} />
      )}
      {hints.map((h) => (
        <Stack key={h.text} direction="row" gap={1} alignItems="center" wrap="wrap">
          <Icon name="info-circle" aria-hidden />
          <Text variant="bodySmall" color="secondary">
            <span role="status">{h.text}</span>
          </Text>
          {h.fix && (
            <Button size="sm" variant="secondary" fill="outline" onClick={() => h.fix && put(h.fix.query)}>
              {h.fix.label}
            </Button>
          )}
        </Stack>
      ))}
    </Stack>
  );
}

function Builder(props: Form<Query>) {
  const { datasource, query, onChange } = props;
  const rest = { datasource, onChange };
  switch (query.queryType) {
    case 'power_energy':
      return <Power {...rest} query={query} />;
    case 'kpi':
      return <Figures {...rest} query={query} />;
    case 'health':
      return <Health {...rest} query={query} />;
    case 'top':
      return <Top {...rest} query={query} />;
    case 'map':
      return <RackMap {...rest} query={query} />;
    case 'live':
      return <Live {...rest} query={query} />;
    case 'reconciliation':
      return <Tree {...rest} query={query} />;
    case 'alerts':
      return <Alerts {...rest} query={query} />;
    case 'promql':
      return <Prom {...rest} query={query} />;
    case 'annotations':
      return <Events {...rest} query={query} />;
    case 'counts':
      return <Counts {...rest} query={query} />;
    case 'report_status':
      return <Report {...rest} query={query} />;
    default:
      return null;
  }
}
