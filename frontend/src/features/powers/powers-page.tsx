import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorText } from '@/api/client';
import { approvePower, endPower, type Power, powersQuery, rejectPower, type Side } from '@/api/powers';
import { may, type Session, sessionQuery } from '@/api/session';
import { date, dateTime } from '@/format';
import { LoadError } from '@/frame/failure';
import { Page } from '@/frame/page';
import { ReasonDialog } from '@/features/roles/reason-dialog';
import { Alert } from '@/ui/alert';
import { Badge } from '@/ui/badge';
import { Button } from '@/ui/button';
import { Dialog } from '@/ui/dialog';
import { Empty, Skeleton } from '@/ui/feedback';
import { LoadMore } from '@/ui/load-more';
import { useToast } from '@/ui/toast';
import { AttachedPanel } from './attached-panel';
import { PowerForm } from './power-form';

export const GivenPage = () => <PowersPage side="given" />;
export const ReceivedPage = () => <PowersPage side="received" />;

/** Powers of attorney, from one side of them. */
function PowersPage({ side }: { side: Side }) {
  const { t } = useTranslation();
  const { data: session } = useQuery(sessionQuery);
  const query = useInfiniteQuery(powersQuery(side));
  const [making, setMaking] = useState(false);
  const powers = query.data?.pages.flatMap((page) => page.items) ?? [];
  if (session === undefined) return null;
  const makes =
    side === 'given' ? may(session, 'attorney.give') || may(session, 'attorney.give_person') : may(session, 'attorney.attach');
  const make = makes && (
    <Button variant="primary" icon="plus" onClick={() => setMaking(true)}>
      {t(`attorney.${side}.make`)}
    </Button>
  );
  return (
    <Page title={t(`attorney.${side}.title`)} lead={t(`attorney.${side}.lead`)} actions={make}>
      {query.isPending && <Skeleton label={t('ui.loading')} />}
      {query.error !== null && <LoadError error={query.error} onRetry={() => void query.refetch()} />}
      {query.isSuccess && powers.length === 0 && (
        <Empty icon="share" heading={t(`attorney.${side}.empty`)}>
          {t(`attorney.${side}.emptyText`)}
        </Empty>
      )}
      {powers.map((one) => (
        <PowerPanel key={one.id} power={one} side={side} session={session} />
      ))}
      {query.hasNextPage && <LoadMore shown={powers.length} more pending={query.isFetchingNextPage} onMore={() => void query.fetchNextPage()} />}
      <Dialog open={making} onClose={() => setMaking(false)} heading={t(`attorney.${side}.make`)}>
        <PowerForm side={side} session={session} onClose={() => setMaking(false)} />
      </Dialog>
    </Page>
  );
}

function StateBadge({ power }: { power: Power }) {
  const { t } = useTranslation();
  if (power.state === 'active' && !power.live) {
    const over = power.until != null && new Date(power.until) < new Date();
    return <Badge tone="warning">{t(over ? 'attorney.state.over' : 'attorney.state.future')}</Badge>;
  }
  const tones = { requested: 'info', active: 'success', rejected: 'error', ended: undefined } as const;
  return <Badge tone={tones[power.state]}>{t(`attorney.state.${power.state}`)}</Badge>;
}

function PowerPanel({ power, side, session }: { power: Power; side: Side; session: Session }) {
  const { t, i18n } = useTranslation();
  const [cvr, name] = side === 'given' ? [power.receiver_cvr, power.receiver_name] : [power.giver_cvr, power.giver_name];
  return (
    <section className="panel" aria-labelledby={`power-${power.id}`}>
      <h2 id={`power-${power.id}`}>
        {name} <StateBadge power={power} />
      </h2>
      <dl className="facts">
        <dt>{t('attorney.cvr')}</dt>
        <dd>{cvr}</dd>
        {power.person !== '' && (
          <>
            <dt>{t('attorney.person')}</dt>
            <dd className="break">{power.person}</dd>
          </>
        )}
        <dt>{t('attorney.rights')}</dt>
        {power.rights.map((one) => (
          <dd key={one.id}>
            {i18n.language === 'en' && one.name_en !== '' ? one.name_en : one.name_da} <span className="quiet">({one.service})</span>
          </dd>
        ))}
        <dt>{t('attorney.term')}</dt>
        <dd>{power.until == null ? t('attorney.since', { from: date(power.from) }) : t('attorney.between', { from: date(power.from), until: date(power.until) })}</dd>
        {power.reason !== '' && (
          <>
            <dt>{t('attorney.reason')}</dt>
            <dd>{power.reason}</dd>
          </>
        )}
        {power.answer !== '' && (
          <>
            <dt>{t('attorney.answer')}</dt>
            <dd>{power.answer}</dd>
          </>
        )}
        {power.state === 'active' && side === 'given' && (
          <>
            <dt>{t('attorney.attached')}</dt>
            <dd>{power.attached}</dd>
          </>
        )}
        {power.ended_at != null && (
          <>
            <dt>{t('attorney.ended')}</dt>
            <dd>
              {dateTime(power.ended_at)}, {t(power.ended_by_us ? 'attorney.byUs' : 'attorney.byThem')}
            </dd>
          </>
        )}
      </dl>
      {side === 'received' && power.state === 'active' && <AttachedPanel power={power} may={may(session, 'attorney.attach')} />}
      <PowerActions power={power} side={side} session={session} name={name} />
    </section>
  );
}

interface PowerActionsProps {
  power: Power;
  side: Side;
  session: Session;
  name: string;
}

function PowerActions({ power, side, session, name }: PowerActionsProps) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const toast = useToast();
  const [asking, setAsking] = useState<'end' | 'reject'>();
  const settled = async (text: string) => {
    setAsking(undefined);
    await Promise.all(['powers', 'rights'].map((key) => queries.invalidateQueries({ queryKey: [key] })));
    toast('success', text);
  };
  const agree = useMutation({ mutationFn: () => approvePower(power.id), onSuccess: () => settled(t('attorney.approved')) });
  const refuse = useMutation({ mutationFn: (reason: string) => rejectPower(power.id, reason), onSuccess: () => settled(t('attorney.rejected')) });
  const end = useMutation({ mutationFn: () => endPower(power.id), onSuccess: () => settled(t('attorney.endedNow')) });
  const decides = side === 'given' && power.state === 'requested' && may(session, 'attorney.give');
  const ends = may(session, 'attorney.delete') && (power.state === 'active' || (power.state === 'requested' && side === 'received'));
  const what = side === 'given' ? 'delete' : power.state === 'requested' ? 'withdraw' : 'renounce';
  if (!decides && !ends) return null;
  return (
    <>
      {agree.error !== null && (
        <Alert tone="error" live>
          {errorText(agree.error)}
        </Alert>
      )}
      <div className="actions">
        {decides && (
          <>
            <Button variant="primary" pending={agree.isPending} aria-label={t('attorney.approveOne', { name })} onClick={() => agree.mutate()}>
              {t('approvals.approve')}
            </Button>
            <Button aria-label={t('attorney.rejectOne', { name })} onClick={() => setAsking('reject')}>
              {t('approvals.reject')}
            </Button>
          </>
        )}
        {ends && (
          <Button variant="tertiary" icon="delete" aria-label={t(`attorney.${what}One`, { name })} onClick={() => setAsking('end')}>
            {t(`attorney.${what}`)}
          </Button>
        )}
      </div>
      <ReasonDialog
        open={asking === 'reject'}
        onClose={() => setAsking(undefined)}
        heading={t('attorney.rejectOne', { name })}
        submit={t('approvals.reject')}
        error={refuse.error}
        pending={refuse.isPending}
        onReason={(reason) => refuse.mutate(reason)}
      />
      <Dialog
        open={asking === 'end'}
        onClose={() => setAsking(undefined)}
        heading={t(`attorney.${what}One`, { name })}
        actions={
          <>
            <Button variant="warning" pending={end.isPending} onClick={() => end.mutate()}>
              {t(`attorney.${what}`)}
            </Button>
            <Button onClick={() => setAsking(undefined)}>{t('ui.cancel')}</Button>
          </>
        }
      >
        <p>{t('attorney.endText')}</p>
        {end.error !== null && (
          <Alert tone="error" live>
            {errorText(end.error)}
          </Alert>
        )}
      </Dialog>
    </>
  );
}
