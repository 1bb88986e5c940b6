import type { ReactNode } from 'react';
import type { Tone } from './alert';

/** A short state in a table or beside a heading; the text says it all. */
export function Badge({ tone, children }: { tone?: Tone | undefined; children: ReactNode }) {
  return <span className={`badge ${tone === undefined ? '' : `badge-${tone}`}`}>{children}</span>;
}
