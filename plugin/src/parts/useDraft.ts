import { useState } from 'react';

/** What is being typed in place of value, until it is put; another value from
 *  outside takes its place. */
export function useDraft(value: string, onPut: (value: string) => void) {
  const [kept, setKept] = useState({ of: value, draft: value });
  const draft = kept.of === value ? kept.draft : value;
  return {
    draft,
    type: (text: string) => setKept({ of: value, draft: text }),
    put: () => draft !== value && onPut(draft),
  };
}
