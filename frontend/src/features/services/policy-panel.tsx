import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type SyntheticEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorText } from '@/api/client';
import { policyQuery, type ServicePolicy, setPolicy } from '@/api/services';
import { LoadError } from '@/frame/failure';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';
import { Skeleton } from '@/ui/feedback';
import { Checkbox, SelectField, TextField } from '@/ui/field';
import { useToast } from '@/ui/toast';

const kinds = ['technical', 'support', 'administrative', 'billing', 'other'] as const;
type Contact = ServicePolicy['contacts'][number];

/** Saves a policy and keeps what the server made of it. */
export function usePolicySave(id: string) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const toast = useToast();
  return useMutation({
    mutationFn: (policy: ServicePolicy) => setPolicy(id, policy),
    onSuccess: (policy) => {
      queries.setQueryData(policyQuery(id).queryKey, policy);
      void queries.invalidateQueries({ queryKey: ['services', 'review', id] });
      toast('success', t('services.saved'));
    },
  });
}

/** What logins to a service are held to, and whom to write to. */
export function PolicyPanel({ id }: { id: string }) {
  const { t } = useTranslation();
  const { data, error, refetch } = useQuery(policyQuery(id));
  return (
    <section className="panel" aria-labelledby="policy">
      <h2 id="policy">{t('services.policy.heading')}</h2>
      {error !== null && <LoadError error={error} onRetry={() => void refetch()} />}
      {data === undefined && error === null && <Skeleton label={t('ui.loading')} lines={6} />}
      {data !== undefined && <PolicyForm key={data.version} id={id} policy={data} />}
    </section>
  );
}

function PolicyForm({ id, policy }: { id: string; policy: ServicePolicy }) {
  const { t } = useTranslation();
  const [draft, setDraft] = useState(policy);
  const { mutate, isPending, error } = usePolicySave(id);
  const change = (part: Partial<ServicePolicy>) => setDraft({ ...draft, ...part });
  const send = (event: SyntheticEvent) => {
    event.preventDefault();
    if (!isPending) mutate(draft);
  };
  return (
    <form noValidate onSubmit={send}>
      {error !== null && (
        <Alert tone="error" live>
          {errorText(error)}
        </Alert>
      )}
      <Checkbox id="signed" label={t('services.policy.signed')} checked={draft.signed_requests} onChange={(event) => change({ signed_requests: event.target.checked })} />
      <p className="quiet small">{t('services.policy.signedHint')}</p>
      <TextField
        id="skew"
        className="input-short"
        inputMode="numeric"
        label={t('services.policy.skew')}
        hint={t('services.policy.skewHint')}
        value={draft.skew_seconds === 0 ? '' : String(draft.skew_seconds)}
        onChange={(event) => change({ skew_seconds: Number(event.target.value.replace(/\D/g, '').slice(0, 4)) })}
      />
      <Checkbox id="response" label={t('services.policy.response')} checked={draft.sign_response} onChange={(event) => change({ sign_response: event.target.checked })} />
      <SelectField id="algorithm" label={t('services.policy.algorithm')} value={draft.ecdsa ? 'ecdsa' : 'rsa'} onChange={(event) => change({ ecdsa: event.target.value === 'ecdsa' })}>
        <option value="rsa">{t('services.policy.rsa')}</option>
        <option value="ecdsa">{t('services.policy.ecdsa')}</option>
      </SelectField>
      <h3>{t('services.policy.contacts')}</h3>
      <p>{t('services.policy.contactsLead')}</p>
      <Contacts contacts={draft.contacts} own={draft.own_contacts} onChange={(contacts) => change({ contacts })} />
      <Checkbox id="own-contacts" label={t('services.policy.ownContacts')} checked={draft.own_contacts} onChange={(event) => change({ own_contacts: event.target.checked })} />
      <div className="actions">
        <Button type="submit" variant="primary" pending={isPending}>
          {t('services.save')}
        </Button>
      </div>
    </form>
  );
}

interface ContactsProps {
  contacts: Contact[];
  own: boolean;
  onChange: (contacts: Contact[]) => void;
}

function Contacts({ contacts, own, onChange }: ContactsProps) {
  const { t } = useTranslation();
  if (!own)
    return contacts.length === 0 ? (
      <p>{t('services.policy.noContacts')}</p>
    ) : (
      <ul>
        {contacts.map((one, i) => (
          <li key={i} className="break">
            {t(`services.policy.kinds.${one.kind}`)}: {one.name} {one.email}
          </li>
        ))}
      </ul>
    );
  const edit = (i: number, part: Partial<Contact>) => onChange(contacts.map((one, at) => (at === i ? { ...one, ...part } : one)));
  return (
    <>
      {contacts.map((one, i) => (
        <fieldset key={i} className="contact">
          <legend className="sr-only">
            {t('services.policy.contacts')} {i + 1}
          </legend>
          <SelectField id={`kind-${i}`} label={t('services.policy.kind')} value={one.kind} onChange={(event) => edit(i, { kind: event.target.value as Contact['kind'] })}>
            {kinds.map((kind) => (
              <option key={kind} value={kind}>
                {t(`services.policy.kinds.${kind}`)}
              </option>
            ))}
          </SelectField>
          <TextField id={`name-${i}`} label={t('services.policy.person')} value={one.name} onChange={(event) => edit(i, { name: event.target.value })} />
          <TextField id={`email-${i}`} type="email" label={t('services.policy.email')} value={one.email} onChange={(event) => edit(i, { email: event.target.value })} />
          <Button variant="unstyled" icon="delete" onClick={() => onChange(contacts.filter((_, at) => at !== i))}>
            {t('services.policy.removeContact', { name: one.name || one.email || String(i + 1) })}
          </Button>
        </fieldset>
      ))}
      {contacts.length < 10 && (
        <Button icon="plus" onClick={() => onChange([...contacts, { kind: 'technical', name: '', email: '' }])}>
          {t('services.policy.addContact')}
        </Button>
      )}
    </>
  );
}
