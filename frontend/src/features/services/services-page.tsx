import { useInfiniteQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { type Service, servicesQuery } from '@/api/services';
import { date, dateTime } from '@/format';
import { LoadError } from '@/frame/failure';
import { Page } from '@/frame/page';
import { MetadataAddress } from '@/frame/metadata-address';
import { Empty, Skeleton } from '@/ui/feedback';
import { Icon } from '@/ui/icon';
import { LoadMore } from '@/ui/load-more';
import { type Column, Table } from '@/ui/table';


export function ServicesPage() {
  const { t } = useTranslation();
  const query = useInfiniteQuery(servicesQuery);
  const services = query.data?.pages.flatMap((page) => page.items) ?? [];
  const register = (
    <Link to="/services/new" className="button button-primary">
      <Icon name="plus" />
      <span>{t('services.register')}</span>
    </Link>
  );
  return (
    <Page title={t('services.title')} lead={t('services.lead')} actions={services.length > 0 && register}>
      {query.isPending && <Skeleton label={t('ui.loading')} />}
      {query.error !== null && <LoadError error={query.error} onRetry={() => void query.refetch()} />}
      {query.isSuccess && services.length === 0 && (
        <Empty icon="link" heading={t('services.empty.heading')} action={register}>
          {t('services.empty.text')}
        </Empty>
      )}
      {services.length > 0 && (
        <>
          <ServiceTable services={services} />
          <LoadMore
            shown={services.length}
            more={query.hasNextPage}
            pending={query.isFetchingNextPage}
            onMore={() => void query.fetchNextPage()}
          />
        </>
      )}
      <p>
        <Link to="/services/used">{t('services.used.title')}</Link>: {t('services.used.lead')}
      </p>
      <MetadataAddress heading={t('services.own.heading')} text={t('services.own.text')} path="/saml/idp/metadata" />
    </Page>
  );
}

function ServiceTable({ services }: { services: Service[] }) {
  const { t } = useTranslation();
  const columns = useMemo<Column<Service>[]>(
    () => [
      {
        heading: t('services.name'),
        rowHeading: true,
        cell: (one) => (
          <Link to="/services/$id" params={{ id: one.id }}>
            {one.name}
          </Link>
        ),
      },
      { heading: t('services.entityId'), cell: (one) => <span className="code">{one.entity_id}</span> },
      { heading: t('services.encrypts'), cell: (one) => (one.encrypts ? t('services.yes') : t('services.no')) },
      { heading: t('services.created'), cell: (one) => <span className="nowrap">{date(one.created_at)}</span> },
      {
        heading: t('services.lastLogin'),
        cell: (one) => (one.last_login_at ? dateTime(one.last_login_at) : t('services.never')),
      },
    ],
    [t],
  );
  return <Table caption={t('services.title')} columns={columns} rows={services} rowKey={(one) => one.id} />;
}
