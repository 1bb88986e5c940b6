import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type SyntheticEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorText } from '@/api/client';
import { ownRoleRequestsQuery, requestRole, type Role, withdrawRole } from '@/api/roles';
import { may, sessionQuery } from '@/api/session';
import { dateTime } from '@/format';
import { codeText } from '@/i18n';
import { Alert } from '@/ui/alert';
import { Badge } from '@/ui/badge';
import { Button } from '@/ui/button';
import { SelectField, TextArea } from '@/ui/field';
import { useToast } from '@/ui/toast';

const roles: Role[] = ['user-administrator', 'rights-administrator', 'organisation-administrator'];
const tones = { pending: 'info', approved: 'success', rejected: 'error', withdrawn: undefined } as const;

/** On one's own page: the administrator roles one has asked for, and asking. */
export function OwnRoleRequests() {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const toast = useToast();
  const { data: session } = useQuery(sessionQuery);
  const { data } = useQuery(ownRoleRequestsQuery);
  const withdraw = useMutation({
    mutationFn: withdrawRole,
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ['roles', 'own'] });
      toast('success', t('roleAdmin.own.withdrawn'));
    },
  });
  if (session === undefined || may(session, 'role.assign')) return null;
  return (
    <section className="panel" aria-labelledby="own-roles">
      <h2 id="own-roles">{t('roleAdmin.own.title')}</h2>
      {withdraw.error !== null && (
        <Alert tone="error" live>
          {errorText(withdraw.error)}
        </Alert>
      )}
      {(data?.items ?? []).length > 0 && (
        <ul className="plain-list">
          {data?.items.map((one) => (
            <li key={one.id}>
              <strong>{t(`roles.${one.role}`)}</strong> <Badge tone={tones[one.state]}>{t(`roleAdmin.own.state.${one.state}`)}</Badge>{' '}
              <span className="quiet">{dateTime(one.asked_at)}</span>
              {one.answer !== '' && <span className="block">{one.answer}</span>}{' '}
              {one.state === 'pending' && (
                <Button
                  variant="unstyled"
                  pending={withdraw.isPending}
                  aria-label={t('roleAdmin.own.withdrawOne', { role: t(`roles.${one.role}`) })}
                  onClick={() => withdraw.mutate(one.id)}
                >
                  {t('approvals.withdraw')}
                </Button>
              )}
            </li>
          ))}
        </ul>
      )}
      <AskForm held={session.roles} />
    </section>
  );
}

function AskForm({ held }: { held: Role[] }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const toast = useToast();
  const open = roles.filter((role) => !held.includes(role));
  const [role, setRole] = useState<Role | undefined>(open[0]);
  const [reason, setReason] = useState('');
  const [wrong, setWrong] = useState(false);
  const ask = useMutation({
    mutationFn: (of: Role) => requestRole(of, reason.trim()),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ['roles', 'own'] });
      setReason('');
      toast('success', t('roleAdmin.own.sent'));
    },
  });
  const send = (event: SyntheticEvent) => {
    event.preventDefault();
    const short = reason.trim().length < 10;
    setWrong(short);
    if (role !== undefined && !short && !ask.isPending) ask.mutate(role);
  };
  return (
    <details>
      <summary>{t('roleAdmin.own.ask')}</summary>
      <form noValidate onSubmit={send}>
        {ask.error !== null && (
          <Alert tone="error" live>
            {errorText(ask.error)}
          </Alert>
        )}
        <SelectField id="own-role" label={t('roleAdmin.own.role')} value={role} onChange={(event) => setRole(event.target.value as Role)}>
          {open.map((one) => (
            <option key={one} value={one}>
              {t(`roles.${one}`)}
            </option>
          ))}
        </SelectField>
        <TextArea
          id="own-role-reason"
          label={t('roleAdmin.own.reason')}
          hint={t('roleAdmin.reasonHint')}
          rows={3}
          maxLength={500}
          error={wrong ? codeText('approval.reason.length') ?? t('roleAdmin.reasonHint') : undefined}
          value={reason}
          onChange={(event) => setReason(event.target.value)}
        />
        <div className="actions">
          <Button type="submit" variant="primary" pending={ask.isPending}>
            {t('roleAdmin.own.send')}
          </Button>
        </div>
      </form>
    </details>
  );
}
