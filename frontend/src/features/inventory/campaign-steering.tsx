import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type SyntheticEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorText } from '@/api/client';
import { type Campaign, cancelCampaign, moveCampaign, pauseCampaign, resumeCampaign } from '@/api/inventory';
import { danishInstant } from '@/format';
import { codeText } from '@/i18n';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';
import { DateField, type DateParts, noDate } from '@/ui/date-field';
import { Dialog } from '@/ui/dialog';
import { TextField } from '@/ui/field';
import { useToast } from '@/ui/toast';

/** Pause, resume, cancel, and another instant for the closing. */
export function CampaignSteering({ campaign }: { campaign: Campaign }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const toast = useToast();
  const [asking, setAsking] = useState(false);
  const [day, setDay] = useState<DateParts>(noDate);
  const [clock, setClock] = useState('12:00');
  const [wrong, setWrong] = useState<{ day?: string | undefined; clock?: string | undefined }>({});
  const done = (text: string) => async () => {
    await queries.invalidateQueries({ queryKey: ['inventory'] });
    toast('success', text);
  };
  const paused = campaign.state === 'paused';
  const turn = useMutation({
    mutationFn: () => (paused ? resumeCampaign(campaign.id) : pauseCampaign(campaign.id)),
    onSuccess: done(paused ? t('campaigns.resumed') : t('campaigns.paused')),
  });
  const cancel = useMutation({
    mutationFn: () => cancelCampaign(campaign.id),
    onSuccess: done(t('campaigns.cancelled')),
    onSettled: () => setAsking(false),
  });
  const move = useMutation({
    mutationFn: (at: Date) => moveCampaign(campaign.id, at.toISOString()),
    onSuccess: done(t('campaigns.moved')),
  });
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    const typed = /^([01]?\d|2[0-3])[.:]([0-5]\d)$/.exec(clock.trim());
    const at = danishInstant(day, Number(typed?.[1] ?? 0), Number(typed?.[2] ?? 0));
    setWrong({ day: at === undefined ? codeText('form.date') : undefined, clock: typed === null ? codeText('form.clock') : undefined });
    if (at !== undefined && typed !== null && !move.isPending) move.mutate(at);
  };
  const failure = turn.error ?? cancel.error ?? move.error;
  return (
    <section className="panel" aria-labelledby="steering">
      <h2 id="steering">{t('campaigns.move')}</h2>
      {failure !== null && (
        <Alert tone="error" live>
          {errorText(failure)}
        </Alert>
      )}
      <form noValidate onSubmit={submit}>
        <DateField id="closing-day" label={t('campaigns.closingDay')} hint={t('campaigns.moveHint')} error={wrong.day} value={day} onChange={setDay} />
        <TextField
          id="closing-clock"
          className="input-width-xs"
          label={t('campaigns.closingClock')}
          hint={t('campaigns.closingClockHint')}
          error={wrong.clock}
          value={clock}
          onChange={(event) => setClock(event.target.value)}
        />
        <div className="actions">
          <Button type="submit" variant="primary" pending={move.isPending}>
            {t('campaigns.move')}
          </Button>
          <Button pending={turn.isPending} onClick={() => turn.mutate()}>
            {paused ? t('campaigns.resume') : t('campaigns.pause')}
          </Button>
          <Button variant="tertiary" onClick={() => setAsking(true)}>
            {t('campaigns.cancel')}
          </Button>
        </div>
      </form>
      <Dialog
        open={asking}
        onClose={() => setAsking(false)}
        heading={t('campaigns.cancelHeading')}
        actions={
          <>
            <Button variant="primary" pending={cancel.isPending} onClick={() => cancel.mutate()}>
              {t('campaigns.cancel')}
            </Button>
            <Button onClick={() => setAsking(false)}>{t('ui.cancel')}</Button>
          </>
        }
      >
        <p>{t('campaigns.cancelText')}</p>
      </Dialog>
    </section>
  );
}
