import { useInfiniteQuery, useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorText } from '@/api/client';
import { decideRequest, type EmployeeRequest, requestsQuery } from '@/api/employees';
import { dateTime } from '@/format';
import { LoadError } from '@/frame/failure';
import { Page } from '@/frame/page';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';
import { Dialog } from '@/ui/dialog';
import { Empty, Skeleton } from '@/ui/feedback';
import { TextArea } from '@/ui/field';
import { LoadMore } from '@/ui/load-more';
import { useToast } from '@/ui/toast';

/** Who asks to be created or to be anonymous, for the user administrator. */
export function RequestsPage() {
  const { t } = useTranslation();
  const query = useInfiniteQuery(requestsQuery('open'));
  const requests = query.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <Page title={t('employees.requests.title')} lead={t('employees.requests.lead')}>
      {query.isPending && <Skeleton label={t('ui.loading')} lines={6} />}
      {query.error !== null && <LoadError error={query.error} onRetry={() => void query.refetch()} />}
      {query.isSuccess && requests.length === 0 && (
        <Empty icon="persons" heading={t('employees.requests.emptyHeading')}>
          {t('employees.requests.emptyText')}
        </Empty>
      )}
      {requests.map((one) => (
        <Request key={one.id} request={one} />
      ))}
      {requests.length > 0 && (
        <LoadMore shown={requests.length} more={query.hasNextPage} pending={query.isFetchingNextPage} onMore={() => void query.fetchNextPage()} />
      )}
    </Page>
  );
}

function Request({ request }: { request: EmployeeRequest }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const toast = useToast();
  const [rejecting, setRejecting] = useState(false);
  const [answer, setAnswer] = useState('');
  const decide = useMutation({
    mutationFn: (approve: boolean) => decideRequest(request.id, { approve, ...(!approve && { answer: answer.trim() }) }),
    onSuccess: async (_, approve) => {
      setRejecting(false);
      toast('success', t(approve ? 'employees.requests.approved' : 'employees.requests.rejected'));
      await queries.invalidateQueries({ queryKey: ['employees'] });
    },
  });
  const name = `${request.given_name} ${request.surname}`;
  return (
    <section className="panel" aria-labelledby={`request-${request.id}`}>
      <h2 id={`request-${request.id}`}>{t(`employees.requests.${request.kind}`, { name })}</h2>
      <p>{request.reason}</p>
      <p className="quiet small">
        {request.email} {request.phone} · {dateTime(request.created_at)}
      </p>
      {decide.error !== null && (
        <Alert tone="error" live>
          {errorText(decide.error)}
        </Alert>
      )}
      <div className="actions">
        <Button variant="primary" pending={decide.isPending} onClick={() => decide.mutate(true)} aria-label={t('employees.requests.approveOne', { name })}>
          {t('employees.requests.approve')}
        </Button>
        <Button onClick={() => setRejecting(true)} aria-label={t('employees.requests.rejectOne', { name })}>
          {t('employees.requests.reject')}
        </Button>
      </div>
      <Dialog
        open={rejecting}
        onClose={() => setRejecting(false)}
        heading={t('employees.requests.rejectHeading', { name })}
        actions={
          <>
            <Button variant="warning" pending={decide.isPending} onClick={() => decide.mutate(false)}>
              {t('employees.requests.reject')}
            </Button>
            <Button onClick={() => setRejecting(false)}>{t('ui.cancel')}</Button>
          </>
        }
      >
        <TextArea
          id={`answer-${request.id}`}
          label={t('employees.requests.why')}
          hint={t('employees.requests.whyHint')}
          maxLength={500}
          value={answer}
          onChange={(event) => setAnswer(event.target.value)}
        />
      </Dialog>
    </section>
  );
}
