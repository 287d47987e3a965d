import { MultiCombobox } from '@grafana/ui';
import React, { useId } from 'react';

import { type Option } from './Choice';
import { Item } from './Item';

interface Props {
  label: string;
  hint?: string;
  options: ReadonlyArray<Option<string>>;
  value: string[];
  placeholder: string;
  width?: number;
  onChange: (value: string[]) => void;
}

/** Some of many words; none means what the placeholder says. */
export function Several({ label, hint, options, value, placeholder, width = 32, onChange }: Props) {
  const id = useId();
  return (
    <Item label={label} hint={hint} htmlFor={id}>
      <MultiCombobox
        id={id}
        options={[...options]}
        value={value}
        placeholder={placeholder}
        width="auto"
        minWidth={width}
        maxWidth={72}
        onChange={(list) => onChange(list.map((o) => o.value))}
      />
    </Item>
  );
}
