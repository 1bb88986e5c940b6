import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { type SyntheticEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorText, type Schema } from '@/api/client';
import { groupsQuery } from '@/api/groups';
import { type Review, reviewsQuery, startReview } from '@/api/reviews';
import { rightServicesQuery } from '@/api/rights';
import { may, sessionQuery } from '@/api/session';
import { danishInstant, date } from '@/format';
import { LoadError } from '@/frame/failure';
import { Page } from '@/frame/page';
import { codeText } from '@/i18n';
import { Alert } from '@/ui/alert';
import { Badge } from '@/ui/badge';
import { Button } from '@/ui/button';
import { DateField, noDate } from '@/ui/date-field';
import { Dialog } from '@/ui/dialog';
import { Empty, Skeleton } from '@/ui/feedback';
import { SelectField, TextField } from '@/ui/field';
import { LoadMore } from '@/ui/load-more';
import { type Column, Table } from '@/ui/table';
import { PickEmployee } from '../groups/group-page';
import { Progress } from './progress';

export const day = (text: string): string => date(`${text}T12:00:00Z`);

/** Access reviews: all of them, or those that one is to answer. */
export function ReviewsPage() {
  const { t } = useTranslation();
  const [making, setMaking] = useState(false);
  const { data: session } = useQuery(sessionQuery);
  const manages = session !== undefined && may(session, 'review.manage');
  const query = useInfiniteQuery(reviewsQuery);
  const reviews = query.data?.pages.flatMap((page) => page.items) ?? [];
  const start = manages && (
    <Button variant="primary" icon="plus" onClick={() => setMaking(true)}>
      {t('reviews.start')}
    </Button>
  );
  return (
    <Page title={t('reviews.title')} lead={t('reviews.lead')} actions={reviews.length > 0 && start}>
      {query.isPending && <Skeleton label={t('ui.loading')} />}
      {query.error !== null && <LoadError error={query.error} onRetry={() => void query.refetch()} />}
      {query.isSuccess && reviews.length === 0 && (
        <Empty icon="checklist" heading={t('reviews.empty')} action={start}>
          {t(manages ? 'reviews.emptyText' : 'reviews.emptyMine')}
        </Empty>
      )}
      {reviews.length > 0 && (
        <>
          <ReviewTable reviews={reviews} />
          <LoadMore shown={reviews.length} more={query.hasNextPage} pending={query.isFetchingNextPage} onMore={() => void query.fetchNextPage()} />
        </>
      )}
      <Dialog open={making} onClose={() => setMaking(false)} heading={t('reviews.start')}>
        <NewReview onClose={() => setMaking(false)} />
      </Dialog>
    </Page>
  );
}

function ReviewTable({ reviews }: { reviews: Review[] }) {
  const { t } = useTranslation();
  const columns: Column<Review>[] = [
    {
      heading: t('reviews.name'),
      rowHeading: true,
      cell: (one) => (
        <>
          <Link to="/rights/reviews/$id" params={{ id: one.id }}>
            {one.name}
          </Link>
          <span className="block quiet small weight-normal">
            {t(`reviews.kinds.${one.subject_kind}`)}: {one.subject_name}
          </span>
        </>
      ),
    },
    { heading: t('reviews.due'), cell: (one) => <span className="nowrap">{day(one.due_on)}</span> },
    { heading: t('reviews.stateTitle'), cell: (one) => <Badge tone={one.state === 'open' ? 'info' : 'success'}>{t(`reviews.state.${one.state}`)}</Badge> },
    { heading: t('reviews.progressTitle'), cell: (one) => <Progress review={one} /> },
  ];
  return <Table caption={t('reviews.title')} columns={columns} rows={reviews} rowKey={(one) => one.id} />;
}

type Plan = Schema['ReviewPlan'];

function NewReview({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const navigate = useNavigate();
  const { data: services } = useQuery(rightServicesQuery);
  const groups = useInfiniteQuery(groupsQuery).data?.pages.flatMap((page) => page.items) ?? [];
  const [plan, setPlan] = useState({ name: '', subject_kind: 'service' as Plan['subject_kind'], subject_id: '', undecided: 'keep' as Plan['undecided'] });
  const [due, setDue] = useState(noDate);
  const [reviewers, setReviewers] = useState<{ id: string; name: string }[]>([]);
  const [wrong, setWrong] = useState(false);
  const edit = (part: Partial<typeof plan>) => setPlan({ ...plan, ...part });
  const { mutate, isPending, error } = useMutation({
    mutationFn: startReview,
    onSuccess: async ({ id }) => {
      await queries.invalidateQueries({ queryKey: ['reviews'] });
      void navigate({ to: '/rights/reviews/$id', params: { id } });
    },
  });
  const send = (event: SyntheticEvent) => {
    event.preventDefault();
    const bad = danishInstant(due, 12, 0) === undefined;
    setWrong(bad);
    const due_on = `${due.year}-${due.month.padStart(2, '0')}-${due.day.padStart(2, '0')}`;
    if (!bad && !isPending) mutate({ ...plan, due_on, reviewers: reviewers.map((one) => one.id) });
  };
  const subjects = plan.subject_kind === 'group' ? groups : (services?.items ?? []);
  return (
    <form noValidate onSubmit={send}>
      {error !== null && (
        <Alert tone="error" live>
          {errorText(error)}
        </Alert>
      )}
      <TextField id="review-name" label={t('reviews.name')} maxLength={200} value={plan.name} onChange={(event) => edit({ name: event.target.value })} />
      <SelectField
        id="review-kind"
        label={t('reviews.subject')}
        value={plan.subject_kind}
        onChange={(event) => edit({ subject_kind: event.target.value as Plan['subject_kind'], subject_id: '' })}
      >
        <option value="service">{t('reviews.kinds.service')}</option>
        <option value="group">{t('reviews.kinds.group')}</option>
      </SelectField>
      <SelectField id="review-subject" label={t('reviews.which')} value={plan.subject_id} onChange={(event) => edit({ subject_id: event.target.value })}>
        <option value="">{t('entitlements.form.choose')}</option>
        {subjects.map((one) => (
          <option key={one.id} value={one.id}>
            {one.name}
          </option>
        ))}
      </SelectField>
      <DateField id="review-due" label={t('reviews.due')} error={wrong ? codeText('form.date') : undefined} value={due} onChange={setDue} />
      <SelectField id="review-undecided" label={t('reviews.undecided')} value={plan.undecided} onChange={(event) => edit({ undecided: event.target.value as Plan['undecided'] })}>
        <option value="keep">{t('reviews.defaults.keep')}</option>
        <option value="remove">{t('reviews.defaults.remove')}</option>
      </SelectField>
      <p>{reviewers.length === 0 ? t('reviews.reviewersDefault') : t('reviews.reviewersNamed', { names: reviewers.map((one) => one.name).join(', ') })}</p>
      <PickEmployee pending={false} onPick={(id, name) => setReviewers([...reviewers.filter((one) => one.id !== id), { id, name }])} />
      <div className="actions">
        <Button type="submit" variant="primary" pending={isPending}>
          {t('reviews.submit')}
        </Button>
        <Button onClick={onClose}>{t('ui.cancel')}</Button>
      </div>
    </form>
  );
}
