import { useInfiniteQuery, useMutation, useQueryClient } from '@tanstack/react-query';
import { type SyntheticEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorText } from '@/api/client';
import { approveRequest, rejectRequest, requestsQuery, type RequestState, type RightRequest } from '@/api/rights';
import { danishInstant, dateTime } from '@/format';
import { LoadError } from '@/frame/failure';
import { Page } from '@/frame/page';
import { codeText } from '@/i18n';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';
import { DateField, noDate } from '@/ui/date-field';
import { Dialog } from '@/ui/dialog';
import { Empty, Skeleton } from '@/ui/feedback';
import { SelectField, TextArea } from '@/ui/field';
import { LoadMore } from '@/ui/load-more';
import { type Column, Table } from '@/ui/table';
import { useToast } from '@/ui/toast';
import { Limits, RequestBadge, useRightName } from './words';

const states = ['open', 'approved', 'rejected', 'withdrawn', 'expired'] as const;

interface Decision {
  request: RightRequest;
  approves: boolean;
}

/** What employees have asked for, for those who decide. */
export function RequestsPage() {
  const { t } = useTranslation();
  const [state, setState] = useState<RequestState | ''>('open');
  const [decision, setDecision] = useState<Decision>();
  const query = useInfiniteQuery(requestsQuery(state));
  const requests = query.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <Page title={t('entitlements.requests.title')} lead={t('entitlements.requests.lead')}>
      <SelectField id="state" label={t('entitlements.stateTitle')} value={state} onChange={(event) => setState(event.target.value as RequestState | '')}>
        <option value="">{t('entitlements.all')}</option>
        {states.map((one) => (
          <option key={one} value={one}>
            {t(`entitlements.state.${one}`)}
          </option>
        ))}
      </SelectField>
      {query.isPending && <Skeleton label={t('ui.loading')} />}
      {query.error !== null && <LoadError error={query.error} onRetry={() => void query.refetch()} />}
      {query.isSuccess && requests.length === 0 && (
        <Empty icon="checklist" heading={t('entitlements.requests.empty')}>
          {t('entitlements.requests.emptyText')}
        </Empty>
      )}
      {requests.length > 0 && (
        <>
          <RequestTable requests={requests} onDecide={setDecision} />
          <LoadMore shown={requests.length} more={query.hasNextPage} pending={query.isFetchingNextPage} onMore={() => void query.fetchNextPage()} />
        </>
      )}
      <Dialog
        open={decision !== undefined}
        onClose={() => setDecision(undefined)}
        heading={t(decision?.approves === true ? 'entitlements.requests.approveHeading' : 'entitlements.requests.rejectHeading')}
      >
        {decision !== undefined && <Decide {...decision} onDone={() => setDecision(undefined)} />}
      </Dialog>
    </Page>
  );
}

function RequestTable({ requests, onDecide }: { requests: RightRequest[]; onDecide: (decision: Decision) => void }) {
  const { t } = useTranslation();
  const nameOf = useRightName();
  const columns: Column<RightRequest>[] = [
    {
      heading: t('entitlements.employeeTitle'),
      rowHeading: true,
      cell: (one) => (
        <>
          {one.employee.name}
          <span className="block quiet small weight-normal break">{one.employee.email}</span>
        </>
      ),
    },
    {
      heading: t('entitlements.right'),
      cell: (one) => (
        <>
          {nameOf(one.right)}
          <span className="block quiet small">{one.right.service_name}</span>
        </>
      ),
    },
    { heading: t('entitlements.limits'), cell: (one) => <Limits {...one} /> },
    { heading: t('entitlements.form.reason'), cell: (one) => one.reason },
    { heading: t('entitlements.asked'), cell: (one) => dateTime(one.asked_at) },
    {
      heading: t('entitlements.stateTitle'),
      cell: (one) => (
        <>
          <RequestBadge state={one.state} />
          {one.answer !== '' && <span className="block small">{one.answer}</span>}
        </>
      ),
    },
    {
      heading: t('entitlements.change'),
      cell: (one) =>
        one.state === 'open' && (
          <>
            <Button
              variant="unstyled"
              icon="check"
              aria-label={t('entitlements.requests.approveOne', { name: one.employee.name })}
              onClick={() => onDecide({ request: one, approves: true })}
            >
              {t('entitlements.requests.approve')}
            </Button>{' '}
            <Button
              variant="unstyled"
              icon="close"
              aria-label={t('entitlements.requests.rejectOne', { name: one.employee.name })}
              onClick={() => onDecide({ request: one, approves: false })}
            >
              {t('entitlements.requests.reject')}
            </Button>
          </>
        ),
    },
  ];
  return <Table caption={t('entitlements.requests.title')} columns={columns} rows={requests} rowKey={(one) => one.id} />;
}

function Decide({ request, approves, onDone }: Decision & { onDone: () => void }) {
  const { t } = useTranslation();
  const nameOf = useRightName();
  const queries = useQueryClient();
  const toast = useToast();
  const [until, setUntil] = useState(noDate);
  const [reason, setReason] = useState('');
  const [wrong, setWrong] = useState(false);
  const decide = useMutation({
    mutationFn: (end: Date | undefined) =>
      approves ? approveRequest(request.id, end?.toISOString() ?? null) : rejectRequest(request.id, reason.trim()),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ['rights'] });
      toast('success', t(approves ? 'entitlements.requests.approved' : 'entitlements.requests.rejected', { name: request.employee.name }));
      onDone();
    },
  });
  const send = (event: SyntheticEvent) => {
    event.preventDefault();
    const dated = until.day + until.month + until.year !== '';
    const end = dated ? danishInstant(until, 23, 59) : undefined;
    const bad = approves ? dated && (end === undefined || end < new Date()) : reason.trim() === '';
    setWrong(bad);
    if (!bad && !decide.isPending) decide.mutate(end);
  };
  return (
    <form noValidate onSubmit={send}>
      <p>{t('entitlements.requests.about', { name: request.employee.name, right: nameOf(request.right), service: request.right.service_name })}</p>
      <blockquote className="quiet">{request.reason}</blockquote>
      {decide.error !== null && (
        <Alert tone="error" live>
          {errorText(decide.error)}
        </Alert>
      )}
      {approves ? (
        <DateField
          id="decide-until"
          label={t('entitlements.form.until')}
          hint={t('entitlements.form.untilHint')}
          optional
          error={wrong ? codeText('form.datePast') : undefined}
          value={until}
          onChange={setUntil}
        />
      ) : (
        <TextArea
          id="decide-reason"
          label={t('entitlements.requests.why')}
          rows={3}
          maxLength={200}
          error={wrong ? codeText('entitlement.request.answer', { number: '200' }) : undefined}
          value={reason}
          onChange={(event) => setReason(event.target.value)}
        />
      )}
      <div className="actions">
        <Button type="submit" variant={approves ? 'primary' : 'warning'} pending={decide.isPending}>
          {t(approves ? 'entitlements.requests.approve' : 'entitlements.requests.reject')}
        </Button>
        <Button onClick={onDone}>{t('ui.cancel')}</Button>
      </div>
    </form>
  );
}
