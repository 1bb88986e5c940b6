import { Link, type LinkProps } from '@tanstack/react-router';
import { type ReactNode, useEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { Icon } from '@/ui/icon';

// The first page keeps the browser's own focus; every later one moves it to its
// heading, so that a screen reader says where the person has come to.
let pagesShown = 0;

interface PageProps {
  title: string;
  /** One line under the heading. */
  lead?: ReactNode;
  /** Buttons beside the heading. */
  actions?: ReactNode;
  /** The list that this page is one entry of. */
  parent?: { to: NonNullable<LinkProps['to']>; title: string };
  narrow?: boolean;
  children: ReactNode;
}

export function Page({ title, lead, actions, parent, narrow = false, children }: PageProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    if (pagesShown++ > 0) heading.current?.focus();
  }, []);
  useEffect(() => {
    document.title = `${title} – Adgang`;
  }, [title]);
  return (
    <div className={narrow ? 'page-narrow' : undefined}>
      {parent !== undefined && <Trail parent={parent} title={title} />}
      <div className="page-top">
        <div>
          <h1 tabIndex={-1} ref={heading}>
            {title}
          </h1>
          {lead !== undefined && <p>{lead}</p>}
        </div>
        {actions !== undefined && <div className="page-actions">{actions}</div>}
      </div>
      {children}
    </div>
  );
}

function Trail({ parent, title }: { parent: NonNullable<PageProps['parent']>; title: string }) {
  const { t } = useTranslation();
  return (
    <nav className="breadcrumbs" aria-label={t('frame.breadcrumbs')}>
      <ol className="breadcrumbs__list">
        <li className="breadcrumbs__list-item">
          <Link className="breadcrumbs__link" to={parent.to}>
            {parent.title}
          </Link>
        </li>
        <li className="breadcrumbs__list-item" aria-current="page">
          <Icon name="chevron-right" />
          {title}
        </li>
      </ol>
    </nav>
  );
}
