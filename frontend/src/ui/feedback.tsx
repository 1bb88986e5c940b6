import type { ReactNode } from 'react';
import { Icon, type IconName } from './icon';

/** Work under way that a person waits for. */
export function Waiting({ children }: { children: ReactNode }) {
  return (
    <div className="waiting" role="status">
      <span className="spinner" aria-hidden />
      <p>{children}</p>
    </div>
  );
}

const widths = ['70%', '92%', '84%', '60%', '88%'];

/** The place of text that is being fetched. */
export function Skeleton({ lines = 4, label }: { lines?: number; label: string }) {
  return (
    <div role="status" aria-busy>
      <span className="sr-only">{label}</span>
      {Array.from({ length: lines }, (_, line) => (
        <svg key={line} className="skeleton" width={widths[line % widths.length]} aria-hidden />
      ))}
    </div>
  );
}

interface EmptyProps {
  icon: IconName;
  heading: string;
  children: ReactNode;
  action?: ReactNode;
}

/** A list that has nothing yet: says what belongs here and how to begin. */
export function Empty({ icon, heading, children, action }: EmptyProps) {
  return (
    <div className="panel empty">
      <Icon name={icon} />
      <h2>{heading}</h2>
      <p>{children}</p>
      {action}
    </div>
  );
}
