/// <reference types="node" />
import { getValueFormat, getValueFormats } from '@grafana/data';
import { readFileSync, readdirSync } from 'fs';
import { join } from 'path';

const records = join(__dirname, '../pkg/testdata');

/** Every unit that the back end gives, as its tests record them. */
const given = new Set(readFileSync(join(records, 'units.txt'), 'utf8').trim().split('\n'));
for (const file of readdirSync(records).filter((f) => f.startsWith('answer_'))) {
  for (const [, unit] of readFileSync(join(records, file), 'utf8').matchAll(/^ {4}[^ ].*?" \[([^\]]+)\]/gm)) {
    given.add(unit);
  }
}

const known = new Set(getValueFormats().flatMap((c) => c.submenu.map((f) => f.value)));

test.each([...given])('Grafana knows %s', (unit) => {
  if (unit.startsWith('suffix:')) {
    const shown = getValueFormat(unit)(1.5, 1);
    expect(shown.text + (shown.suffix ?? '')).toBe(`1.5 ${unit.slice('suffix:'.length)}`);
  } else {
    expect(known).toContain(unit);
  }
});
