import { Combobox, type ComboboxOption, RadioButtonGroup } from '@grafana/ui';
import React, { useId } from 'react';

import { Item } from './Item';

export interface Option<T extends string> {
  value: T;
  label: string;
  description?: string;
}

interface Props<T extends string> {
  label: string;
  hint?: string;
  options: ReadonlyArray<Option<T>>;
  value: T;
  width?: number;
  onChange: (value: T) => void;
}

/** One of a few words, all in sight. */
export function Radio<T extends string>({ label, hint, options, value, onChange }: Props<T>) {
  return (
    <Item label={label} hint={hint}>
      <RadioButtonGroup aria-label={label} size="md" options={[...options]} value={value} onChange={onChange} />
    </Item>
  );
}

/** One of many. A text of one's own, such as $variable, is taken too. */
export function Choice<T extends string>({ label, hint, options, value, width = 32, onChange }: Props<T>) {
  const id = useId();
  const list: Array<ComboboxOption<T>> = options.some((o) => o.value === value) || !value ? [...options] : [...options, { value, label: value }];
  return (
    <Item label={label} hint={hint} htmlFor={id}>
      <Combobox id={id} options={list} value={list.find((o) => o.value === value) ?? null} width={width} createCustomValue onChange={(o) => onChange(o.value)} />
    </Item>
  );
}
