import { Combobox, type ComboboxOption } from '@grafana/ui';
import React, { useCallback, useId, useState } from 'react';

import { type DataSource } from '../datasource';
import { Item } from './Item';

interface Props {
  datasource: DataSource;
  label: string;
  hint?: string;
  /** The resource that lists them: sites, halls, … */
  of: string;
  /** What they must stand in. */
  where?: Record<string, string | undefined>;
  value?: string;
  placeholder?: string;
  /** Choices beside the names. */
  extra?: Array<ComboboxOption<string>>;
  width?: number;
  onChange: (value: string | undefined) => void;
}

/** One name of what there is, asked for when the list opens; or a variable, or
 *  what the user types. */
export function Names({ datasource, label, hint, of, where, value, placeholder = 'all', extra = [], width = 20, onChange }: Props) {
  const id = useId();
  const [failure, setFailure] = useState<string>();
  const key = JSON.stringify(where);
  const load = useCallback(
    async (typed: string): Promise<Array<ComboboxOption<string>>> => {
      const variables = datasource.variableNames().map((v) => ({ value: v, label: v, description: 'variable' }));
      let names: Array<ComboboxOption<string>> = [];
      try {
        names = (await datasource.names(of, { ...(JSON.parse(key ?? '{}') as object), match: typed })).map((n) => ({
          value: String(n.value ?? n.text),
          label: n.text,
        }));
        setFailure(undefined);
      } catch (e) {
        setFailure(reason(e));
      }
      const fits = (o: ComboboxOption<string>) => (o.label ?? o.value).toLowerCase().includes(typed.toLowerCase());
      return [...extra, ...variables, ...names].filter(fits);
    },
    // extra is written anew at each render, and never another.
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [datasource, of, key]
  );
  return (
    <Item label={label} hint={hint} htmlFor={id}>
      <Combobox
        id={id}
        options={load}
        value={value ? { value, label: extra.find((o) => o.value === value)?.label ?? value } : null}
        placeholder={placeholder}
        width={width}
        isClearable
        createCustomValue
        noOptionsMessage={failure ?? 'None that you may see. Type a name or a variable.'}
        onChange={(o) => onChange(o?.value.trim() || undefined)}
      />
    </Item>
  );
}

/** What a failed request says, in words. */
export function reason(e: unknown): string {
  const said = e as { data?: { message?: string; error?: string }; statusText?: string; message?: string };
  return said?.data?.message ?? said?.data?.error ?? said?.message ?? said?.statusText ?? 'The list could not be read';
}
