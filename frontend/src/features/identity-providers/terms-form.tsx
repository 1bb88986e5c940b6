import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type SyntheticEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorText, ProblemError } from '@/api/client';
import { change, type IdentityProvider, identityProviderKey, identityProvidersKey, type Terms } from '@/api/identity-providers';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';
import { Checkbox, SelectField, TextField } from '@/ui/field';
import { useToast } from '@/ui/toast';

const levels = ['Low', 'Substantial', 'High'] as const;
const joins = { local: ['local_user_id', 'rid', 'uuid'], nemlogin: ['cpr', 'rid', 'uuid'] } as const;

/** How people are found, and how far the login counts. */
export function TermsForm({ provider }: { provider: IdentityProvider }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const toast = useToast();
  const [draft, setDraft] = useState<Terms>({
    name: provider.name,
    join_by: provider.join_by,
    level: provider.level,
    creates: provider.creates,
    unsolicited: provider.unsolicited,
    cbc: provider.cbc,
    skew: provider.skew,
    version: provider.version,
  });
  const edit = (part: Partial<Terms>) => setDraft({ ...draft, ...part });
  const { mutate, isPending, error } = useMutation({
    mutationFn: () => change(provider.id, draft),
    onSuccess: (after) => {
      queries.setQueryData(identityProviderKey(provider.id), after);
      void queries.invalidateQueries({ queryKey: [...identityProvidersKey, 'list'] });
      toast('success', t('ownLogin.terms.saved'));
    },
  });
  const errorOf = (field: string) => (error instanceof ProblemError && error.field === field ? error.text : undefined);
  const save = (event: SyntheticEvent) => {
    event.preventDefault();
    if (!isPending) mutate();
  };
  return (
    <form className="panel" noValidate onSubmit={save}>
      <h2>{t('ownLogin.terms.heading')}</h2>
      {error !== null && !(error instanceof ProblemError && error.field !== undefined) && (
        <Alert tone="error" live>
          {errorText(error)}
        </Alert>
      )}
      <TextField
        id="name"
        label={t('ownLogin.terms.name')}
        hint={t('ownLogin.terms.nameHint')}
        error={errorOf('name')}
        value={draft.name}
        onChange={(event) => edit({ name: event.target.value })}
      />
      <SelectField
        id="join_by"
        label={t('ownLogin.terms.join')}
        hint={t('ownLogin.terms.joinHint')}
        error={errorOf('join_by')}
        value={draft.join_by}
        onChange={(event) => edit({ join_by: joins[provider.kind].find((one) => one === event.target.value) ?? draft.join_by })}
      >
        {joins[provider.kind].map((one) => (
          <option key={one} value={one}>
            {t(`ownLogin.joins.${one}`)}
          </option>
        ))}
      </SelectField>
      <SelectField
        id="level"
        label={t('ownLogin.terms.level')}
        hint={t('ownLogin.terms.levelHint')}
        error={errorOf('level')}
        value={draft.level}
        onChange={(event) => edit({ level: levels.find((one) => one === event.target.value) ?? 'Low' })}
      >
        {levels.map((one) => (
          <option key={one} value={one}>
            {t(`settings.levels.${one}`)}
          </option>
        ))}
      </SelectField>
      {provider.kind === 'local' && (
        <Checkbox
          id="creates"
          label={t('ownLogin.terms.creates')}
          error={errorOf('creates')}
          checked={draft.creates}
          onChange={(event) => edit({ creates: event.target.checked })}
        />
      )}
      <Checkbox
        id="unsolicited"
        label={t('ownLogin.terms.unsolicited')}
        checked={draft.unsolicited}
        onChange={(event) => edit({ unsolicited: event.target.checked })}
      />
      <Checkbox id="cbc" label={t('ownLogin.terms.cbc')} checked={draft.cbc} onChange={(event) => edit({ cbc: event.target.checked })} />
      <TextField
        id="skew"
        type="number"
        min={0}
        max={600}
        label={t('ownLogin.terms.skew')}
        hint={t('ownLogin.terms.skewHint')}
        error={errorOf('skew')}
        value={String(draft.skew)}
        onChange={(event) => edit({ skew: Number(event.target.value) })}
      />
      <div className="actions">
        <Button type="submit" variant="primary" pending={isPending}>
          {t('ownLogin.terms.save')}
        </Button>
      </div>
    </form>
  );
}
