import { type DataSourcePluginOptionsEditorProps } from '@grafana/data';
import { Alert, ControlledCollapse, FieldSet, Text } from '@grafana/ui';
import React from 'react';

import { Secret } from '../parts/Secret';
import { Aggregators } from './Aggregators';
import { Certificates } from './Certificates';
import { Limits, Reading } from './Reading';
import { type Options, type Secrets, type Settings, aggregatorsOf, withSecret, withoutSecret } from './settings';

export function ConfigEditor({ options, onOptionsChange }: DataSourcePluginOptionsEditorProps<Options, Secrets>) {
  const settings: Settings = options;
  const list = aggregatorsOf(settings);
  const token = (settings.secureJsonFields?.token || settings.secureJsonData?.token) ?? false;
  const open = list.filter((a) => a.url.startsWith('http://') && !/^http:\/\/(localhost|127\.|\[::1\])/.test(a.url));
  return (
    <>
      <FieldSet label="Aggregators">
        <Text element="p" color="secondary">
          An aggregator answers for one site, a hub for many. Name one, or all that this data source is to show together.
        </Text>
        <br />
        <Aggregators settings={settings} onChange={onOptionsChange} />
      </FieldSet>

      <FieldSet label="Rights">
        <Secret
          label="Token"
          description="A line of the aggregator’s token file. What the token may read is what every user of this data source sees: make one data source for each group of readers."
          placeholder="none: the aggregator takes none on loopback"
          kept={settings.secureJsonFields?.token ?? false}
          value={settings.secureJsonData?.token ?? ''}
          onChange={(v) => onOptionsChange(withSecret(settings, 'token', v))}
          onReset={() => onOptionsChange(withoutSecret(settings, 'token'))}
        />
        {token && open.length > 0 && (
          <Alert severity="warning" title="The token travels in the open">
            {open.map((a) => a.url).join(', ')} is plain HTTP: whoever listens on the way can read the token. Write https.
          </Alert>
        )}
      </FieldSet>

      <FieldSet label="Questions">
        <Reading settings={settings} onChange={onOptionsChange} />
      </FieldSet>

      <ControlledCollapse label="Certificates" isOpen={hasCertificates(settings)}>
        <Certificates settings={settings} onChange={onOptionsChange} />
      </ControlledCollapse>
      <ControlledCollapse label="Limits" isOpen={false}>
        <Limits settings={settings} onChange={onOptionsChange} />
      </ControlledCollapse>

      <Text element="p" color="secondary">
        Save &amp; test asks each aggregator who it is, which sites it answers for, how fresh they are, whether the clocks agree and
        what the token may read.
      </Text>
      <br />
    </>
  );
}

function hasCertificates(s: Settings): boolean {
  const kept = s.secureJsonFields ?? {};
  return Boolean(kept.tlsCACert || kept.tlsClientCert || kept.tlsClientKey || s.jsonData.tlsServerName);
}
