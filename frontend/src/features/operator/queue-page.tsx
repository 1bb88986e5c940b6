import { useInfiniteQuery } from '@tanstack/react-query';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { queueQuery, type Step } from '@/api/operator';
import { dateTime } from '@/format';
import { LoadError } from '@/frame/failure';
import { Page } from '@/frame/page';
import { Badge } from '@/ui/badge';
import { Empty, Skeleton } from '@/ui/feedback';
import { SelectField } from '@/ui/field';
import { LoadMore } from '@/ui/load-more';
import { Table } from '@/ui/table';

const route = getRouteApi('/console/operator/applications');
const steps = ['decision', 'company', 'people', 'approval', 'signatures', 'documents', 'approved', 'rejected', 'withdrawn'] as const;
const isStep = (text: string | undefined): text is Step => steps.some((one) => one === text);

export function QueuePage() {
  const { t } = useTranslation();
  const { step } = route.useSearch();
  const navigate = useNavigate();
  const at = step === 'all' ? undefined : isStep(step) ? step : 'decision';
  const query = useInfiniteQuery(queueQuery(at));
  const all = query.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <Page title={t('operator.pages.applications')}>
      <SelectField id="step" label={t('operator.step')} value={at ?? 'all'} onChange={(e) => void navigate({ to: '/operator/applications', search: { step: e.target.value }, replace: true })}>
        {steps.map((one) => (
          <option key={one} value={one}>
            {t(`onboarding.step.${one}`)}
          </option>
        ))}
        <option value="all">{t('operator.all')}</option>
      </SelectField>
      {query.isPending && <Skeleton label={t('ui.loading')} />}
      {query.error !== null && <LoadError error={query.error} onRetry={() => void query.refetch()} />}
      {query.isSuccess && all.length === 0 && (
        <Empty icon="check" heading={t('operator.noApplications')}>
          {t('operator.noApplicationsText')}
        </Empty>
      )}
      {all.length > 0 && (
        <>
          <Table
            caption={t('operator.pages.applications')}
            columns={[
              {
                heading: t('operator.organisation'),
                rowHeading: true,
                cell: (a) => (
                  <Link to="/operator/applications/$id" params={{ id: a.id }}>
                    {a.name === '' ? t('operator.unnamed') : a.name}
                  </Link>
                ),
              },
              { heading: t('onboarding.cvr'), cell: (a) => (a.cvr === '' ? '–' : a.cvr) },
              { heading: t('operator.step'), cell: (a) => <Badge>{t(`onboarding.step.${a.step}`)}</Badge> },
              { heading: t('operator.verified'), cell: (a) => (a.verified ? t('operator.yes') : t('operator.no')) },
              { heading: t('operator.changed'), cell: (a) => dateTime(a.updated_at) },
            ]}
            rows={all}
            rowKey={(a) => a.id}
          />
          <LoadMore shown={all.length} more={query.hasNextPage} pending={query.isFetchingNextPage} onMore={() => void query.fetchNextPage()} />
        </>
      )}
    </Page>
  );
}
