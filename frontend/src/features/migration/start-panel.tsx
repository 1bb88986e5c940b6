import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type Batch, batchKey, startBatch, stepBatch } from '@/api/batches';
import { errorText } from '@/api/client';
import { codeText } from '@/i18n';
import { danishInstant, dateTime, number } from '@/format';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';
import { DateField, noDate } from '@/ui/date-field';
import { Dialog } from '@/ui/dialog';
import { Checkbox, TextField } from '@/ui/field';

/** Starting is the one step here that changes something. */
export function StartPanel({ id, batch }: { id: string; batch: Batch }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const navigate = useNavigate();
  const bad = batch.counts.failed;
  const [skip, setSkip] = useState(false);
  const [mustSkip, setMustSkip] = useState(false);
  const [later, setLater] = useState(false);
  const start = useMutation({
    mutationFn: (at: Date | undefined) =>
      startBatch(id, { skip_bad: skip, ...(at !== undefined && { start_at: at.toISOString() }) }),
    onSuccess: (started) => {
      setLater(false);
      queries.setQueryData<Batch>(batchKey(id), (old) => ({ ...started, errors: old?.errors ?? [], notices: old?.notices ?? [] }));
    },
  });
  const cancel = useMutation({
    mutationFn: () => stepBatch(id, 'cancel'),
    onSuccess: () => {
      void queries.invalidateQueries({ queryKey: ['batches'] });
      void navigate({ to: '/migration' });
    },
  });
  const error = start.error ?? cancel.error;
  const orSkip = (go: () => void) => () => {
    setMustSkip(bad > 0 && !skip);
    if (bad === 0 || skip) go();
  };
  // Rows of people who have a key file are pending too; they get no invitation.
  const rest = batch.counts.pending;
  const count = batch.dry_run.to_migrate;
  return (
    <section className="panel" aria-labelledby="start">
      <h2 id="start">{t('migration.start.heading')}</h2>
      {rest === 0 ? (
        <Alert tone="warning">{t('migration.start.nothing')}</Alert>
      ) : (
        <p>{t('migration.start.text', { count, rows: number(count) })}</p>
      )}
      {batch.start_at !== null && <p>{t('migration.start.planned', { at: dateTime(batch.start_at) })}</p>}
      {bad > 0 && rest > 0 && (
        <Checkbox
          id="skip-bad"
          label={t('migration.start.skipBad', { count: bad, rows: number(bad) })}
          checked={skip}
          error={mustSkip && !skip ? codeText('form.skipBad') : undefined}
          onChange={(event) => setSkip(event.target.checked)}
        />
      )}
      {error !== null && (
        <Alert tone="error" live>
          {errorText(error)}
        </Alert>
      )}
      <div className="actions">
        {rest > 0 && (
          <>
            <Button variant="primary" icon="arrow-forward" pending={start.isPending} onClick={orSkip(() => start.mutate(undefined))}>
              {batch.start_at === null ? t('migration.start.now') : t('migration.start.asPlanned')}
            </Button>
            <Button icon="time" onClick={orSkip(() => setLater(true))}>
              {t('migration.start.later')}
            </Button>
          </>
        )}
        <Button variant="tertiary" icon="delete" pending={cancel.isPending} onClick={() => cancel.mutate()}>
          {t('migration.start.discard')}
        </Button>
      </div>
      <LaterDialog open={later} pending={start.isPending} onClose={() => setLater(false)} onStart={start.mutate} />
    </section>
  );
}

interface LaterProps {
  open: boolean;
  pending: boolean;
  onClose: () => void;
  onStart: (at: Date) => void;
}

function LaterDialog({ open, pending, onClose, onStart }: LaterProps) {
  const { t } = useTranslation();
  const [day, setDay] = useState(noDate);
  const [clock, setClock] = useState('08:00');
  const [error, setError] = useState<'form.date' | 'form.clock' | 'form.datePast'>();
  const start = () => {
    const [, hour, minute] = /^([01]?\d|2[0-3])[.:]([0-5]\d)$/.exec(clock.trim()) ?? [];
    const at = danishInstant(day, Number(hour), Number(minute));
    if (hour === undefined) setError('form.clock');
    else if (at === undefined) setError('form.date');
    else if (at.getTime() < Date.now()) setError('form.datePast');
    else {
      setError(undefined);
      onStart(at);
    }
  };
  const text = error === undefined ? undefined : codeText(error);
  return (
    <Dialog
      open={open}
      onClose={onClose}
      heading={t('migration.start.laterHeading')}
      actions={
        <>
          <Button variant="primary" pending={pending} onClick={start}>
            {t('migration.start.laterSubmit')}
          </Button>
          <Button onClick={onClose}>{t('ui.cancel')}</Button>
        </>
      }
    >
      <p>{t('migration.start.laterText')}</p>
      <DateField
        id="start-date"
        label={t('migration.start.date')}
        value={day}
        onChange={setDay}
        error={error === 'form.clock' ? undefined : text}
      />
      <TextField
        id="start-clock"
        className="input-width-xxs"
        label={t('migration.start.clock')}
        hint={t('migration.start.clockHint')}
        value={clock}
        onChange={(event) => setClock(event.target.value)}
        error={error === 'form.clock' ? text : undefined}
      />
    </Dialog>
  );
}
