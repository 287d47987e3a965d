import { css } from '@emotion/css';
import { type GrafanaTheme2 } from '@grafana/data';
import { Icon, Tooltip, useStyles2 } from '@grafana/ui';
import React, { type ReactNode } from 'react';

interface Props {
  label: string;
  /** What it means, for who does not know the word. */
  hint?: string;
  htmlFor?: string;
  children: ReactNode;
}

/** A labelled control of a query editor. */
export function Item({ label, hint, htmlFor, children }: Props) {
  const styles = useStyles2(style);
  return (
    <div className={styles.item}>
      <div className={styles.head}>
        {htmlFor ? <label htmlFor={htmlFor}>{label}</label> : <span>{label}</span>}
        {hint && (
          <Tooltip content={hint}>
            <Icon name="info-circle" size="sm" tabIndex={0} aria-label={`${label}: ${hint}`} />
          </Tooltip>
        )}
      </div>
      {children}
    </div>
  );
}

/** Items side by side, as many as fit. */
export function Row({ children }: { children: ReactNode }) {
  const styles = useStyles2(style);
  return <div className={styles.row}>{children}</div>;
}

const style = (theme: GrafanaTheme2) => ({
  item: css({ display: 'flex', flexDirection: 'column', gap: theme.spacing(0.5), minWidth: 0 }),
  head: css({
    display: 'flex',
    alignItems: 'center',
    gap: theme.spacing(0.5),
    color: theme.colors.text.secondary,
    fontSize: theme.typography.bodySmall.fontSize,
    fontWeight: theme.typography.fontWeightMedium,
    label: { margin: 0 },
  }),
  row: css({ display: 'flex', flexWrap: 'wrap', gap: theme.spacing(1.5, 2), alignItems: 'flex-start' }),
});
