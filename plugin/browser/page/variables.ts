import { type ScopedVars, formattedValueToString, getDisplayProcessor, getFieldDisplayName } from '@grafana/data';

// What Grafana's own template service does, as far as dashboards need it.

/** What a dashboard's variables say. All of them: $__all, written as all. */
export interface Chosen {
  text: string;
  value: string | string[];
  all?: string;
}

const chosen: Record<string, Chosen> = {};

export const names = () => Object.keys(chosen);
export const choose = (name: string, c: Chosen) => (chosen[name] = c);
export const forget = () => names().forEach((name) => delete chosen[name]);

type Format = string | Function; // eslint-disable-line @typescript-eslint/no-unsafe-function-type -- as @grafana/data has it

const reference = /\$\{([\w]+)((?:\.[^:^}]+|\[[^\]]+\])*)(?::([^}]+))?\}|\$(\w+)|\[\[(\w+)(?::(\w+))?\]\]/g;

/** text with variables and what Grafana says of a value put in. */
export function replace(text: string | undefined, scoped?: ScopedVars, format?: Format): string {
  return (text ?? '').replace(reference, (whole: string, braced?: string, path?: string, braceFormat?: string, bare?: string, square?: string, squareFormat?: string) => {
    const name = braced ?? bare ?? square ?? '';
    const as = braceFormat ?? squareFormat ?? format;
    if (name.startsWith('__')) {
      return told(name, (path ?? '').replace(/^\./, ''), scoped) ?? whole;
    }
    const one = scoped?.[name] ?? chosen[name];
    if (!one) {
      return whole;
    }
    const { value, all } = one as Chosen;
    if (value === '$__all') {
      return all !== undefined && as !== 'text' ? all : '$__all';
    }
    return typeof as === 'function' ? (as as (v: unknown) => string)(value) : as === 'uriencode' ? encodeURIComponent(String(value)) : as === 'text' ? String(one.text) : String(value);
  });
}

/** What is known of a value: __field, __data, __value, and of the page. */
function told(name: string, path: string, scoped?: ScopedVars): string | undefined {
  if (name === '__url_time_range') {
    return 'from=now-1h&to=now';
  }
  const at = scoped?.__dataContext?.value;
  if (!at) {
    return undefined;
  }
  const { frame, field, data, rowIndex, calculatedValue } = at;
  switch (name) {
    case '__field': {
      const label = /^labels\.(.+)$/.exec(path);
      return label ? (field.labels?.[label[1]] ?? '') : path === 'name' || path === 'displayName' ? getFieldDisplayName(field, frame, data) : undefined;
    }
    case '__data': {
      const column = /^fields\.(.+)$/.exec(path)?.[1] ?? /^fields\["?([^"]+)"?\]$/.exec(path)?.[1];
      const of = frame.fields.find((f: { name: string; config: { displayName?: string } }) => f.name === column || f.config.displayName === column);
      if (!of || rowIndex === undefined) {
        return undefined;
      }
      return formattedValueToString((of.display ?? getDisplayProcessor())(of.values[rowIndex]));
    }
    case '__value':
      if (calculatedValue) {
        return formattedValueToString(calculatedValue);
      }
      return rowIndex === undefined ? undefined : formattedValueToString((field.display ?? getDisplayProcessor())(field.values[rowIndex]));
  }
  return undefined;
}
