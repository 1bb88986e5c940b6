import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorText, isStatus } from '@/api/client';
import { type Campaign, campaignQuery, campaignReport, type Certificate, dropCampaign, inventoryQuery, type Plan, startCampaign } from '@/api/inventory';
import { may, sessionQuery } from '@/api/session';
import { dateTime, fromNow, number, percent } from '@/format';
import { LoadError, NotFound } from '@/frame/failure';
import { Page } from '@/frame/page';
import { useNow } from '@/now';
import { Alert } from '@/ui/alert';
import { Badge } from '@/ui/badge';
import { Button } from '@/ui/button';
import { StackedBar } from '@/ui/chart';
import { Dialog } from '@/ui/dialog';
import { Skeleton } from '@/ui/feedback';
import { Icon } from '@/ui/icon';
import type { Column } from '@/ui/table';
import { useToast } from '@/ui/toast';
import { CampaignMembers, MembersPanel } from './campaign-members';
import { CampaignSteering } from './campaign-steering';
import { CampaignBadge, doneOf } from './campaigns-page';
import { Ending, PlanBadge } from './words';

const route = getRouteApi('/inside/inventory/campaigns/$id');

/** One campaign: its dry run, its progress, or its outcome. */
export function CampaignPage() {
  const { t } = useTranslation();
  const { id } = route.useParams();
  const { data: session } = useQuery(sessionQuery);
  const { data, error, refetch } = useQuery({ ...campaignQuery(id), refetchInterval: 30_000 });
  if (isStatus(error, 404)) return <NotFound />;
  const manages = session !== undefined && may(session, 'certificate.manage');
  return (
    <Page
      title={data?.name ?? t('campaigns.one')}
      lead={data && <CampaignBadge state={data.state} />}
      parent={{ to: '/inventory/campaigns', title: t('campaigns.title') }}
      actions={
        data !== undefined &&
        data.state !== 'draft' && (
          <a href={campaignReport(id)} className="button button-secondary" download>
            <Icon name="download" />
            <span>{t('campaigns.report')}</span>
          </a>
        )
      }
    >
      {error !== null && <LoadError error={error} onRetry={() => void refetch()} />}
      {data === undefined && error === null && <Skeleton label={t('ui.loading')} lines={6} />}
      {data !== undefined && (
        <>
          {data.state === 'draft' && <Draft campaign={data} manages={manages} />}
          <Progress campaign={data} />
          {manages && (data.state === 'running' || data.state === 'paused') && <CampaignSteering campaign={data} />}
          {data.state === 'draft' ? <Candidates campaign={data} /> : <CampaignMembers campaign={data} />}
        </>
      )}
    </Page>
  );
}

/** The dry run: what a start would begin with. */
function Draft({ campaign, manages }: { campaign: Campaign; manages: boolean }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const navigate = useNavigate();
  const toast = useToast();
  const [asking, setAsking] = useState(false);
  const refresh = () => queries.invalidateQueries({ queryKey: ['inventory'] });
  const start = useMutation({
    mutationFn: () => startCampaign(campaign.id),
    onSuccess: async () => {
      await refresh();
      toast('success', t('campaigns.started'));
    },
    onSettled: () => setAsking(false),
  });
  const drop = useMutation({
    mutationFn: () => dropCampaign(campaign.id),
    onSuccess: async () => {
      toast('success', t('campaigns.dropped'));
      await navigate({ to: '/inventory/campaigns' });
      await queries.invalidateQueries({ queryKey: ['inventory', 'campaigns'] });
    },
  });
  const failure = start.error ?? drop.error;
  return (
    <section className="panel" aria-labelledby="dry-run">
      <h2 id="dry-run">{t('campaigns.dryRun')}</h2>
      {failure !== null && (
        <Alert tone="error" live>
          {errorText(failure)}
        </Alert>
      )}
      <p>{t('campaigns.wouldTake', { count: campaign.total, generation: t(`inventory.generations.${campaign.generation}`) })}</p>
      {campaign.no_owner > 0 && <Alert tone="warning">{t('campaigns.noOwner', { count: campaign.no_owner })}</Alert>}
      {manages && (
        <div className="actions">
          <Button variant="primary" disabled={campaign.total === 0} onClick={() => setAsking(true)}>
            {t('campaigns.start')}
          </Button>
          <Button variant="tertiary" icon="delete" pending={drop.isPending} onClick={() => drop.mutate()}>
            {t('campaigns.drop')}
          </Button>
        </div>
      )}
      <Dialog
        open={asking}
        onClose={() => setAsking(false)}
        heading={t('campaigns.startHeading')}
        actions={
          <>
            <Button variant="primary" pending={start.isPending} onClick={() => start.mutate()}>
              {t('campaigns.start')}
            </Button>
            <Button onClick={() => setAsking(false)}>{t('ui.cancel')}</Button>
          </>
        }
      >
        <p>{t('campaigns.startText', { count: campaign.total, at: dateTime(campaign.closes_at) })}</p>
      </Dialog>
    </section>
  );
}

const planOrder: Plan[] = ['installed', 'issued', 'planned', 'open', 'retired'];
// An outcome with the colour that charts have for it.
const outcomes = [
  ['moved', 'moved'],
  ['closed', 'overdue'],
  ['deleted', 'gone'],
] as const;

function Progress({ campaign }: { campaign: Campaign }) {
  const { t } = useTranslation();
  const now = useNow(30_000);
  const closed = campaign.state === 'closed';
  const shares = closed
    ? outcomes.map(([one, state]) => ({ state, label: t(`campaigns.outcomes.${one}`), count: campaign.outcomes[one] ?? 0 }))
    : planOrder.map((plan) => ({ state: plan, label: t(`inventory.plans.${plan}`), count: campaign.plans[plan] ?? 0 }));
  const done = doneOf(campaign);
  const label = t('campaigns.progress', {
    done: number(done),
    total: number(campaign.total),
    share: percent(campaign.total === 0 ? 0 : Math.floor((done / campaign.total) * 1000) / 1000),
  });
  return (
    <section className="panel" aria-labelledby="progress">
      <h2 id="progress">{t('campaigns.progressHeading')}</h2>
      <StackedBar shares={shares} label={label} />
      <p>
        <strong className="number">{label}</strong>
      </p>
      {campaign.state === 'paused' && <Alert tone="warning">{t('campaigns.paused')}</Alert>}
      {closed && <p>{t('campaigns.closedAt', { at: dateTime(campaign.closed_at ?? campaign.closes_at) })}</p>}
      {!closed && campaign.state !== 'cancelled' && (
        <p>
          {t('campaigns.closesAt', { at: dateTime(campaign.closes_at), in: fromNow(campaign.closes_at, now) })} {t('campaigns.closing')}
        </p>
      )}
      {campaign.revoked > 0 && <p>{t('campaigns.revoked', { count: campaign.revoked })}</p>}
      {campaign.key_files > 0 && <p>{t('campaigns.keyFiles', { count: campaign.key_files })}</p>}
      {closed && (campaign.outcomes.closed ?? 0) > 0 && <Alert tone="warning">{t('campaigns.overdue', { count: campaign.outcomes.closed })}</Alert>}
      {campaign.state === 'running' && campaign.no_owner > 0 && <Alert tone="warning">{t('campaigns.noOwner', { count: campaign.no_owner })}</Alert>}
    </section>
  );
}

/** Each certificate that a draft would begin with, and what it wants. */
function Candidates({ campaign }: { campaign: Campaign }) {
  const { t } = useTranslation();
  const now = useNow(3_600_000);
  const query = useInfiniteQuery(inventoryQuery({ generation: campaign.generation }));
  const members = query.data?.pages.flatMap((page) => page.items).filter((one) => one.kind !== 'authority') ?? [];
  const columns: Column<Certificate>[] = [
    {
      heading: t('inventory.name'),
      rowHeading: true,
      cell: (one) => (
        <Link to="/inventory/$id" params={{ id: one.id }}>
          {one.name}
        </Link>
      ),
    },
    { heading: t('inventory.kind'), cell: (one) => t(`inventory.kinds.${one.kind}`) },
    {
      heading: t('inventory.owner'),
      cell: (one) => {
        const name = one.owner_name || one.contact_name || one.contact_email;
        return name === '' ? <Badge tone="warning">{t('campaigns.missing')}</Badge> : name;
      },
    },
    {
      heading: t('inventory.successor'),
      cell: (one) =>
        one.plan === 'issued' || one.plan === 'installed' ? <Badge tone="success">{t('campaigns.there')}</Badge> : <Badge tone="warning">{t('campaigns.missing')}</Badge>,
    },
    {
      heading: t('campaigns.installed'),
      cell: (one) => (one.plan === 'installed' ? <Badge tone="success">{t('campaigns.everywhere')}</Badge> : <PlanBadge plan={one.plan} />),
    },
    { heading: t('inventory.notAfter'), cell: (one) => <Ending certificate={one} now={now} /> },
  ];
  return <MembersPanel query={query} rows={members} columns={columns} rowKey={(one) => one.id} />;
}
