import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { errorText } from '@/api/client';
import { myRightsQuery, type RightRequest, withdrawRequest } from '@/api/rights';
import { date } from '@/format';
import { LoadError } from '@/frame/failure';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';
import { Skeleton } from '@/ui/feedback';
import { type Column, Table } from '@/ui/table';
import { useToast } from '@/ui/toast';
import { HoldingTable } from './holding-table';
import { Limits, RequestBadge, useRightName } from './words';

/** What the person may do in services, and has asked for. */
export function MyRights() {
  const { t } = useTranslation();
  const { data, error, refetch } = useQuery(myRightsQuery);
  const live = data?.rights.filter((one) => one.live) ?? [];
  return (
    <>
      <section className="panel" aria-labelledby="my-rights">
        <h2 id="my-rights">{t('entitlements.mine.heading')}</h2>
        {error !== null && <LoadError error={error} onRetry={() => void refetch()} />}
        {data === undefined && error === null && <Skeleton label={t('ui.loading')} />}
        {data !== undefined && live.length === 0 && <p>{t('entitlements.mine.none')}</p>}
        {live.length > 0 && <HoldingTable caption={t('entitlements.mine.heading')} holdings={live} />}
      </section>
      {data !== undefined && data.requests.length > 0 && <MyRequests requests={data.requests} />}
    </>
  );
}

function MyRequests({ requests }: { requests: RightRequest[] }) {
  const { t } = useTranslation();
  const nameOf = useRightName();
  const queries = useQueryClient();
  const toast = useToast();
  const { mutate, isPending, variables, error } = useMutation({
    mutationFn: withdrawRequest,
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ['rights'] });
      toast('success', t('entitlements.mine.withdrawn'));
    },
  });
  const columns = useMemo<Column<RightRequest>[]>(
    () => [
      { heading: t('entitlements.right'), rowHeading: true, cell: (one) => nameOf(one.right) },
      { heading: t('entitlements.service'), cell: (one) => one.right.service_name },
      { heading: t('entitlements.limits'), cell: (one) => <Limits {...one} /> },
      { heading: t('entitlements.asked'), cell: (one) => <span className="nowrap">{date(one.asked_at)}</span> },
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
            <Button
              variant="unstyled"
              pending={isPending && variables === one.id}
              aria-label={t('entitlements.mine.withdrawOne', { name: nameOf(one.right) })}
              onClick={() => mutate(one.id)}
            >
              {t('entitlements.mine.withdraw')}
            </Button>
          ),
      },
    ],
    [t, nameOf, mutate, isPending, variables],
  );
  return (
    <section className="panel" aria-labelledby="my-requests">
      <h2 id="my-requests">{t('entitlements.mine.requests')}</h2>
      {error !== null && (
        <Alert tone="error" live>
          {errorText(error)}
        </Alert>
      )}
      <Table caption={t('entitlements.mine.requests')} columns={columns} rows={requests} rowKey={(one) => one.id} />
    </section>
  );
}
