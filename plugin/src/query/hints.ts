import { type TimeRange } from '@grafana/data';

import { codeOf, readCode } from './code';
import { isNewer } from './migrate';
import { type PowerQuery, type Query } from './types';
import { boundariesOf, boundaryWords, levelWords, whyNot } from './words';

export interface Hint {
  text: string;
  /** What would make it better, as a button. */
  fix?: { label: string; query: Query };
}

const hour = 3_600_000;

/** What a person should know of a question before its answer comes. */
export function hintsOf(q: Query, range?: TimeRange): Hint[] {
  if (isNewer(q)) {
    return [{ text: 'A newer version of this plugin wrote this query. Update the plugin, or write the query anew.' }];
  }
  if (q.queryType !== 'promql' && q.editorMode === 'code') {
    const read = readCode(q.code ?? '');
    return 'wrong' in read ? [{ text: read.wrong }] : hintsOf({ ...q, ...read.keys, queryType: read.kind, editorMode: undefined } as Query, range);
  }
  const span = range ? range.to.valueOf() - range.from.valueOf() : undefined;
  switch (q.queryType) {
    case 'power_energy':
      return ofPower(q, span);
    case 'kpi':
      if (q.shape === 'series' && !q.step && span !== undefined && span > 40 * 24 * hour) {
        return [{ text: 'Over this time, figures by day or month say more than by the panel’s width.', fix: { label: 'By month', query: { ...q, step: 'month' } } }];
      }
      if (span !== undefined && span < hour && q.period !== 'today') {
        return [{ text: 'Figures come from the ledger, which is kept by the hour: the whole hour is shown.', fix: { label: 'Of today', query: { ...q, shape: q.shape === 'series' ? 'value' : q.shape, period: 'today', step: undefined } } }];
      }
      return [];
    case 'promql':
      return /\btopk\s*\(/.test(q.expr ?? '')
        ? [{ text: '“Top” answers from what is known now, in milliseconds; topk reads every series.', fix: { label: 'Use Top', query: { refId: q.refId, datasource: q.datasource, version: q.version, queryType: 'top', site: q.site } } }]
        : [];
    case 'live':
      if (q.boundary === 'facility' && (q.by === 'hall' || q.by === 'rack')) {
        return [{ text: whyNot(q.by, 'facility', 'power') ?? '', fix: { label: 'Measure at the outermost', query: { ...q, boundary: undefined } } }];
      }
      return q.site === '*' || q.site?.includes(',') ? [{ text: 'A stream is of one site: choose one.' }] : [];
    default:
      return [];
  }
}

function ofPower(q: PowerQuery, span?: number): Hint[] {
  const by = q.by ?? 'site';
  const boundary = q.boundary ?? boundariesOf[by][0];
  const out: Hint[] = [];
  const why = whyNot(by, boundary, q.measure ?? 'power');
  if (why) {
    const usual = boundariesOf[by][0];
    out.push({
      text: why,
      fix: { label: `Measure at ${boundaryWords[usual].label}`, query: { ...q, boundary: usual } },
    });
  }
  if (by === 'gpu' && !q.hall && !q.rack && !q.host && !q.gpu && !q.limit) {
    out.push({
      text: 'Every GPU of a site may be a hundred thousand lines: narrow it down to a rack or host.',
      fix: { label: 'Show the top 10 now', query: { refId: q.refId, datasource: q.datasource, version: q.version, queryType: 'top', of: 'gpu', site: q.site } },
    });
  }
  if ((by === 'job' || by === 'tenant') && (q.hall || q.rack || q.host)) {
    out.push({ text: `Of a place, the ${levelWords[by].many} are those that run there now, with all that they drew.` });
  }
  if ((by === 'job' || by === 'tenant') && q.measure !== 'energy') {
    out.push({ text: `What ${levelWords[by].many} drew is known by the hour: each point is the mean of its hour.` });
  }
  if (q.measure === 'energy' && span !== undefined && span < hour) {
    out.push({ text: 'Energy is kept by the hour: the whole hour is shown.', fix: { label: 'Show power', query: { ...q, measure: 'power', shape: undefined, step: undefined, unit: undefined } } });
  }
  return out;
}

/** The line of code that a question is. */
export const asCode = (q: Query): Query => ({ ...q, editorMode: 'code', code: codeOf(q) });

/** The builder's question of a line; the one before it where the line cannot be read. */
export function asBuilder(q: Query): Query {
  const read = readCode(q.code ?? '');
  const { refId, datasource, hide, key, version, filters } = q;
  const kept = { refId, datasource, hide, key, version, filters };
  return 'wrong' in read ? ({ ...q, editorMode: 'builder', code: undefined } as Query) : ({ ...kept, ...read.keys, queryType: read.kind } as Query);
}
