import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Icon } from './icon';

export type Tone = 'info' | 'success' | 'warning' | 'error';

interface AlertProps {
  tone: Tone;
  heading?: string;
  /** Appears while the page is in use, so that it must be read out. */
  live?: boolean;
  children?: ReactNode;
}

export function Alert({ tone, heading, live = false, children }: AlertProps) {
  const { t } = useTranslation();
  return (
    <div className={`alert alert-${tone}`} role={live ? 'alert' : undefined}>
      <Icon name={tone} className="alert-icon" label={t(`ui.tone.${tone}`)} />
      <div className="alert-body">
        {heading !== undefined && <p className="alert-heading">{heading}</p>}
        {typeof children === 'string' ? <p className="alert-text">{children}</p> : children}
      </div>
    </div>
  );
}
