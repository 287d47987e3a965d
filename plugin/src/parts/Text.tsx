import { Input } from '@grafana/ui';
import React, { useId } from 'react';

import { Item } from './Item';
import { useDraft } from './useDraft';

interface Props {
  label: string;
  hint?: string;
  value: string;
  placeholder?: string;
  width?: number;
  number?: boolean;
  onChange: (value: string) => void;
}

/** A text that asks nothing until its writer leaves it or presses Enter. */
export function TextBox({ label, hint, value, placeholder, width = 16, number, onChange }: Props) {
  const id = useId();
  const { draft, type, put } = useDraft(value, onChange);
  return (
    <Item label={label} hint={hint} htmlFor={id}>
      <Input
        id={id}
        width={width}
        type={number ? 'number' : 'text'}
        min={number ? 1 : undefined}
        value={draft}
        placeholder={placeholder}
        spellCheck={false}
        onChange={(e) => type(e.currentTarget.value)}
        onBlur={put}
        onKeyDown={(e) => e.key === 'Enter' && put()}
      />
    </Item>
  );
}

/** The most rows or lines; empty: as many as the data source takes. */
export function Limit({ value, placeholder = 'all', onChange }: { value?: number; placeholder?: string; onChange: (n?: number) => void }) {
  return (
    <TextBox
      label="At most"
      number
      width={10}
      value={value ? String(value) : ''}
      placeholder={placeholder}
      onChange={(v) => onChange(v === '' ? undefined : Math.max(1, Math.round(Number(v)) || 1))}
    />
  );
}
