import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorText, isStatus } from '@/api/client';
import { closeReview, decideItem, type Review, reviewCsv, type ReviewItem, reviewItemsQuery, reviewQuery } from '@/api/reviews';
import { may, sessionQuery } from '@/api/session';
import { date } from '@/format';
import { LoadError, NotFound } from '@/frame/failure';
import { Page } from '@/frame/page';
import { Alert } from '@/ui/alert';
import { Badge } from '@/ui/badge';
import { Button } from '@/ui/button';
import { Dialog } from '@/ui/dialog';
import { Skeleton } from '@/ui/feedback';
import { Checkbox } from '@/ui/field';
import { Icon } from '@/ui/icon';
import { LoadMore } from '@/ui/load-more';
import { type Column, Table } from '@/ui/table';
import { Progress } from './progress';
import { day } from './reviews-page';

const route = getRouteApi('/inside/rights/reviews/$id');

export function ReviewPage() {
  const { t, i18n } = useTranslation();
  const { id } = route.useParams();
  const { data: session } = useQuery(sessionQuery);
  const { data, error, refetch } = useQuery(reviewQuery(id));
  if (isStatus(error, 404)) return <NotFound />;
  const csv = (
    <a className="button button-secondary" href={reviewCsv(id, i18n.language)} download>
      <Icon name="download" />
      <span>{t('reviews.csv')}</span>
    </a>
  );
  const reviews = data?.reviewers.some((one) => one.id === session?.employee_id) ?? false;
  return (
    <Page title={data?.name ?? t('reviews.one')} parent={{ to: '/rights/reviews', title: t('reviews.title') }} actions={csv}>
      {error !== null && <LoadError error={error} onRetry={() => void refetch()} />}
      {data === undefined && error === null && <Skeleton label={t('ui.loading')} lines={6} />}
      {data !== undefined && (
        <>
          <Facts review={data} />
          <Items review={data} answers={reviews && data.state === 'open'} self={session?.employee_id ?? ''} />
          {session !== undefined && may(session, 'review.manage') && data.state === 'open' && <Close review={data} />}
        </>
      )}
    </Page>
  );
}

function Facts({ review }: { review: Review }) {
  const { t } = useTranslation();
  return (
    <section className="panel" aria-labelledby="facts">
      <h2 id="facts">{t('reviews.progressTitle')}</h2>
      <Progress review={review} />
      <dl className="facts">
        <dt>{t(`reviews.kinds.${review.subject_kind}`)}</dt>
        <dd>{review.subject_name}</dd>
        <dt>{t('reviews.due')}</dt>
        <dd>{day(review.due_on)}</dd>
        <dt>{t('reviews.undecided')}</dt>
        <dd>{t(`reviews.defaults.${review.undecided}`)}</dd>
        <dt>{t('reviews.reviewers')}</dt>
        <dd>{review.reviewers.map((one) => one.name).join(', ')}</dd>
        <dt>{t('reviews.stateTitle')}</dt>
        <dd>{review.closed_at === null ? t('reviews.state.open') : t('reviews.closedAt', { date: date(review.closed_at) })}</dd>
      </dl>
    </section>
  );
}

function Items({ review, answers, self }: { review: Review; answers: boolean; self: string }) {
  const { t, i18n } = useTranslation();
  const queries = useQueryClient();
  const [undecided, setUndecided] = useState(false);
  const query = useInfiniteQuery({ ...reviewItemsQuery(review.id, undecided), placeholderData: (before) => before });
  const items = query.data?.pages.flatMap((page) => page.items) ?? [];
  const decide = useMutation({
    mutationFn: (answer: { item: string; decision: 'kept' | 'removed' }) => decideItem(review.id, answer),
    onSuccess: () => Promise.all(['reviews', 'rights', 'groups'].map((key) => queries.invalidateQueries({ queryKey: [key] }))),
  });
  const what = (one: ReviewItem) => (i18n.language === 'en' ? one.what_en : one.what_da);
  const button = (one: ReviewItem, decision: 'kept' | 'removed') => (
    <Button
      variant="unstyled"
      icon={decision === 'kept' ? 'check' : 'close'}
      pending={decide.isPending && decide.variables.item === one.id}
      aria-label={t(`reviews.answer.${decision}One`, { who: one.who, what: what(one) })}
      onClick={() => decide.mutate({ item: one.id, decision })}
    >
      {t(`reviews.answer.${decision}`)}
    </Button>
  );
  const columns: Column<ReviewItem>[] = [
    {
      heading: t('reviews.who'),
      rowHeading: true,
      cell: (one) => (
        <>
          {one.who}
          {one.employee_id === '' && <span className="block quiet small weight-normal">{t('reviews.kinds.group')}</span>}
        </>
      ),
    },
    {
      heading: t('reviews.what'),
      cell: (one) => (
        <>
          {one.kind === 'membership' ? t('reviews.member', { group: what(one) }) : what(one)}
          {one.limits !== '' && <span className="block quiet small break">{one.limits}</span>}
        </>
      ),
    },
    { heading: t('reviews.until'), cell: (one) => (one.until === null ? t('entitlements.forever') : date(one.until)) },
    {
      heading: t('reviews.answerTitle'),
      cell: (one) => {
        if (one.decision !== '') return <Decided item={one} />;
        if (!answers) return <Badge>{t('reviews.decision.none')}</Badge>;
        if (one.employee_id === self) return <span className="quiet">{t('reviews.own')}</span>;
        return (
          <>
            {button(one, 'kept')} {button(one, 'removed')}
          </>
        );
      },
    },
  ];
  return (
    <section className="panel" aria-labelledby="items">
      <h2 id="items">{t('reviews.items')}</h2>
      <Checkbox id="undecided" label={t('reviews.onlyUndecided')} checked={undecided} onChange={(event) => setUndecided(event.target.checked)} />
      {decide.error !== null && (
        <Alert tone="error" live>
          {errorText(decide.error)}
        </Alert>
      )}
      {query.isPending && <Skeleton label={t('ui.loading')} />}
      {query.error !== null && <LoadError error={query.error} onRetry={() => void query.refetch()} />}
      {query.isSuccess && items.length === 0 && <p>{t('reviews.allDecided')}</p>}
      {items.length > 0 && (
        <>
          <Table caption={t('reviews.items')} columns={columns} rows={items} rowKey={(one) => one.id} />
          <LoadMore shown={items.length} more={query.hasNextPage} pending={query.isFetchingNextPage} onMore={() => void query.fetchNextPage()} />
        </>
      )}
    </section>
  );
}

function Decided({ item }: { item: ReviewItem }) {
  const { t } = useTranslation();
  const tone = item.decision === 'kept' ? 'success' : item.decision === 'removed' ? 'error' : undefined;
  return (
    <>
      <Badge tone={tone}>{t(`reviews.decision.${item.decision === '' ? 'none' : item.decision}`)}</Badge>
      <span className="block quiet small">{item.by_default ? t('reviews.byDefault') : item.decider}</span>
    </>
  );
}

function Close({ review }: { review: Review }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [asking, setAsking] = useState(false);
  const { mutate, isPending, error } = useMutation({
    mutationFn: () => closeReview(review.id),
    onSuccess: async () => {
      await Promise.all(['reviews', 'rights', 'groups'].map((key) => queries.invalidateQueries({ queryKey: [key] })));
      setAsking(false);
    },
  });
  return (
    <>
      <Button variant="tertiary" onClick={() => setAsking(true)}>
        {t('reviews.close')}
      </Button>
      <Dialog
        open={asking}
        onClose={() => setAsking(false)}
        heading={t('reviews.closeHeading')}
        actions={
          <>
            <Button variant="warning" pending={isPending} onClick={() => mutate()}>
              {t('reviews.close')}
            </Button>
            <Button onClick={() => setAsking(false)}>{t('ui.cancel')}</Button>
          </>
        }
      >
        <p>{t('reviews.closeText', { count: review.open })}</p>
        <p>{t(`reviews.defaults.${review.undecided}`)}</p>
        {error !== null && (
          <Alert tone="error" live>
            {errorText(error)}
          </Alert>
        )}
      </Dialog>
    </>
  );
}
