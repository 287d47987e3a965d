import { codeOf, readCode } from './code';
import { asBuilder, asCode } from './hints';
import { type Query } from './types';

const q = (rest: object): Query => ({ refId: 'A', version: 1, ...rest }) as Query;

describe('a question as a line', () => {
  test.each<[string, Query, string]>([
    ['the default', q({ queryType: 'power_energy' }), 'power_energy'],
    ['keys in their order', q({ queryType: 'power_energy', site: 'north', by: 'rack', measure: 'energy' }), 'power_energy measure=energy by=rack site=north'],
    ['lists with commas', q({ queryType: 'kpi', kpis: ['pue', 'wue'], shape: 'table' }), 'kpi kpis=pue,wue shape=table'],
    ['a space is quoted', q({ queryType: 'top', of: 'gpu', hall: 'hall 2', limit: 20 }), 'top of=gpu limit=20 hall="hall 2"'],
  ])('%s, and back', (_, query, line) => {
    expect(codeOf(query)).toBe(line);
    expect(asBuilder(asCode(query))).toEqual({ ...query });
  });

  test.each([
    ['', 'Begin with the type'],
    ['powr by=rack', '“powr” is no type'],
    ['top rack', '“rack” is not known'],
    ['top colour=red', '“colour” is not known'],
    ['top of=gpu of=host', 'of is there twice'],
    ['top hall="2', 'A quote is open'],
  ])('%p says what is wrong', (line, wrong) => {
    expect((readCode(line) as { wrong: string }).wrong).toContain(wrong);
  });

  test('what cannot be read is not lost on the way to the builder', () => {
    expect(asBuilder(q({ queryType: 'top', of: 'host', editorMode: 'code', code: 'top of=' + 'x y' }))).toMatchObject({ queryType: 'top', of: 'host', editorMode: 'builder' });
  });
});
