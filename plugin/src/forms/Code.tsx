import { css } from '@emotion/css';
import { Input, Text } from '@grafana/ui';
import React, { useId } from 'react';

import { Item } from '../parts/Item';
import { useDraft } from '../parts/useDraft';
import { readCode } from '../query/code';
import { describe } from '../query/kinds';
import { type Query } from '../query/types';

interface Props {
  query: Query;
  onChange: (query: Query) => void;
}

/** A question as one line: its type, then key=value. */
export function Code({ query, onChange }: Props) {
  const id = useId();
  const { draft, type, put } = useDraft(query.code ?? '', (code) => {
    const read = readCode(code);
    onChange({ ...query, code, queryType: 'wrong' in read ? query.queryType : read.kind } as Query);
  });
  return (
    <Item label="Line" hint="Its type, then key=value. Quote a value that has spaces. Enter asks." htmlFor={id}>
      <Input
        id={id}
        value={draft}
        placeholder="power_energy by=rack boundary=it"
        spellCheck={false}
        className={css({ input: { fontFamily: 'monospace', fontSize: 13 } })}
        onChange={(e) => type(e.currentTarget.value)}
        onBlur={put}
        onKeyDown={(e) => e.key === 'Enter' && put()}
      />
      <Text element="p" variant="bodySmall" color="secondary">
        Keys of {query.queryType}: {describe(query.queryType).keys.join(', ')}
      </Text>
    </Item>
  );
}
