import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type SyntheticEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorText, type Schema } from '@/api/client';
import { addDomain, type IdentityProvider, identityProviderKey, removeDomain, verifyDomain } from '@/api/identity-providers';
import { date } from '@/format';
import { Alert } from '@/ui/alert';
import { Badge } from '@/ui/badge';
import { Button } from '@/ui/button';
import { CopyButton } from '@/ui/copy-button';
import { TextField } from '@/ui/field';
import { useToast } from '@/ui/toast';

type Domain = Schema['IdentityProviderDomain'];

/** Mail domains that lead here from the login page. */
export function Domains({ provider }: { provider: IdentityProvider }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [domain, setDomain] = useState('');
  const { mutate, isPending, error } = useMutation({
    mutationFn: () => addDomain(provider.id, domain),
    onSuccess: async () => {
      setDomain('');
      await queries.invalidateQueries({ queryKey: identityProviderKey(provider.id) });
    },
  });
  const add = (event: SyntheticEvent) => {
    event.preventDefault();
    if (!isPending && domain.trim() !== '') mutate();
  };
  return (
    <section className="panel" aria-labelledby="domains">
      <h2 id="domains">{t('ownLogin.domains.heading')}</h2>
      <p>{t('ownLogin.domains.text')}</p>
      {provider.domains.length === 0 && <p className="quiet">{t('ownLogin.domains.none')}</p>}
      {provider.domains.map((one) => (
        <OneDomain key={one.id} provider={provider.id} domain={one} />
      ))}
      <form noValidate onSubmit={add}>
        <TextField
          id="domain"
          label={t('ownLogin.domains.add')}
          hint={t('ownLogin.domains.addHint')}
          error={error === null ? undefined : errorText(error)}
          autoCapitalize="off"
          spellCheck={false}
          value={domain}
          onChange={(event) => setDomain(event.target.value)}
        />
        <div className="actions">
          <Button type="submit" icon="plus" pending={isPending}>
            {t('ownLogin.domains.addSubmit')}
          </Button>
        </div>
      </form>
    </section>
  );
}

function OneDomain({ provider, domain }: { provider: string; domain: Domain }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const toast = useToast();
  const again = () => queries.invalidateQueries({ queryKey: identityProviderKey(provider) });
  const verify = useMutation({
    mutationFn: () => verifyDomain(provider, domain.id),
    onSuccess: async () => {
      await again();
      toast('success', t('ownLogin.domains.verified', { domain: domain.domain }));
    },
  });
  const drop = useMutation({ mutationFn: () => removeDomain(provider, domain.id), onSuccess: again });
  const failed = verify.error ?? drop.error;
  return (
    <div className="domain">
      <h3>
        {domain.domain}{' '}
        {domain.verified_at === null ? (
          <Badge tone="warning">{t('ownLogin.domains.waits')}</Badge>
        ) : (
          <Badge tone="success">{t('ownLogin.domains.since', { day: date(domain.verified_at) })}</Badge>
        )}
      </h3>
      {domain.verified_at === null && (
        <>
          <p>{t('ownLogin.domains.record')}</p>
          <dl className="facts">
            <dt>{t('ownLogin.domains.recordName')}</dt>
            <dd className="code break">{domain.record}</dd>
            <dt>{t('ownLogin.domains.recordValue')}</dt>
            <dd className="code break">{domain.proof}</dd>
          </dl>
          <CopyButton text={domain.proof} what={t('ownLogin.domains.recordValue')} />
        </>
      )}
      {failed !== null && (
        <Alert tone="error" live>
          {errorText(failed)}
        </Alert>
      )}
      <div className="actions">
        {domain.verified_at === null && (
          <Button
            icon="check"
            pending={verify.isPending}
            aria-label={t('ownLogin.domains.verifyWhat', { domain: domain.domain })}
            onClick={() => verify.mutate()}
          >
            {t('ownLogin.domains.verify')}
          </Button>
        )}
        <Button
          variant="tertiary"
          icon="delete"
          pending={drop.isPending}
          aria-label={t('ownLogin.domains.removeWhat', { domain: domain.domain })}
          onClick={() => drop.mutate()}
        >
          {t('ownLogin.domains.remove')}
        </Button>
      </div>
    </div>
  );
}
