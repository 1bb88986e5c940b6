import { useMutation, useQueryClient } from '@tanstack/react-query';
import type { SyntheticEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { errorText } from '@/api/client';
import { type Campaign, cancelCampaign, moveCampaign, pauseCampaign, resumeCampaign } from '@/api/inventory';
import { AskFirst } from '@/frame/ask-first';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';
import { useToast } from '@/ui/toast';
import { ClosingFields, useClosing } from './closing';

/** Pause, resume, cancel, and another instant for the closing. */
export function CampaignSteering({ campaign }: { campaign: Campaign }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const toast = useToast();
  const closing = useClosing();
  const done = (text: string) => async () => {
    await queries.invalidateQueries({ queryKey: ['inventory'] });
    toast('success', text);
  };
  const paused = campaign.state === 'paused';
  const turn = useMutation({
    mutationFn: () => (paused ? resumeCampaign(campaign.id) : pauseCampaign(campaign.id)),
    onSuccess: done(paused ? t('campaigns.resumed') : t('campaigns.paused')),
  });
  const move = useMutation({
    mutationFn: (at: Date) => moveCampaign(campaign.id, at.toISOString()),
    onSuccess: done(t('campaigns.moved')),
  });
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    const at = closing.read();
    if (at !== undefined && !move.isPending) move.mutate(at);
  };
  const failure = turn.error ?? move.error;
  return (
    <section className="panel" aria-labelledby="steering">
      <h2 id="steering">{t('campaigns.move')}</h2>
      {failure !== null && (
        <Alert tone="error" live>
          {errorText(failure)}
        </Alert>
      )}
      <form noValidate onSubmit={submit}>
        <ClosingFields closing={closing} hint={t('campaigns.moveHint')} />
        <div className="actions">
          <Button type="submit" variant="primary" pending={move.isPending}>
            {t('campaigns.move')}
          </Button>
          <Button pending={turn.isPending} onClick={() => turn.mutate()}>
            {paused ? t('campaigns.resume') : t('campaigns.pause')}
          </Button>
          <AskFirst label={t('campaigns.cancel')} heading={t('campaigns.cancelHeading')} act={() => cancelCampaign(campaign.id).then(done(t('campaigns.cancelled')))}>
            {t('campaigns.cancelText')}
          </AskFirst>
        </div>
      </form>
    </section>
  );
}
