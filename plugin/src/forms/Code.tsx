import { Input, Text } from '@grafana/ui';
import React, { useEffect, useId, useState } from 'react';

import { Item } from '../parts/Item';
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
  const [draft, setDraft] = useState(query.code ?? '');
  useEffect(() => setDraft(query.code ?? ''), [query.code]);
  const put = () => {
    if (draft !== (query.code ?? '')) {
      const read = readCode(draft);
      onChange({ ...query, code: draft, queryType: 'wrong' in read ? query.queryType : read.kind } as Query);
    }
  };
  return (
    <Item label="Line" hint="Its type, then key=value. Quote a value that has spaces. Enter asks." htmlFor={id}>
      <Input
        id={id}
        value={draft}
        placeholder="power_energy by=rack boundary=it"
        spellCheck={false}
        style={{ fontFamily: 'monospace' }}
        onChange={(e) => setDraft(e.currentTarget.value)}
        onBlur={put}
        onKeyDown={(e) => e.key === 'Enter' && put()}
      />
      <Text element="p" variant="bodySmall" color="secondary">
        Keys of {query.queryType}: {describe(query.queryType).keys.join(', ')}
      </Text>
    </Item>
  );
}
