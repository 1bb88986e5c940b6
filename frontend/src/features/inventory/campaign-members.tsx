import { useInfiniteQuery, type UseInfiniteQueryResult } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { type Campaign, type CampaignMember, type Kind, membersQuery, type Plan } from '@/api/inventory';
import { date } from '@/format';
import { LoadError } from '@/frame/failure';
import { Badge } from '@/ui/badge';
import { Skeleton } from '@/ui/feedback';
import { LoadMore } from '@/ui/load-more';
import { type Column, Table } from '@/ui/table';
import { PlanBadge } from './words';

/** What became of a member, or how far it is. */
function Outcome({ member }: { member: CampaignMember }) {
  const { t } = useTranslation();
  if (member.action !== '') return <Badge tone={member.action === 'revoked' ? 'info' : 'warning'}>{t(`campaigns.actions.${member.action}`)}</Badge>;
  if (member.outcome === 'moved') return <Badge tone="success">{t('campaigns.outcomes.moved')}</Badge>;
  if (member.outcome !== '') return <Badge>{t(`campaigns.outcomes.${member.outcome}`)}</Badge>;
  if (member.plan === '') return <Badge>{t('campaigns.outcomes.deleted')}</Badge>;
  return member.plan === 'installed' ? <Badge tone="success">{t('campaigns.everywhere')}</Badge> : <PlanBadge plan={member.plan as Plan} />;
}

/** Each certificate of a campaign that was started: what it lacks, or what became of it. */
export function CampaignMembers({ campaign }: { campaign: Campaign }) {
  const { t } = useTranslation();
  const query = useInfiniteQuery(membersQuery(campaign.id));
  const members = query.data?.pages.flatMap((page) => page.items) ?? [];
  const there = (is: boolean) => (is ? <Badge tone="success">{t('campaigns.there')}</Badge> : <Badge tone="warning">{t('campaigns.missing')}</Badge>);
  const columns: Column<CampaignMember>[] = [
    {
      heading: t('inventory.name'),
      rowHeading: true,
      cell: (one) => (
        <>
          {one.plan === '' ? (
            one.name
          ) : (
            <Link to="/inventory/$id" params={{ id: one.certificate_id }}>
              {one.name}
            </Link>
          )}
          {one.joined_at !== null && <span className="quiet small"> {t('campaigns.joined')}</span>}
        </>
      ),
    },
    { heading: t('inventory.kind'), cell: (one) => (one.kind === '' ? '' : t(`inventory.kinds.${one.kind as Kind}`)) },
    { heading: t('inventory.owner'), cell: (one) => one.contact_email || there(one.owner_id !== '') },
    { heading: t('inventory.successor'), cell: (one) => there(one.successor_id !== '') },
    { heading: campaign.state === 'closed' ? t('campaigns.outcome') : t('campaigns.installed'), cell: (one) => <Outcome member={one} /> },
    { heading: t('inventory.notAfter'), cell: (one) => (one.not_after === null ? '' : date(one.not_after)) },
  ];
  return <MembersPanel query={query} rows={members} columns={columns} rowKey={(one) => one.certificate_id} />;
}

interface MembersPanelProps<T> {
  query: Pick<UseInfiniteQueryResult, 'isPending' | 'isSuccess' | 'error' | 'refetch' | 'hasNextPage' | 'isFetchingNextPage' | 'fetchNextPage'>;
  rows: T[];
  columns: Column<T>[];
  rowKey: (row: T) => string;
}

/** The certificates of a campaign, page by page, whatever is to be said of each. */
export function MembersPanel<T>({ query, rows, columns, rowKey }: MembersPanelProps<T>) {
  const { t } = useTranslation();
  return (
    <section className="panel" aria-labelledby="members">
      <h2 id="members">{t('campaigns.members')}</h2>
      {query.isPending && <Skeleton label={t('ui.loading')} />}
      {query.error !== null && <LoadError error={query.error} onRetry={() => void query.refetch()} />}
      {query.isSuccess && rows.length === 0 && <p>{t('campaigns.noMembers')}</p>}
      {rows.length > 0 && (
        <>
          <Table caption={t('campaigns.members')} columns={columns} rows={rows} rowKey={rowKey} />
          <LoadMore shown={rows.length} more={query.hasNextPage} pending={query.isFetchingNextPage} onMore={() => void query.fetchNextPage()} />
        </>
      )}
    </section>
  );
}
