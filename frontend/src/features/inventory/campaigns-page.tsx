import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { type Campaign, campaignsQuery } from '@/api/inventory';
import { may, sessionQuery } from '@/api/session';
import { dateTime, number } from '@/format';
import { LoadError } from '@/frame/failure';
import { Page } from '@/frame/page';
import { useNow } from '@/now';
import type { Tone } from '@/ui/alert';
import { Badge } from '@/ui/badge';
import { Empty, Skeleton } from '@/ui/feedback';
import { Icon } from '@/ui/icon';
import { type Column, Table } from '@/ui/table';
import { daysTo } from './words';

const tones: Partial<Record<Campaign['state'], Tone>> = { running: 'info', paused: 'warning', closed: 'success' };

export function CampaignBadge({ state }: { state: Campaign['state'] }) {
  const { t } = useTranslation();
  return <Badge tone={tones[state]}>{t(`campaigns.states.${state}`)}</Badge>;
}

/** How many of a campaign are done: installed, out of use, or moved at its closing. */
export const doneOf = (one: Campaign): number =>
  (one.plans.installed ?? 0) + (one.plans.retired ?? 0) + (one.outcomes.moved ?? 0) + (one.outcomes.deleted ?? 0);

/** Campaigns from one generation of certificates to the next. */
export function CampaignsPage() {
  const { t } = useTranslation();
  const { data: session } = useQuery(sessionQuery);
  const query = useQuery(campaignsQuery);
  const campaigns = query.data?.items ?? [];
  const begin = session !== undefined && may(session, 'certificate.manage') && (
    <Link to="/inventory/campaigns/new" className="button button-primary">
      <Icon name="plus" />
      <span>{t('campaigns.new')}</span>
    </Link>
  );
  const columns: Column<Campaign>[] = [
    {
      heading: t('campaigns.name'),
      rowHeading: true,
      cell: (one) => (
        <Link to="/inventory/campaigns/$id" params={{ id: one.id }}>
          {one.name}
        </Link>
      ),
    },
    { heading: t('campaigns.state'), cell: (one) => <CampaignBadge state={one.state} /> },
    { heading: t('campaigns.generation'), cell: (one) => t(`inventory.generations.${one.generation}`) },
    { heading: t('campaigns.done'), number: true, cell: (one) => t('campaigns.doneOf', { done: number(doneOf(one)), total: number(one.total) }) },
    { heading: t('campaigns.closes'), cell: (one) => <Closing campaign={one} /> },
  ];
  return (
    <Page title={t('campaigns.title')} lead={t('campaigns.lead')} actions={campaigns.length > 0 && begin}>
      {query.isPending && <Skeleton label={t('ui.loading')} />}
      {query.error !== null && <LoadError error={query.error} onRetry={() => void query.refetch()} />}
      {query.isSuccess && campaigns.length === 0 && (
        <Empty icon="sync" heading={t('campaigns.empty')} action={begin}>
          {t('campaigns.emptyText')}
        </Empty>
      )}
      {campaigns.length > 0 && <Table caption={t('campaigns.title')} columns={columns} rows={campaigns} rowKey={(one) => one.id} />}
    </Page>
  );
}

/** When it closes, how soon, and how many would be taken out of use then. */
function Closing({ campaign: one }: { campaign: Campaign }) {
  const { t } = useTranslation();
  const now = useNow(3_600_000);
  const left = one.total - doneOf(one);
  const days = daysTo(one.closes_at, now);
  const due = (one.state === 'running' || one.state === 'paused') && left > 0;
  return (
    <>
      {dateTime(one.closed_at ?? one.closes_at)}
      {due && (
        <span className="block">
          <Badge tone={days < 30 ? 'error' : 'warning'}>
            {days < 0 ? t('campaigns.passed') : t('inventory.daysLeft', { count: days })}
          </Badge>{' '}
          <span className="quiet small">{t('campaigns.left', { count: left })}</span>
        </span>
      )}
    </>
  );
}
