import { css } from '@emotion/css';
import { Button, Field, IconButton, Input, Stack } from '@grafana/ui';
import React, { useId, useState } from 'react';

import { Secret } from '../parts/Secret';
import { type Aggregator, type Settings, aggregatorsOf, tokenOf, withAggregators, withSecret, withoutSecret, wrongWith } from './settings';

interface Props {
  settings: Settings;
  onChange: (s: Settings) => void;
}

/** Where the aggregators are: one for each site, or a hub that knows all. */
export function Aggregators({ settings, onChange }: Props) {
  const list = aggregatorsOf(settings);
  const put = (i: number, a: Aggregator) => onChange(withAggregators(settings, list.map((b, j) => (i === j ? a : b))));
  return (
    <>
      {list.map((a, i) => (
        <One
          key={i}
          number={i + 1}
          several={list.length > 1}
          aggregator={a}
          wrong={wrongWith(a, list)}
          settings={settings}
          onChange={(next) => put(i, next)}
          onSettings={onChange}
          onRemove={() => onChange(withAggregators(settings, list.filter((_, j) => i !== j)))}
        />
      ))}
      <Button
        variant="secondary"
        icon="plus"
        size="sm"
        onClick={() => onChange(withAggregators(settings, [...list, { name: '', url: '' }]))}
      >
        Add an aggregator
      </Button>
    </>
  );
}

interface OneProps {
  number: number;
  several: boolean;
  aggregator: Aggregator;
  wrong?: string;
  settings: Settings;
  onChange: (a: Aggregator) => void;
  onSettings: (s: Settings) => void;
  onRemove: () => void;
}

function One({ number, several, aggregator, wrong, settings, onChange, onSettings, onRemove }: OneProps) {
  const id = useId();
  // A new row is not scolded before its writer has left it.
  const [left, setLeft] = useState(aggregator.url !== '');
  const key = tokenOf(aggregator);
  return (
    <div role="group" aria-label={`Aggregator ${number}`}>
      <Stack direction="row" gap={2} alignItems="flex-start" wrap="wrap">
        <Field
          label="Address"
          description={number === 1 ? 'As Grafana’s server reaches it, not your browser.' : undefined}
          htmlFor={`${id}-url`}
          required
          invalid={left && wrong !== undefined}
          error={left ? wrong : undefined}
        >
          <Input
            id={`${id}-url`}
            width={several ? 46 : 64}
            value={aggregator.url}
            placeholder="https://gigawatch.example:8600"
            spellCheck={false}
            onBlur={() => setLeft(true)}
            onChange={(e) => onChange({ ...aggregator, url: e.currentTarget.value })}
          />
        </Field>
        {several && (
          <Field label="Name" description={number === 1 ? 'As messages call it; needed for a token of its own.' : undefined} htmlFor={`${id}-name`}>
            <Input
              id={`${id}-name`}
              width={40}
              value={aggregator.name}
              placeholder="host and port"
              spellCheck={false}
              onChange={(e) => onChange({ ...aggregator, name: e.currentTarget.value })}
            />
          </Field>
        )}
        {several && (
          <div className={css({ marginTop: number === 1 ? 46 : 30 })}>
            <IconButton name="trash-alt" tooltip={`Remove aggregator ${number}`} aria-label={`Remove aggregator ${number}`} onClick={onRemove} />
          </div>
        )}
      </Stack>
      {several && aggregator.name !== '' && (
        <Secret
          label={`Token of ${aggregator.name}`}
          placeholder="the token below, unless another is written here"
          kept={settings.secureJsonFields?.[key] ?? false}
          value={settings.secureJsonData?.[key] ?? ''}
          onChange={(v) => onSettings(withSecret(settings, key, v))}
          onReset={() => onSettings(withoutSecret(settings, key))}
        />
      )}
    </div>
  );
}
