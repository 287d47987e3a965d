import { Field, Input, Stack } from '@grafana/ui';
import React from 'react';

import { type Settings, withOption } from './settings';

interface Props {
  settings: Settings;
  onChange: (s: Settings) => void;
}

/** A whole number, or nothing where the field is empty. */
const number = (text: string): number | undefined => (text.trim() === '' ? undefined : Number(text));

/** What questions mean where they do not say it, and how long one may take. */
export function Reading({ settings, onChange }: Props) {
  const { defaultSite, timeoutSeconds } = settings.jsonData;
  const wrong = timeoutSeconds !== undefined && !(timeoutSeconds >= 1 && timeoutSeconds <= 300);
  return (
    <>
      <Field
        label="Default site"
        description="The site that is meant where a query names none. Leave it empty if there is only one."
        htmlFor="gw-default-site"
      >
        <Input
          id="gw-default-site"
          width={32}
          value={defaultSite ?? ''}
          placeholder="the only one"
          spellCheck={false}
          onChange={(e) => onChange(withOption(settings, 'defaultSite', e.currentTarget.value || undefined))}
        />
      </Field>
      <Field
        label="Timeout"
        description="How long an aggregator may take for one answer."
        htmlFor="gw-timeout"
        invalid={wrong}
        error={wrong ? 'Write a number from 1 to 300' : undefined}
      >
        <Input
          id="gw-timeout"
          width={16}
          type="number"
          min={1}
          max={300}
          suffix="s"
          value={timeoutSeconds ?? ''}
          placeholder="30"
          onChange={(e) => onChange(withOption(settings, 'timeoutSeconds', number(e.currentTarget.value)))}
        />
      </Field>
    </>
  );
}

const bounds = [
  { key: 'series', label: 'Series', placeholder: '1000', most: 10_000, about: 'lines in one panel' },
  { key: 'points', label: 'Points', placeholder: '11000', most: 11_000, about: 'in one series' },
  { key: 'rows', label: 'Rows', placeholder: '5000', most: 100_000, about: 'in one table' },
  { key: 'streams', label: 'Live streams', placeholder: '20', most: 100, about: 'at once' },
] as const;

/** The most that one answer may hold. What is cut, the panel says. */
export function Limits({ settings, onChange }: Props) {
  const limits = settings.jsonData.limits ?? {};
  return (
    <Stack direction="row" gap={3} wrap="wrap">
      {bounds.map((b) => (
        <Field key={b.key} label={b.label} description={`${b.about}; up to ${b.most.toLocaleString('en')}`} htmlFor={`gw-${b.key}`}>
          <Input
            id={`gw-${b.key}`}
            width={16}
            type="number"
            min={1}
            max={b.most}
            value={limits[b.key] ?? ''}
            placeholder={b.placeholder}
            onChange={(e) => onChange(withOption(settings, 'limits', { ...limits, [b.key]: number(e.currentTarget.value) }))}
          />
        </Field>
      ))}
    </Stack>
  );
}
