import { useQuery } from '@tanstack/react-query';
import { Link, useLocation } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { waitingQuery } from '@/api/roles';
import type { Session } from '@/api/session';
import { entryAt, type Section, sectionAt, sectionsOf } from './navigation';

export const usePath = (): string => useLocation({ select: (location) => location.pathname });

interface MainMenuProps {
  session: Session;
  className: string;
  /** The section one is in shows its pages below it, where there is no side menu. */
  nested?: boolean;
  onGo?: () => void;
}

/** The top tasks. */
export function MainMenu({ session, className, nested = false, onGo }: MainMenuProps) {
  const { t } = useTranslation();
  const path = usePath();
  const sections = sectionsOf(session);
  const here = sectionAt(sections, path);
  return (
    <nav className={className} aria-label={t('frame.mainMenu')}>
      <ul className="mainmenu">
        <li className={path === '/' ? 'active current' : undefined}>
          <Link to="/" className="nav-link" aria-current={path === '/' ? 'page' : undefined} onClick={onGo}>
            <span>{t('frame.tasks.home')}</span>
          </Link>
        </li>
        {sections.map((section) => {
          const current = section === here;
          const open = nested && current && section.entries.length > 1;
          return (
            <li key={section.key} className={current ? `active ${open ? '' : 'current'}` : undefined}>
              <Link to={section.first.to} className="nav-link" aria-current={current && !open ? 'page' : undefined} onClick={onGo}>
                <span>{t(`frame.tasks.${section.key}`)}</span>
              </Link>
              {open && <Entries section={section} path={path} onGo={onGo} />}
            </li>
          );
        })}
      </ul>
    </nav>
  );
}

/** How much waits for the person, beside the page where it is decided. */
function WaitingBadge({ of }: { of: 'approvals' | 'role_requests' }) {
  const { t } = useTranslation();
  const { data } = useQuery(waitingQuery);
  if (data === undefined || data[of] === 0) return null;
  return (
    <span className="badge badge-info menu-badge">
      {data[of]} <span className="sr-only">{t('approvals.badge')}</span>
    </span>
  );
}

interface EntriesProps {
  section: Section;
  path: string;
  className?: string;
  onGo?: (() => void) | undefined;
}

function Entries({ section, path, className, onGo }: EntriesProps) {
  const { t } = useTranslation();
  const here = entryAt(section, path);
  return (
    <ul className={className}>
      {section.entries.map((entry) => (
        <li key={entry.key} className={entry === here ? 'active current' : undefined}>
          <Link to={entry.to} className="nav-link" aria-current={entry === here ? 'page' : undefined} onClick={onGo}>
            <span>{t(`frame.entries.${entry.key}`)}</span>
            {entry.to === '/organisation/approvals' && <WaitingBadge of="approvals" />}
            {entry.to === '/organisation/roles' && <WaitingBadge of="role_requests" />}
          </Link>
        </li>
      ))}
    </ul>
  );
}

/** The section whose side menu stands beside the page, when it has one. */
export function useSideSection(session: Session | undefined): Section | undefined {
  const path = usePath();
  const here = session === undefined ? undefined : sectionAt(sectionsOf(session), path);
  return here !== undefined && here.entries.length > 1 ? here : undefined;
}

/** The pages of one section. */
export function SideMenu({ section }: { section: Section }) {
  const { t } = useTranslation();
  const path = usePath();
  return (
    <nav className="side-menu" aria-label={t(`frame.tasks.${section.key}`)}>
      <Entries section={section} path={path} className="sidemenu" />
    </nav>
  );
}
