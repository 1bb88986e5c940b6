import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { type SyntheticEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorText } from '@/api/client';
import { registerOpenID } from '@/api/services';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';
import { TextField } from '@/ui/field';
import { OpenIDSecret } from './openid-secret';

/** Registers a service that has no metadata; the rest is decided on its page. */
export function NewOpenIDForm() {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [name, setName] = useState('');
  const [redirect, setRedirect] = useState('');
  const { mutate, isPending, error, data } = useMutation({
    mutationFn: registerOpenID,
    onSuccess: () => void queries.invalidateQueries({ queryKey: ['services', 'list'] }),
  });
  const send = (event: SyntheticEvent) => {
    event.preventDefault();
    if (isPending) return;
    mutate({ name: name.trim(), settings: { redirects: [redirect.trim()], after_logout: [], auth: 'client_secret', claims: [], refresh: false, version: 0 } });
  };
  if (data !== undefined)
    return (
      <>
        <OpenIDSecret clientId={data.client_id} secret={data.secret ?? ''} />
        <p>
          <Link to="/services/$id" params={{ id: data.client_id }} search={{ tab: 'openid' }}>
            {name}
          </Link>
        </p>
      </>
    );
  return (
    <form className="panel" noValidate aria-labelledby="new-openid" onSubmit={send}>
      <h2 id="new-openid">{t('services.openid.new')}</h2>
      <p>{t('services.openid.newLead')}</p>
      {error !== null && (
        <Alert tone="error" live>
          {errorText(error)}
        </Alert>
      )}
      <TextField id="openid-name" label={t('services.openid.newName')} value={name} maxLength={200} onChange={(event) => setName(event.target.value)} />
      <TextField id="openid-redirect" type="url" label={t('services.openid.newRedirect')} value={redirect} onChange={(event) => setRedirect(event.target.value)} />
      <div className="actions">
        <Button type="submit" pending={isPending}>
          {t('services.openid.newSubmit')}
        </Button>
      </div>
    </form>
  );
}
