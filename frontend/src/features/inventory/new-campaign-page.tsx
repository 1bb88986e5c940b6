import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { type SyntheticEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorText, ProblemError } from '@/api/client';
import { type Generation, newCampaign } from '@/api/inventory';
import { danishInstant } from '@/format';
import { Page } from '@/frame/page';
import { codeText } from '@/i18n';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';
import { DateField, type DateParts, noDate } from '@/ui/date-field';
import { SelectField, TextField } from '@/ui/field';

/** Drafts a campaign; its dry run is the next page, and nothing happens yet. */
export function NewCampaignPage() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const [name, setName] = useState('');
  const [generation, setGeneration] = useState<Generation>('oces2');
  const [day, setDay] = useState<DateParts>(noDate);
  const [clock, setClock] = useState('12:00');
  const [wrong, setWrong] = useState<{ day?: string | undefined; clock?: string | undefined }>({});
  const draft = useMutation({
    mutationFn: (closesAt: Date) => newCampaign({ name, generation, closes_at: closesAt.toISOString() }),
    onSuccess: async ({ id }) => {
      await queries.invalidateQueries({ queryKey: ['inventory', 'campaigns'] });
      await navigate({ to: '/inventory/campaigns/$id', params: { id } });
    },
  });
  const field = draft.error instanceof ProblemError ? draft.error.field : undefined;
  const errorOf = (of: string) => (field === of ? errorText(draft.error) : undefined);
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    const typed = /^([01]?\d|2[0-3])[.:]([0-5]\d)$/.exec(clock.trim());
    const at = danishInstant(day, Number(typed?.[1] ?? 0), Number(typed?.[2] ?? 0));
    setWrong({ day: at === undefined ? codeText('form.date') : undefined, clock: typed === null ? codeText('form.clock') : undefined });
    if (at !== undefined && typed !== null && !draft.isPending) draft.mutate(at);
  };
  return (
    <Page title={t('campaigns.newTitle')} lead={t('campaigns.newLead')} parent={{ to: '/inventory/campaigns', title: t('campaigns.title') }} narrow>
      {draft.error !== null && field === undefined && (
        <Alert tone="error" live>
          {errorText(draft.error)}
        </Alert>
      )}
      <form className="panel" noValidate onSubmit={submit}>
        <TextField id="name" label={t('campaigns.name')} error={errorOf('name')} maxLength={200} value={name} onChange={(event) => setName(event.target.value)} />
        <SelectField
          id="generation"
          label={t('campaigns.leave')}
          hint={t('campaigns.leaveHint')}
          error={errorOf('generation')}
          value={generation}
          onChange={(event) => setGeneration(event.target.value as Generation)}
        >
          {(['oces1', 'oces2', 'oces3', 'adgang'] as const).map((one) => (
            <option key={one} value={one}>
              {t(`inventory.generations.${one}`)}
            </option>
          ))}
        </SelectField>
        <DateField
          id="day"
          label={t('campaigns.closingDay')}
          hint={t('campaigns.closingHint')}
          error={wrong.day ?? errorOf('closes_at')}
          value={day}
          onChange={setDay}
        />
        <TextField
          id="clock"
          className="input-width-xs"
          label={t('campaigns.closingClock')}
          hint={t('campaigns.closingClockHint')}
          error={wrong.clock}
          value={clock}
          onChange={(event) => setClock(event.target.value)}
        />
        <div className="actions">
          <Button type="submit" variant="primary" pending={draft.isPending}>
            {t('campaigns.draft')}
          </Button>
        </div>
        <p className="quiet small">{t('campaigns.nothingYet')}</p>
      </form>
    </Page>
  );
}
