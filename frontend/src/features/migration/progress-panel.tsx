import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type Batch, batchKey, isUnderWay, type RowState, type Step, stepBatch } from '@/api/batches';
import { errorText } from '@/api/client';
import { dateTime, decimal, fromNow, number, percent, time } from '@/format';
import { useNow } from '@/now';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';
import { Sparkline, StackedBar } from '@/ui/chart';
import { Dialog } from '@/ui/dialog';

interface PanelProps {
  id: string;
  batch: Batch;
  /** Whether changes arrive by themselves. */
  live: boolean;
  rates: number[];
}

const states = ['activated', 'invited', 'pending', 'skipped', 'failed', 'cancelled'] as const satisfies RowState[];

export function ProgressPanel({ id, batch, live, rates }: PanelProps) {
  const { t } = useTranslation();
  const done = batch.total - batch.counts.pending;
  const share = batch.total === 0 ? 1 : done / batch.total;
  const progress = t('migration.progress.done', {
    done: number(done),
    total: number(batch.total),
    share: percent(Math.floor(share * 1000) / 1000),
  });
  return (
    <section className="panel" aria-labelledby="progress">
      <div className="panel-top">
        <h2 id="progress">{t('migration.progress.heading')}</h2>
        {isUnderWay(batch) && (
          <span className="quiet small">{live ? t('migration.progress.live') : t('migration.progress.polling')}</span>
        )}
      </div>
      <StackedBar
        label={progress}
        shares={states.map((state) => ({ state, label: t(`migration.row.${state}`), count: batch.counts[state] }))}
      />
      <p>
        <strong className="number">{progress}</strong>
      </p>
      <Announcement batch={batch} share={share} />
      <Pace batch={batch} rates={rates} />
      <Controls id={id} batch={batch} />
    </section>
  );
}

/** Tells a screen reader every tenth, not every change. */
function Announcement({ batch, share }: { batch: Batch; share: number }) {
  const { t } = useTranslation();
  return (
    <p className="sr-only" role="status">
      {t(`migration.state.${batch.state}`)}, {percent(Math.floor(share * 10) / 10)}
    </p>
  );
}

function Pace({ batch, rates }: { batch: Batch; rates: number[] }) {
  const { t } = useTranslation();
  const now = useNow(1_000);
  if (batch.finished_at !== null) return <p>{t('migration.progress.finished', { at: dateTime(batch.finished_at) })}</p>;
  if (batch.state === 'paused') return <p>{t('migration.progress.paused')}</p>;
  if (batch.started_at === null && batch.start_at !== null) {
    const values = { at: dateTime(batch.start_at), in: fromNow(batch.start_at, now) };
    return <p>{t('migration.progress.scheduled', values)}</p>;
  }
  if (batch.rows_per_second === null) return null;
  const rate = t('migration.progress.rate', { rate: decimal(batch.rows_per_second) });
  return (
    <>
      <p>
        {rate}
        {batch.eta !== null && new Date(batch.eta) > now && (
          <> · {t('migration.progress.eta', { at: time(batch.eta), in: fromNow(batch.eta, now) })}</>
        )}
      </p>
      {rates.length > 2 && <Sparkline values={rates} label={rate} />}
    </>
  );
}

function Controls({ id, batch }: { id: string; batch: Batch }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [asking, setAsking] = useState(false);
  const { mutate, isPending, variables, error } = useMutation({
    mutationFn: (step: Step) => stepBatch(id, step),
    onSuccess: (stepped) => {
      queries.setQueryData<Batch>(batchKey(id), (old) => ({ ...stepped, errors: old?.errors ?? [], notices: old?.notices ?? [] }));
      void queries.invalidateQueries({ queryKey: ['rows', id] });
    },
    onSettled: () => setAsking(false),
  });
  if (!isUnderWay(batch)) return null;
  const step = batch.state === 'paused' ? 'resume' : 'pause';
  return (
    <>
      {error !== null && (
        <Alert tone="error" live>
          {errorText(error)}
        </Alert>
      )}
      <p className="quiet small">{t('migration.progress.mayClose')}</p>
      <div className="actions">
        <Button icon={step === 'pause' ? 'hourglass' : 'arrow-forward'} pending={isPending && variables === step} onClick={() => mutate(step)}>
          {t(`migration.progress.${step}`)}
        </Button>
        <Button variant="tertiary" icon="close" onClick={() => setAsking(true)}>
          {t('migration.progress.cancel')}
        </Button>
      </div>
      <Dialog
        open={asking}
        onClose={() => setAsking(false)}
        heading={t('migration.progress.cancelHeading')}
        actions={
          <>
            <Button variant="warning" pending={isPending} onClick={() => mutate('cancel')}>
              {t('migration.progress.cancelSubmit')}
            </Button>
            <Button onClick={() => setAsking(false)}>{t('migration.progress.cancelNot')}</Button>
          </>
        }
      >
        <p>{t('migration.progress.cancelText', { count: batch.counts.pending, rows: number(batch.counts.pending) })}</p>
      </Dialog>
    </>
  );
}
