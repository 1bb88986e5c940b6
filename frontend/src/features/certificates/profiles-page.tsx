import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { type Profile, profilesQuery } from '@/api/certificates';
import { may, sessionQuery } from '@/api/session';
import { date } from '@/format';
import { LoadError } from '@/frame/failure';
import { Page } from '@/frame/page';
import { Empty, Skeleton } from '@/ui/feedback';
import { Icon } from '@/ui/icon';
import { LoadMore } from '@/ui/load-more';
import { type Column, Table } from '@/ui/table';
import { CertificateState } from './state';

/** Certificates of the organisation, its systems and its mailboxes. */
export function ProfilesPage() {
  const { t } = useTranslation();
  const { data: session } = useQuery(sessionQuery);
  const query = useInfiniteQuery(profilesQuery);
  const profiles = query.data?.pages.flatMap((page) => page.items) ?? [];
  const revoke = session !== undefined && may(session, 'certificate.manage') && (
    <Link to="/certificates/revoke" className="button button-secondary">
      <Icon name="lock" />
      <span>{t('certificates.revokeKind.title')}</span>
    </Link>
  );
  const order = session !== undefined && may(session, 'certificate.manage') && (
    <Link to="/certificates/new" className="button button-primary">
      <Icon name="plus" />
      <span>{t('certificates.order')}</span>
    </Link>
  );
  return (
    <Page title={t('certificates.title')} lead={t('certificates.lead')} actions={
        <>
          {revoke}
          {profiles.length > 0 && order}
        </>
      }>
      {query.isPending && <Skeleton label={t('ui.loading')} />}
      {query.error !== null && <LoadError error={query.error} onRetry={() => void query.refetch()} />}
      {query.isSuccess && profiles.length === 0 && (
        <Empty icon="lock" heading={t('certificates.empty.heading')} action={order}>
          {t('certificates.empty.text')}
        </Empty>
      )}
      {profiles.length > 0 && (
        <>
          <ProfileTable profiles={profiles} />
          <LoadMore
            shown={profiles.length}
            more={query.hasNextPage}
            pending={query.isFetchingNextPage}
            onMore={() => void query.fetchNextPage()}
          />
        </>
      )}
    </Page>
  );
}

function ProfileTable({ profiles }: { profiles: Profile[] }) {
  const { t } = useTranslation();
  const columns = useMemo<Column<Profile>[]>(
    () => [
      {
        heading: t('certificates.name'),
        rowHeading: true,
        cell: (one) => (
          <Link to="/certificates/$id" params={{ id: one.id }}>
            {one.name}
          </Link>
        ),
      },
      {
        heading: t('certificates.kind'),
        cell: (one) => (
          <>
            {t(`certificates.kinds.${one.kind}`)}
            {one.seal && <span className="block quiet small">{t('certificates.seal.one')}</span>}
          </>
        ),
      },
      {
        heading: t('certificates.contact'),
        cell: (one) => (
          <>
            {one.contact_name}
            <span className="block quiet small break">{one.contact_email}</span>
          </>
        ),
      },
      {
        heading: t('certificates.stateTitle'),
        cell: (one) => (
          <>
            <CertificateState state={one.state} />
            {one.order !== null && one.serial !== null && <span className="block quiet small">{t('certificates.renewing')}</span>}
          </>
        ),
      },
      {
        heading: t('certificates.notAfter'),
        cell: (one) => (one.not_after === null ? '–' : <span className="nowrap">{date(one.not_after)}</span>),
      },
    ],
    [t],
  );
  return <Table caption={t('certificates.title')} columns={columns} rows={profiles} rowKey={(one) => one.id} />;
}
