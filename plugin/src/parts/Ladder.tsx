import { css, cx } from '@emotion/css';
import { type GrafanaTheme2 } from '@grafana/data';
import { useStyles2 } from '@grafana/ui';
import React, { type ReactNode, useId } from 'react';

import { Item } from './Item';

export interface Rung<T extends string> {
  value: T;
  label: string;
  /** What it is, said to who points at it or hears it. */
  title: string;
  picture: ReactNode;
  /** Why it cannot be chosen here. */
  not?: string;
  /** A branch: it hangs beside the ladder, not below the rung before. */
  aside?: boolean;
}

interface Props<T extends string> {
  label: string;
  hint?: string;
  rungs: ReadonlyArray<Rung<T>>;
  value: T;
  onChange: (value: T) => void;
}

/** Things that hold each other, outer to inner, of which one is chosen. The
 *  picture is the control: radio buttons, so that arrow keys move along it. */
export function Ladder<T extends string>({ label, hint, rungs, value, onChange }: Props<T>) {
  const styles = useStyles2(style);
  const name = useId();
  return (
    <Item label={label} hint={hint}>
      <div role="radiogroup" aria-label={label} className={styles.ladder}>
        {rungs.map((r, i) => (
          <React.Fragment key={r.value}>
            {i > 0 && (
              <span aria-hidden className={r.aside && !rungs[i - 1].aside ? styles.gap : styles.arrow}>
                {r.aside ? '' : '›'}
              </span>
            )}
            <label className={cx(styles.rung, r.value === value && styles.chosen, r.not && styles.not)} title={r.not ?? r.title}>
              <input
                type="radio"
                name={name}
                aria-label={r.label}
                aria-describedby={`${name}-${r.value}`}
                checked={r.value === value}
                disabled={r.not !== undefined && r.value !== value}
                onChange={() => onChange(r.value)}
              />
              {r.picture}
              <span>{r.label}</span>
              <span id={`${name}-${r.value}`} hidden>
                {r.not ?? r.title}
              </span>
            </label>
          </React.Fragment>
        ))}
      </div>
    </Item>
  );
}

const style = (theme: GrafanaTheme2) => ({
  ladder: css({ display: 'flex', flexWrap: 'wrap', alignItems: 'stretch', rowGap: theme.spacing(0.5) }),
  arrow: css({ alignSelf: 'center', color: theme.colors.text.secondary, padding: theme.spacing(0, 0.5), minWidth: theme.spacing(1) }),
  gap: css({ width: 1, background: theme.colors.border.medium, margin: theme.spacing(0, 1) }),
  rung: css({
    position: 'relative',
    display: 'flex',
    flexDirection: 'column',
    alignItems: 'center',
    gap: theme.spacing(0.25),
    margin: 0,
    minWidth: theme.spacing(6.5),
    padding: theme.spacing(0.5, 1),
    border: `1px solid ${theme.colors.border.weak}`,
    borderRadius: theme.shape.radius.default,
    color: theme.colors.text.secondary,
    background: theme.colors.background.primary,
    fontSize: theme.typography.bodySmall.fontSize,
    cursor: 'pointer',
    input: { position: 'absolute', inset: 0, margin: 0, opacity: 0, cursor: 'inherit' },
    svg: { display: 'block' },
    '&:hover': { color: theme.colors.text.primary, borderColor: theme.colors.border.strong },
    '&:focus-within': { outline: `2px solid ${theme.colors.primary.main}`, outlineOffset: 1 },
  }),
  chosen: css({
    color: theme.colors.text.primary,
    borderColor: theme.colors.primary.border,
    background: theme.colors.action.selected,
    fontWeight: theme.typography.fontWeightMedium,
    '&:hover': { borderColor: theme.colors.primary.border },
  }),
  not: css({ opacity: 0.45, cursor: 'not-allowed' }),
});
