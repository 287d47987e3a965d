import { Field, Input } from '@grafana/ui';
import React from 'react';

import { Secret } from '../parts/Secret';
import { type Settings, withOption, withSecret, withoutSecret } from './settings';

interface Props {
  settings: Settings;
  onChange: (s: Settings) => void;
}

const parts = [
  {
    key: 'tlsCACert',
    label: 'CA certificate',
    description: 'Whose word is taken for the aggregator’s certificate. Needed where your own authority signed it.',
    placeholder: '-----BEGIN CERTIFICATE-----',
  },
  {
    key: 'tlsClientCert',
    label: 'Client certificate',
    description: 'Where the aggregator asks who calls (mTLS). With its key below.',
    placeholder: '-----BEGIN CERTIFICATE-----',
  },
  {
    key: 'tlsClientKey',
    label: 'Client key',
    description: undefined,
    placeholder: '-----BEGIN PRIVATE KEY-----',
  },
];

/** What TLS needs beside the address. All of it is kept encrypted. */
export function Certificates({ settings, onChange }: Props) {
  return (
    <>
      {parts.map((p) => (
        <Secret
          key={p.key}
          label={p.label}
          description={p.description}
          placeholder={p.placeholder}
          lines={4}
          kept={settings.secureJsonFields?.[p.key] ?? false}
          value={settings.secureJsonData?.[p.key] ?? ''}
          onChange={(v) => onChange(withSecret(settings, p.key, v))}
          onReset={() => onChange(withoutSecret(settings, p.key))}
        />
      ))}
      <Field
        label="Server name"
        description="The name in the aggregator’s certificate, where it is not the one in the address."
        htmlFor="gw-server-name"
      >
        <Input
          id="gw-server-name"
          width={64}
          value={settings.jsonData.tlsServerName ?? ''}
          placeholder="as in the address"
          onChange={(e) => onChange(withOption(settings, 'tlsServerName', e.currentTarget.value || undefined))}
        />
      </Field>
    </>
  );
}
