import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { cancelRun, type Run, runKey, startRun } from '@/api/bulk';
import { errorText } from '@/api/client';
import { number } from '@/format';
import { codeText } from '@/i18n';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';
import { Dialog } from '@/ui/dialog';
import { Checkbox, TextField } from '@/ui/field';

/** Starting is the one step here that changes something. */
export function StartPanel({ run }: { run: Run }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const navigate = useNavigate();
  const bad = run.forecast.refuse;
  const [skip, setSkip] = useState(false);
  const [mustSkip, setMustSkip] = useState(false);
  const [asked, setAsked] = useState(false);
  const start = useMutation({
    mutationFn: () => startRun(run.id, { skip_bad: skip, ...(run.over_limit && { missing: run.missing }) }),
    onSuccess: (after) => {
      setAsked(false);
      queries.setQueryData(runKey(run.id), after);
      void queries.invalidateQueries({ queryKey: ['bulk-rows', run.id] });
    },
  });
  const cancel = useMutation({
    mutationFn: () => cancelRun(run.id),
    onSuccess: () => {
      void queries.invalidateQueries({ queryKey: ['bulk'] });
      void navigate({ to: '/employees/bulk' });
    },
  });
  const error = start.error ?? cancel.error;
  const rest = run.counts.pending;
  const blocked = run.mode === 'full' && bad > 0;
  const grave = run.forecast.suspend + run.forecast.delete > 0;
  const go = () => {
    setMustSkip(bad > 0 && !skip);
    if (bad > 0 && !skip) return;
    if (grave) setAsked(true);
    else start.mutate();
  };
  return (
    <section className="panel" aria-labelledby="start">
      <h2 id="start">{t('bulk.start.heading')}</h2>
      {rest === 0 ? (
        <Alert tone="warning">{t('bulk.start.nothing')}</Alert>
      ) : (
        <p>{t('bulk.start.text', { count: rest, rows: number(rest) })}</p>
      )}
      {blocked && <Alert tone="error">{codeText('roster.run.full_bad_rows') ?? t('bulk.start.fullBad')}</Alert>}
      {bad > 0 && rest > 0 && !blocked && (
        <Checkbox
          id="skip-bad"
          label={t('bulk.start.skipBad', { count: bad, rows: number(bad) })}
          checked={skip}
          error={mustSkip && !skip ? codeText('form.skipBad') : undefined}
          onChange={(event) => setSkip(event.target.checked)}
        />
      )}
      {error !== null && !asked && (
        <Alert tone="error" live>
          {errorText(error)}
        </Alert>
      )}
      <div className="actions">
        {rest > 0 && !blocked && (
          <Button variant="primary" icon="arrow-forward" pending={start.isPending} onClick={go}>
            {t('bulk.start.now')}
          </Button>
        )}
        <Button variant="tertiary" icon="delete" pending={cancel.isPending} onClick={() => cancel.mutate()}>
          {t('bulk.start.discard')}
        </Button>
      </div>
      <ConfirmDialog
        run={run}
        open={asked}
        pending={start.isPending}
        error={start.error}
        onClose={() => setAsked(false)}
        onStart={() => start.mutate()}
      />
    </section>
  );
}

interface ConfirmProps {
  run: Run;
  open: boolean;
  pending: boolean;
  error: Error | null;
  onClose: () => void;
  onStart: () => void;
}

/** People lose access: the number must be seen, and above the limit typed. */
function ConfirmDialog({ run, open, pending, error, onClose, onStart }: ConfirmProps) {
  const { t } = useTranslation();
  const [typed, setTyped] = useState('');
  const [wrong, setWrong] = useState(false);
  const count = run.forecast.suspend + run.forecast.delete;
  const start = () => {
    const differs = run.over_limit && typed.replace(/[\s.,]/g, '') !== String(run.missing);
    setWrong(differs);
    if (!differs) onStart();
  };
  const numbers = { missing: number(run.missing), active: number(run.active), limit: number(run.limit) };
  return (
    <Dialog
      open={open}
      onClose={onClose}
      heading={t('bulk.confirm.heading')}
      actions={
        <>
          <Button variant="warning" pending={pending} onClick={start}>
            {t('bulk.confirm.submit')}
          </Button>
          <Button onClick={onClose}>{t('ui.cancel')}</Button>
        </>
      }
    >
      <p>{t(run.forecast.delete > 0 ? 'bulk.confirm.delete' : 'bulk.confirm.suspend', { count, people: number(count) })}</p>
      {run.over_limit && (
        <>
          <Alert tone="warning">{t('bulk.confirm.overLimit', numbers)}</Alert>
          <TextField
            id="missing"
            className="input-width-xs"
            inputMode="numeric"
            label={t('bulk.confirm.type')}
            value={typed}
            error={wrong ? t('bulk.confirm.wrong', numbers) : undefined}
            onChange={(event) => setTyped(event.target.value)}
          />
        </>
      )}
      {error !== null && (
        <Alert tone="error" live>
          {errorText(error)}
        </Alert>
      )}
    </Dialog>
  );
}
