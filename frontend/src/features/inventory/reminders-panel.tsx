import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type SyntheticEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorText, ProblemError } from '@/api/client';
import { type CertificateView, type Reminder, snooze } from '@/api/inventory';
import { dateTime } from '@/format';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';
import { Dialog } from '@/ui/dialog';
import { TextArea, TextField } from '@/ui/field';
import { type Column, Table } from '@/ui/table';
import { dayAhead, dayText } from './words';

/** The reminders of a certificate: those sent, and whether they are put off. */
export function RemindersPanel({ view, manages }: { view: CertificateView; manages: boolean }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [asking, setAsking] = useState(false);
  const { id } = view.certificate;
  const wake = useMutation({
    mutationFn: () => snooze(id, '', ''),
    onSuccess: () => queries.invalidateQueries({ queryKey: ['inventory', 'one', id] }),
  });
  const asleep = view.snoozed_until !== '';
  return (
    <section className="panel" aria-labelledby="reminders">
      <h2 id="reminders">{t('inventory.reminders.heading')}</h2>
      {wake.error !== null && (
        <Alert tone="error" live>
          {errorText(wake.error)}
        </Alert>
      )}
      {asleep && (
        <Alert tone="warning" heading={t('inventory.reminders.asleep', { day: dayText(view.snoozed_until) })}>
          {view.snooze_reason}
        </Alert>
      )}
      {view.reminders.length === 0 ? <p>{t('inventory.reminders.none')}</p> : <ReminderTable reminders={view.reminders} />}
      {manages && (
        <div className="actions">
          {asleep ? (
            <Button icon="notifications" pending={wake.isPending} onClick={() => wake.mutate()}>
              {t('inventory.reminders.wake')}
            </Button>
          ) : (
            <Button icon="time" onClick={() => setAsking(true)}>
              {t('inventory.reminders.snooze')}
            </Button>
          )}
        </div>
      )}
      <Dialog open={asking} onClose={() => setAsking(false)} heading={t('inventory.reminders.snoozeHeading')}>
        <SnoozeForm id={id} onClose={() => setAsking(false)} />
      </Dialog>
    </section>
  );
}

function SnoozeForm({ id, onClose }: { id: string; onClose: () => void }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [until, setUntil] = useState(dayAhead(14));
  const [reason, setReason] = useState('');
  const save = useMutation({
    mutationFn: () => snooze(id, until, reason),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ['inventory', 'one', id] });
      onClose();
    },
  });
  const field = save.error instanceof ProblemError ? save.error.field : undefined;
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    if (!save.isPending) save.mutate();
  };
  return (
    <form noValidate onSubmit={submit}>
      {save.error !== null && field === undefined && (
        <Alert tone="error" live>
          {errorText(save.error)}
        </Alert>
      )}
      <TextField
        id="snooze-until"
        type="date"
        label={t('inventory.reminders.until')}
        hint={t('inventory.reminders.untilHint')}
        error={field === 'until' ? errorText(save.error) : undefined}
        value={until}
        onChange={(event) => setUntil(event.target.value)}
      />
      <TextArea
        id="snooze-reason"
        label={t('inventory.reminders.reason')}
        rows={3}
        maxLength={500}
        error={field === 'reason' ? errorText(save.error) : undefined}
        value={reason}
        onChange={(event) => setReason(event.target.value)}
      />
      <div className="actions">
        <Button type="submit" variant="primary" pending={save.isPending}>
          {t('inventory.reminders.snoozeSubmit')}
        </Button>
        <Button onClick={onClose}>{t('ui.cancel')}</Button>
      </div>
    </form>
  );
}

function ReminderTable({ reminders }: { reminders: Reminder[] }) {
  const { t } = useTranslation();
  const columns: Column<Reminder>[] = [
    { heading: t('inventory.reminders.at'), rowHeading: true, cell: (one) => dateTime(one.settled_at ?? one.created_at) },
    { heading: t('inventory.reminders.rule'), cell: (one) => ruleText(t, one.days) },
    { heading: t('inventory.reminders.receiver'), cell: (one) => t(`inventory.reminders.receivers.${one.receiver}`) },
    { heading: t('inventory.reminders.state'), cell: (one) => t(`inventory.reminders.states.${one.state}`) },
  ];
  return <Table caption={t('inventory.reminders.heading')} columns={columns} rows={reminders} rowKey={(one) => `${one.days} ${one.receiver} ${one.employee_id} ${one.created_at}`} />;
}

type Translate = ReturnType<typeof useTranslation>['t'];

/** How long before or after the end a rule is. */
export function ruleText(t: Translate, days: number): string {
  if (days > 0) return t('inventory.reminders.before', { count: days });
  return days === 0 ? t('inventory.reminders.onTheDay') : t('inventory.reminders.after', { count: -days });
}
