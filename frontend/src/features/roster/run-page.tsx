import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { cancelRun, type Run, runKey, runQuery, runReportUrl, runResultUrl } from '@/api/bulk';
import { errorText, isStatus } from '@/api/client';
import { FindingTable } from '@/features/migration/findings';
import { dateTime, number } from '@/format';
import { LoadError, NotFound } from '@/frame/failure';
import { Page } from '@/frame/page';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';
import { Skeleton } from '@/ui/feedback';
import { Icon } from '@/ui/icon';
import { RowsPanel } from './rows-panel';
import { StartPanel } from './start-panel';
import { RunBadge } from './state';

const route = getRouteApi('/inside/employees/bulk/$id');

export function RunPage() {
  const { t } = useTranslation();
  const { id } = route.useParams();
  const { data: run, error, refetch } = useQuery(runQuery(id));
  if (isStatus(error, 404)) return <NotFound />;
  return (
    <Page
      title={run?.name ?? t('bulk.title')}
      lead={run && <Lead run={run} />}
      parent={{ to: '/employees/bulk', title: t('bulk.title') }}
      actions={
        run && (
          <>
            <a className="button button-secondary" href={runReportUrl(id)} download>
              <Icon name="download" />
              <span>{t('bulk.run.report')}</span>
            </a>
            <a className="button button-tertiary" href={runResultUrl(id)} download>
              <Icon name="download" />
              <span>{t('bulk.run.result')}</span>
            </a>
          </>
        )
      }
    >
      {error !== null && <LoadError error={error} onRetry={() => void refetch()} />}
      {run === undefined && error === null && <Skeleton label={t('ui.loading')} lines={8} />}
      {run !== undefined && (
        <>
          {run.state === 'draft' || run.state === 'waiting' ? <Forecast run={run} /> : <Progress run={run} />}
          {run.state === 'draft' && <StartPanel run={run} />}
          {run.state === 'waiting' && <Alert tone="warning">{t('bulk.run.waiting', { name: run.started_by ?? '' })}</Alert>}
          {(run.state === 'waiting' || run.state === 'running') && <CancelButton run={run} />}
          <Findings run={run} />
          <RowsPanel run={run} />
        </>
      )}
    </Page>
  );
}

function Lead({ run }: { run: Run }) {
  const { t } = useTranslation();
  return (
    <>
      <RunBadge state={run.state} /> {t(`bulk.mode.${run.mode}.name`)}.{' '}
      {t('bulk.run.created', { file: run.file_name, at: dateTime(run.created_at), by: run.created_by })}
    </>
  );
}

const figures = [
  { name: 'create', state: 'activated' },
  { name: 'edit', state: 'invited' },
  { name: 'reactivate', state: 'activated' },
  { name: 'suspend', state: 'skipped' },
  { name: 'delete', state: 'failed' },
  { name: 'none', state: 'cancelled' },
  { name: 'refuse', state: 'failed' },
] as const;

/** What starting would do, before anything is changed. */
function Forecast({ run }: { run: Run }) {
  const { t } = useTranslation();
  return (
    <section className="panel" aria-labelledby="forecast">
      <h2 id="forecast">{t('bulk.run.forecast')}</h2>
      <p>{t('bulk.run.forecastText', { count: run.total, rows: number(run.total) })}</p>
      <dl className="figures">
        {figures
          .filter(({ name }) => run.forecast[name] > 0)
          .map(({ name, state }) => (
            <div key={name} className={`figure state-${state}`}>
              <dt>{t(`bulk.action.${name}`)}</dt>
              <dd>{number(run.forecast[name])}</dd>
              <dd>{t(`bulk.actionText.${name}`)}</dd>
            </div>
          ))}
      </dl>
    </section>
  );
}

const counted = [
  { name: 'done', state: 'activated' },
  { name: 'pending', state: 'pending' },
  { name: 'unchanged', state: 'cancelled' },
  { name: 'failed', state: 'failed' },
  { name: 'cancelled', state: 'skipped' },
] as const;

/** How far a run has come, or what became of it. */
function Progress({ run }: { run: Run }) {
  const { t } = useTranslation();
  const share = run.total === 0 ? 1 : 1 - run.counts.pending / run.total;
  return (
    <section className="panel" aria-labelledby="progress">
      <h2 id="progress">{t(run.state === 'running' ? 'bulk.run.running' : 'bulk.run.result')}</h2>
      {run.started_by !== null && run.started_at !== null && (
        <p>{t('bulk.run.started', { name: run.started_by, at: dateTime(run.started_at) })}</p>
      )}
      {run.state === 'running' && (
        <svg className="bar state-activated" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden>
          <rect width={share * 100} height="10" />
        </svg>
      )}
      <dl className="figures" aria-live="polite">
        {counted
          .filter(({ name }) => run.counts[name] > 0 || name === 'done')
          .map(({ name, state }) => (
            <div key={name} className={`figure state-${state}`}>
              <dt>{t(`bulk.row.${name}`)}</dt>
              <dd>{number(run.counts[name])}</dd>
            </div>
          ))}
      </dl>
    </section>
  );
}

function CancelButton({ run }: { run: Run }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const cancel = useMutation({
    mutationFn: () => cancelRun(run.id),
    onSuccess: (after) => queries.setQueryData(runKey(run.id), after),
  });
  return (
    <>
      {cancel.error !== null && (
        <Alert tone="error" live>
          {errorText(cancel.error)}
        </Alert>
      )}
      <div className="actions">
        <Button variant="tertiary" icon="delete" pending={cancel.isPending} onClick={() => cancel.mutate()}>
          {t('bulk.run.stop')}
        </Button>
      </div>
    </>
  );
}

function Findings({ run }: { run: Run }) {
  const { t } = useTranslation();
  const parts = [
    { name: t('bulk.run.errors', { count: run.errors_total }), findings: run.errors, open: run.state === 'draft' },
    { name: t('bulk.run.notices', { count: run.notices_total }), findings: run.notices, open: false },
  ].filter(({ findings }) => findings.length > 0);
  return parts.map(({ name, findings, open }) => (
    <details className="panel" key={name} open={open}>
      <summary>{name}</summary>
      <FindingTable findings={findings} caption={name} />
    </details>
  ));
}
