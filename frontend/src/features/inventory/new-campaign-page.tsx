import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { type SyntheticEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorText, ProblemError } from '@/api/client';
import { type Generation, newCampaign } from '@/api/inventory';
import { Page } from '@/frame/page';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';
import { SelectField, TextField } from '@/ui/field';
import { ClosingFields, useClosing } from './closing';

/** Drafts a campaign; its dry run is the next page, and nothing happens yet. */
export function NewCampaignPage() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const [name, setName] = useState('');
  const [generation, setGeneration] = useState<Generation>('oces2');
  const closing = useClosing();
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
    const at = closing.read();
    if (at !== undefined && !draft.isPending) draft.mutate(at);
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
        <ClosingFields closing={closing} hint={t('campaigns.closingHint')} error={errorOf('closes_at')} />
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
