import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { type SyntheticEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorText } from '@/api/client';
import { identityProviderKey, identityProvidersKey, register } from '@/api/identity-providers';
import { Page } from '@/frame/page';
import { MetadataAddress } from '@/frame/metadata-address';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';
import { SelectField, TextField } from '@/ui/field';
import { useToast } from '@/ui/toast';
import { MetadataForm } from '../services/metadata-form';


const kinds = ['local', 'nemlogin'] as const;

export function NewIdentityProviderPage() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const toast = useToast();
  const [kind, setKind] = useState<(typeof kinds)[number]>('local');
  const [url, setUrl] = useState('');
  const { mutate, isPending, error } = useMutation({
    mutationFn: register,
    onSuccess: (made) => {
      queries.setQueryData(identityProviderKey(made.id), made);
      void queries.invalidateQueries({ queryKey: [...identityProvidersKey, 'list'] });
      toast('success', t('ownLogin.registered'));
      void navigate({ to: '/identity-providers/$id', params: { id: made.id } });
    },
  });
  const fetchIt = (event: SyntheticEvent) => {
    event.preventDefault();
    if (!isPending && url.trim() !== '') mutate({ kind, url: url.trim() });
  };
  return (
    <Page
      title={t('ownLogin.register')}
      lead={t('ownLogin.form.lead')}
      parent={{ to: '/identity-providers', title: t('ownLogin.title') }}
      narrow
    >
      {error !== null && (
        <Alert tone="error" heading={t('ownLogin.form.failed')} live>
          {errorText(error)}
        </Alert>
      )}
      <form className="panel" noValidate onSubmit={fetchIt}>
        <SelectField
          id="kind"
          label={t('ownLogin.form.kind')}
          hint={t(`ownLogin.form.kindHint.${kind}`)}
          value={kind}
          onChange={(event) => setKind(kinds.find((one) => one === event.target.value) ?? 'local')}
        >
          {kinds.map((one) => (
            <option key={one} value={one}>
              {t(`ownLogin.kinds.${one}`)}
            </option>
          ))}
        </SelectField>
        <TextField
          id="url"
          type="url"
          label={t('ownLogin.form.url')}
          hint={t('ownLogin.form.urlHint')}
          optional
          value={url}
          onChange={(event) => setUrl(event.target.value)}
        />
        <div className="actions">
          <Button type="submit" pending={isPending} disabled={url.trim() === ''}>
            {t('ownLogin.form.fetch')}
          </Button>
        </div>
      </form>
      <h2>{t('ownLogin.form.upload')}</h2>
      <MetadataForm submit={t('ownLogin.form.submit')} pending={isPending} onSubmit={(metadata) => mutate({ kind, metadata })} />
      <MetadataAddress heading={t('ownLogin.party.heading')} text={t('ownLogin.party.text')} path="/saml/sp/metadata" />
    </Page>
  );
}
