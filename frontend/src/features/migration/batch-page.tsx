import { getRouteApi } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { type Batch, reportUrl, resultUrl } from '@/api/batches';
import { isStatus } from '@/api/client';
import { dateTime } from '@/format';
import { LoadError, NotFound } from '@/frame/failure';
import { Page } from '@/frame/page';
import { Alert } from '@/ui/alert';
import { Skeleton } from '@/ui/feedback';
import { Icon } from '@/ui/icon';
import { Draft } from './draft';
import { FunnelPanel } from './funnel-panel';
import { LettersPanel } from './letters-panel';
import { ProgressPanel } from './progress-panel';
import { ReportPanel } from './report-panel';
import { RetryPanel } from './retry-panel';
import { RowsPanel } from './rows-panel';
import { BatchBadge } from './state';
import { useBatch } from './use-batch';

const route = getRouteApi('/inside/migration/$id');

export function BatchPage() {
  const { t } = useTranslation();
  const { id } = route.useParams();
  const { data: batch, error, refetch, live, rates } = useBatch(id);
  if (isStatus(error, 404)) return <NotFound />;
  return (
    <Page
      title={batch?.name ?? t('migration.batch.title')}
      lead={batch && <Lead batch={batch} />}
      parent={{ to: '/migration', title: t('migration.title') }}
      actions={batch && <ReportLink id={id} />}
    >
      {error !== null && <LoadError error={error} onRetry={() => void refetch()} />}
      {batch === undefined && error === null && <Skeleton label={t('ui.loading')} lines={8} />}
      {batch?.state === 'draft' && <Draft id={id} batch={batch} />}
      {batch !== undefined && batch.state !== 'draft' && <Started {...{ id, batch, live, rates }} />}
    </Page>
  );
}

function Lead({ batch }: { batch: Batch }) {
  const { t } = useTranslation();
  const scheduled = batch.started_at === null && batch.start_at !== null;
  return (
    <>
      <BatchBadge state={batch.state} scheduled={scheduled} />{' '}
      {t('migration.batch.created', { file: batch.file_name, at: dateTime(batch.created_at) })}
    </>
  );
}

function ReportLink({ id }: { id: string }) {
  const { t } = useTranslation();
  return (
    <>
      <a className="button button-secondary" href={reportUrl(id)} download>
        <Icon name="download" />
        <span>{t('migration.batch.report')}</span>
      </a>
      <a className="button button-tertiary" href={resultUrl(id)} download>
        <Icon name="download" />
        <span>{t('migration.batch.result')}</span>
      </a>
    </>
  );
}

interface StartedProps {
  id: string;
  batch: Batch;
  live: boolean;
  rates: number[];
}

function Started({ id, batch, live, rates }: StartedProps) {
  const { t } = useTranslation();
  return (
    <>
      {batch.paced === true && batch.state === 'running' && <Alert tone="info">{t('migration.batch.paced')}</Alert>}
      <ProgressPanel {...{ id, batch, live, rates }} />
      <div className="columns">
        <FunnelPanel batch={batch} />
        <LettersPanel id={id} batch={batch} />
      </div>
      <RetryPanel id={id} batch={batch} />
      <ReportPanel batch={batch} />
      <RowsPanel id={id} batch={batch} />
    </>
  );
}
