import { useTranslation } from 'react-i18next';
import type { Batch } from '@/api/batches';
import { date, number } from '@/format';
import { Alert } from '@/ui/alert';
import type { ChartState } from '@/ui/chart';
import { FindingTable } from './findings';
import { StartPanel } from './start-panel';

/** The dry run: what starting would do, before anything is changed. */
export function Draft({ id, batch }: { id: string; batch: Batch }) {
  return (
    <>
      <Summary batch={batch} />
      <Errors batch={batch} />
      <StartPanel id={id} batch={batch} />
      <Notices batch={batch} />
    </>
  );
}

interface Figure {
  name: 'toMigrate' | 'alreadyOnKeyFile' | 'blocked' | 'duplicates' | 'bad';
  count: number;
  state: ChartState;
}

function Summary({ batch }: { batch: Batch }) {
  const { t } = useTranslation();
  const { dry_run: run } = batch;
  const figures: Figure[] = [
    { name: 'toMigrate', count: run.to_migrate, state: 'activated' },
    { name: 'alreadyOnKeyFile', count: run.already_on_key_file, state: 'invited' },
    { name: 'blocked', count: run.blocked, state: 'skipped' },
    { name: 'duplicates', count: run.duplicates, state: 'cancelled' },
    { name: 'bad', count: batch.counts.failed, state: 'failed' },
  ];
  return (
    <section className="panel" aria-labelledby="dry-run">
      <h2 id="dry-run">{t('migration.draft.heading')}</h2>
      <p>{t('migration.draft.text', { count: batch.total, total: number(batch.total) })}</p>
      <dl className="figures">
        {figures.map(({ name, count, state }) => (
          <div key={name} className={`figure state-${state}`}>
            <dt>{t(`migration.draft.${name}.name`)}</dt>
            <dd>{number(count)}</dd>
            <dd>{t(`migration.draft.${name}.text`)}</dd>
          </div>
        ))}
      </dl>
      <dl className="facts">
        <dt>{t('migration.draft.ridsKept')}</dt>
        <dd>{number(run.rids_kept)}</dd>
        <dt>{t('migration.draft.newEmployees')}</dt>
        <dd>{number(run.new_employees)}</dd>
        <dt>{t('migration.draft.knownEmployees')}</dt>
        <dd>{number(run.known_employees)}</dd>
        <dt>{t('migration.draft.deadline')}</dt>
        <dd>{batch.deadline === null ? t('migration.draft.noDeadline') : date(batch.deadline)}</dd>
        <dt>{t('migration.draft.parallel')}</dt>
        <dd>
          {batch.parallel_days === null
            ? t('migration.draft.parallelNever')
            : t('migration.draft.parallelDays', { count: batch.parallel_days })}
        </dd>
      </dl>
    </section>
  );
}

function Errors({ batch }: { batch: Batch }) {
  const { t } = useTranslation();
  if (batch.errors_total === 0) {
    return (
      <Alert tone="success" heading={t('migration.draft.noErrors.heading')}>
        {t('migration.draft.noErrors.text')}
      </Alert>
    );
  }
  return (
    <section className="panel" aria-labelledby="errors">
      <h2 id="errors">{t('migration.draft.errors', { count: batch.errors_total })}</h2>
      <p>{t('migration.draft.errorsText')}</p>
      <FindingTable findings={batch.errors} caption={t('migration.draft.errors', { count: batch.errors_total })} />
      {batch.errors.length < batch.errors_total && <p>{t('migration.draft.errorsCut', { shown: number(batch.errors.length) })}</p>}
    </section>
  );
}

function Notices({ batch }: { batch: Batch }) {
  const { t } = useTranslation();
  if (batch.notices_total === 0) return null;
  return (
    <section className="panel" aria-labelledby="notices">
      <h2 id="notices">{t('migration.draft.notices', { count: batch.notices_total })}</h2>
      <p>{t('migration.draft.noticesText')}</p>
      <FindingTable findings={batch.notices} caption={t('migration.draft.notices', { count: batch.notices_total })} />
    </section>
  );
}
