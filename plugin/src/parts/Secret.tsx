import { Field, SecretInput, SecretTextArea } from '@grafana/ui';
import React, { useId } from 'react';

interface Props {
  label: string;
  description?: string;
  placeholder?: string;
  /** Grafana keeps one; it is not shown. */
  kept: boolean;
  value: string;
  lines?: number;
  onChange: (value: string) => void;
  onReset: () => void;
}

/** A secret: written once, kept encrypted, never shown again. */
export function Secret({ label, description, placeholder, kept, value, lines, onChange, onReset }: Props) {
  const id = useId();
  const common = { id, value, placeholder, isConfigured: kept, onReset };
  return (
    <Field label={label} description={description} htmlFor={id}>
      {lines ? (
        <SecretTextArea {...common} rows={lines} cols={64} onChange={(e) => onChange(e.currentTarget.value)} />
      ) : (
        <SecretInput {...common} width={64} autoComplete="new-password" onChange={(e) => onChange(e.currentTarget.value)} />
      )}
    </Field>
  );
}
