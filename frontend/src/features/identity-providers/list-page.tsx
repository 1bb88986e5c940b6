import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { type IdentityProvider, identityProvidersQuery } from '@/api/identity-providers';
import { dateTime } from '@/format';
import { LoadError } from '@/frame/failure';
import { Page } from '@/frame/page';
import { MetadataAddress } from '@/frame/metadata-address';
import { Badge } from '@/ui/badge';
import { Empty, Skeleton } from '@/ui/feedback';
import { Icon } from '@/ui/icon';
import { type Column, Table } from '@/ui/table';


export function IdentityProvidersPage() {
  const { t } = useTranslation();
  const { data, error, isPending, refetch } = useQuery(identityProvidersQuery);
  const add = (
    <Link to="/identity-providers/new" className="button button-primary">
      <Icon name="plus" />
      <span>{t('ownLogin.register')}</span>
    </Link>
  );
  return (
    <Page title={t('ownLogin.title')} lead={t('ownLogin.lead')} actions={data !== undefined && data.items.length > 0 && add}>
      {isPending && <Skeleton label={t('ui.loading')} />}
      {error !== null && <LoadError error={error} onRetry={() => void refetch()} />}
      {data?.items.length === 0 && (
        <Empty icon="business" heading={t('ownLogin.empty.heading')} action={add}>
          {t('ownLogin.empty.text')}
        </Empty>
      )}
      {data !== undefined && data.items.length > 0 && <ProviderTable providers={data.items} />}
      <MetadataAddress heading={t('ownLogin.party.heading')} text={t('ownLogin.party.text')} path="/saml/sp/metadata" />
    </Page>
  );
}

const tones = { draft: 'info', active: 'success', off: 'warning' } as const;

export function StateBadge({ state }: { state: IdentityProvider['state'] }) {
  const { t } = useTranslation();
  return <Badge tone={tones[state]}>{t(`ownLogin.states.${state}`)}</Badge>;
}

function ProviderTable({ providers }: { providers: IdentityProvider[] }) {
  const { t } = useTranslation();
  const columns = useMemo<Column<IdentityProvider>[]>(
    () => [
      {
        heading: t('ownLogin.name'),
        rowHeading: true,
        cell: (one) => (
          <Link to="/identity-providers/$id" params={{ id: one.id }}>
            {one.name}
          </Link>
        ),
      },
      { heading: t('ownLogin.state'), cell: (one) => <StateBadge state={one.state} /> },
      { heading: t('ownLogin.entityId'), cell: (one) => <span className="code break">{one.entity_id}</span> },
      { heading: t('ownLogin.lastLogin'), cell: (one) => (one.last_login_at ? dateTime(one.last_login_at) : t('ownLogin.never')) },
      {
        heading: t('ownLogin.attention'),
        cell: (one) =>
          one.proposal !== undefined ? t('ownLogin.newMetadata') : one.failure !== null ? t('ownLogin.lastRefused') : t('ownLogin.nothing'),
      },
    ],
    [t],
  );
  return <Table caption={t('ownLogin.title')} columns={columns} rows={providers} rowKey={(one) => one.id} />;
}
