import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type SyntheticEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorText } from '@/api/client';
import { type OpenIDClient, openIDQuery, type OpenIDSettings, renewSecret, type Service, serviceKey, setOpenID, unsetOpenID } from '@/api/services';
import { dateTime } from '@/format';
import { AskFirst } from '@/frame/ask-first';
import { LoadError } from '@/frame/failure';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';
import { Skeleton } from '@/ui/feedback';
import { Checkbox, SelectField, TextArea, TextField } from '@/ui/field';
import { useToast } from '@/ui/toast';
import { useAttributeName } from './attributes-panel';
import { OpenIDSecret } from './openid-secret';

const auths = ['client_secret', 'private_key_jwt', 'none'] as const;
const levels = ['Low', 'Substantial', 'High'] as const;

/** A service as an OpenID Connect client. */
export function OpenIDPanel({ service }: { service: Service }) {
  const { t } = useTranslation();
  const { data, error, refetch } = useQuery(openIDQuery(service.id));
  const [secret, setSecret] = useState('');
  return (
    <section className="panel" aria-labelledby="openid">
      <h2 id="openid">{t('services.openid.heading')}</h2>
      <p>{t('services.openid.lead')}</p>
      {error !== null && <LoadError error={error} onRetry={() => void refetch()} />}
      {data === undefined && error === null && <Skeleton label={t('ui.loading')} lines={6} />}
      {secret !== '' && <OpenIDSecret clientId={service.id} secret={secret} />}
      {data !== undefined && (
        <>
          <Known client={data} />
          <SettingsForm key={data.settings.version} client={data} onSecret={setSecret} />
          {data.settings.version > 0 && data.settings.auth === 'client_secret' && <Renew id={service.id} onSecret={setSecret} />}
          {data.settings.version > 0 && service.saml && <Unset id={service.id} />}
        </>
      )}
    </section>
  );
}

/** What the service's owner needs from here. */
function Known({ client }: { client: OpenIDClient }) {
  const { t } = useTranslation();
  if (client.settings.version === 0) return <p>{t('services.openid.off')}</p>;
  return (
    <dl className="facts">
      <dt>{t('services.openid.clientId')}</dt>
      <dd className="code break">{client.client_id}</dd>
      <dt>{t('services.openid.issuer')}</dt>
      <dd className="code break">{client.issuer}</dd>
      <dt>{t('services.openid.discovery')}</dt>
      <dd className="code break">{client.issuer}/.well-known/openid-configuration</dd>
      {client.secret_at && (
        <>
          <dt>{t('services.openid.secretAt')}</dt>
          <dd>{dateTime(client.secret_at)}</dd>
        </>
      )}
    </dl>
  );
}

const lines = (text: string) =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');

function SettingsForm({ client, onSecret }: { client: OpenIDClient; onSecret: (secret: string) => void }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const toast = useToast();
  const nameOf = useAttributeName();
  const [draft, setDraft] = useState(client.settings);
  const [redirects, setRedirects] = useState(draft.redirects.join('\n'));
  const [after, setAfter] = useState(draft.after_logout.join('\n'));
  const { mutate, isPending, error } = useMutation({
    mutationFn: (settings: OpenIDSettings) => setOpenID(client.client_id, settings),
    onSuccess: (answer) => {
      onSecret(answer.secret ?? '');
      // The secret is shown, and kept nowhere.
      queries.setQueryData(openIDQuery(client.client_id).queryKey, { ...answer, secret: null });
      void queries.invalidateQueries({ queryKey: serviceKey(client.client_id) });
      toast('success', t('services.openid.saved'));
    },
  });
  const change = (part: Partial<OpenIDSettings>) => setDraft({ ...draft, ...part });
  const send = (event: SyntheticEvent) => {
    event.preventDefault();
    if (!isPending) mutate({ ...draft, redirects: lines(redirects), after_logout: lines(after), logout: draft.logout?.trim() ? draft.logout.trim() : null });
  };
  return (
    <form noValidate onSubmit={send}>
      {error !== null && (
        <Alert tone="error" live>
          {errorText(error)}
        </Alert>
      )}
      <TextArea id="redirects" rows={3} label={t('services.openid.redirects')} hint={t('services.openid.redirectsHint')} value={redirects} onChange={(event) => setRedirects(event.target.value)} />
      <TextArea id="after-logout" rows={2} label={t('services.openid.afterLogout')} hint={t('services.openid.afterLogoutHint')} value={after} onChange={(event) => setAfter(event.target.value)} />
      <TextField
        id="logout-address"
        type="url"
        label={t('services.openid.logout')}
        hint={t('services.openid.logoutHint')}
        value={draft.logout ?? ''}
        onChange={(event) => change({ logout: event.target.value })}
      />
      <SelectField id="auth" label={t('services.openid.auth')} value={draft.auth} onChange={(event) => change({ auth: event.target.value as OpenIDSettings['auth'] })}>
        {auths.map((one) => (
          <option key={one} value={one}>
            {t(`services.openid.auths.${one}`)}
          </option>
        ))}
      </SelectField>
      {draft.auth === 'private_key_jwt' && (
        <TextArea id="key-set" rows={6} label={t('services.openid.keySet')} value={draft.key_set ?? ''} onChange={(event) => change({ key_set: event.target.value })} />
      )}
      <SelectField
        id="level"
        label={t('services.openid.level')}
        value={draft.level ?? ''}
        onChange={(event) => change({ level: event.target.value === '' ? null : (event.target.value as (typeof levels)[number]) })}
      >
        <option value="">{t('services.openid.anyLevel')}</option>
        {levels.map((one) => (
          <option key={one} value={one}>
            {t(`services.level.${one}`)}
          </option>
        ))}
      </SelectField>
      <fieldset>
        <legend>{t('services.openid.claims')}</legend>
        {client.offers.map(({ attribute }) => (
          <Checkbox
            key={attribute}
            id={`claim-${attribute}`}
            label={nameOf(attribute)}
            checked={draft.claims.includes(attribute)}
            onChange={(event) => change({ claims: event.target.checked ? [...draft.claims, attribute] : draft.claims.filter((one) => one !== attribute) })}
          />
        ))}
      </fieldset>
      <Checkbox id="refresh" label={t('services.openid.refresh')} checked={draft.refresh} onChange={(event) => change({ refresh: event.target.checked })} />
      <div className="actions">
        <Button type="submit" variant="primary" pending={isPending}>
          {client.settings.version === 0 ? t('services.openid.add') : t('services.save')}
        </Button>
      </div>
    </form>
  );
}

function Renew({ id, onSecret }: { id: string; onSecret: (secret: string) => void }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const renew = async () => {
    const { secret } = await renewSecret(id);
    onSecret(secret);
    void queries.invalidateQueries({ queryKey: openIDQuery(id).queryKey });
  };
  return (
    <AskFirst label={t('services.openid.renew')} heading={t('services.openid.renewHeading')} act={renew}>
      {t('services.openid.renewText')}
    </AskFirst>
  );
}

function Unset({ id }: { id: string }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const toast = useToast();
  const unset = async () => {
    await unsetOpenID(id);
    toast('success', t('services.openid.removed'));
    void queries.invalidateQueries({ queryKey: openIDQuery(id).queryKey });
    void queries.invalidateQueries({ queryKey: serviceKey(id) });
  };
  return (
    <AskFirst icon="delete" label={t('services.openid.remove')} heading={t('services.openid.removeHeading')} act={unset}>
      {t('services.openid.removeText')}
    </AskFirst>
  );
}
