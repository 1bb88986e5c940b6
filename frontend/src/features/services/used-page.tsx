import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { isStatus } from '@/api/client';
import { rightServicesQuery } from '@/api/rights';
import { usedQuery } from '@/api/services';
import { LoadError, NotFound } from '@/frame/failure';
import { Page } from '@/frame/page';
import { Badge } from '@/ui/badge';
import { Skeleton } from '@/ui/feedback';
import { Table } from '@/ui/table';
import { AccessPanel } from './access-panel';
import { AttributesPanel } from './attributes-panel';

/** The services that the organisation can use, its own and others'. */
export function UsedServicesPage() {
  const { t } = useTranslation();
  const { data, error, refetch } = useQuery(rightServicesQuery);
  return (
    <Page title={t('services.used.title')} lead={t('services.used.lead')} parent={{ to: '/services', title: t('services.title') }}>
      {error !== null && <LoadError error={error} onRetry={() => void refetch()} />}
      {data === undefined && error === null && <Skeleton label={t('ui.loading')} />}
      {data?.items.length === 0 && <p>{t('services.used.none')}</p>}
      {data !== undefined && data.items.length > 0 && (
        <Table
          caption={t('services.used.title')}
          columns={[
            {
              heading: t('services.name'),
              rowHeading: true,
              cell: (one) => (
                <Link to="/services/used/$id" params={{ id: one.id }}>
                  {one.name}
                </Link>
              ),
            },
            { heading: t('services.used.whose'), cell: (one) => <Badge>{t(one.own ? 'services.used.own' : 'services.used.open')}</Badge> },
          ]}
          rows={data.items}
          rowKey={(one) => one.id}
        />
      )}
    </Page>
  );
}

const route = getRouteApi('/inside/services/used/$id');

export function UsedServicePage() {
  const { t } = useTranslation();
  const { id } = route.useParams();
  const { data, error } = useQuery(usedQuery(id));
  if (isStatus(error, 404)) return <NotFound />;
  return (
    <Page title={data?.name ?? t('services.used.one')} {...(data === undefined ? {} : { lead: data.owner })} parent={{ to: '/services/used', title: t('services.used.title') }}>
      <AttributesPanel id={id} />
      <AccessPanel id={id} own={false} />
    </Page>
  );
}
