import { useQuery, useInfiniteQuery } from '@tanstack/react-query';
import { Link, Navigate } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { batchesQuery, isUnderWay } from '@/api/batches';
import { installationQuery, may, type Session, sessionQuery } from '@/api/session';
import { date, fromNow } from '@/format';
import { isAdministrator, sectionsOf } from '@/frame/navigation';
import { Page } from '@/frame/page';
import { BatchBadge } from '@/features/migration/state';
import { FunnelPanel } from '@/features/migration/funnel-panel';
import { AloneWarning } from '@/features/roles/succession-panel';
import { useNow } from '@/now';
import { Alert } from '@/ui/alert';
import { Icon } from '@/ui/icon';

/** An administrator's overview; everybody else has a page of their own. */
export function HomePage() {
  const { t } = useTranslation();
  const { data: session } = useQuery(sessionQuery);
  if (session === undefined) return null;
  if (!isAdministrator(session)) return <Navigate to="/me" replace />;
  return (
    <Page title={t('home.title', { name: session.name })} lead={t('home.lead', { organisation: session.organisation.name })}>
      <Closing />
      {may(session, 'role.view') && <AloneWarning />}
      {may(session, 'migration.manage') && <Newest />}
      <Tasks session={session} />
    </Page>
  );
}

/** Where the closing of code cards stands. */
function Closing() {
  const { t } = useTranslation();
  const now = useNow(60_000);
  const { data } = useQuery(installationQuery);
  if (data === undefined || data.phase === 'normal') return null;
  const closes = data.closed_at ?? null;
  if (data.phase === 'closed') {
    return <Alert tone="error" heading={t('home.closed.heading')}>{t('home.closed.text')}</Alert>;
  }
  return (
    <Alert tone="warning" heading={t('home.limited.heading')}>
      {closes === null ? t('home.limited.text') : t('home.limited.until', { at: date(closes), in: fromNow(closes, now) })}
    </Alert>
  );
}

function Newest() {
  const { t } = useTranslation();
  const { data } = useInfiniteQuery({
    ...batchesQuery,
    refetchInterval: ({ state }) => (state.data?.pages[0]?.items.some(isUnderWay) === true ? 3_000 : false),
  });
  const batch = data?.pages[0]?.items.find((one) => one.state !== 'draft' && one.state !== 'cancelled');
  if (batch === undefined) return null;
  return (
    <>
      <p>
        {t('home.newest')}{' '}
        <Link to="/migration/$id" params={{ id: batch.id ?? '' }}>
          {batch.name}
        </Link>{' '}
        <BatchBadge state={batch.state} />
      </p>
      <FunnelPanel batch={batch} />
    </>
  );
}

function Tasks({ session }: { session: Session }) {
  const { t } = useTranslation();
  return (
    <>
      <h2>{t('home.tasks')}</h2>
      <ul className="card-links">
        {sectionsOf(session).map(({ key, icon, first }) => (
          <li key={key}>
            <Link to={first.to} className="card-link">
              <Icon name={icon} />
              <strong>{t(`frame.tasks.${key}`)}</strong>
              <span>{t(`home.${key}`)}</span>
            </Link>
          </li>
        ))}
      </ul>
    </>
  );
}
