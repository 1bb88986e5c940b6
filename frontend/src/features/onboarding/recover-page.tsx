import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useLocation } from '@tanstack/react-router';
import i18next from 'i18next';
import { type SyntheticEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { askRecovery, confirmRecovery, recoveryQuery } from '@/api/onboarding';
import { errorText, ProblemError, type Schema } from '@/api/client';
import { dateTime } from '@/format';
import { Page } from '@/frame/page';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';
import { ErrorSummary } from '@/ui/error-summary';
import { Skeleton } from '@/ui/feedback';
import { TextArea, TextField } from '@/ui/field';

/** A way back in when no administrator is left. */
export function RecoverPage() {
  const { t } = useTranslation();
  const [cvr, setCvr] = useState('');
  const [email, setEmail] = useState('');
  const { mutate, isPending, isSuccess, error } = useMutation({
    mutationFn: () => askRecovery({ cvr: cvr.replaceAll(' ', ''), email, lang: i18next.language === 'en' ? 'en' : 'da' }),
  });
  const send = (event: SyntheticEvent) => {
    event.preventDefault();
    if (!isPending) mutate();
  };
  return (
    <Page title={t('onboarding.recover.title')} lead={t('onboarding.recover.lead')} narrow>
      {isSuccess ? (
        <Alert tone="info" heading={t('onboarding.recover.sent')} live>
          {t('onboarding.recover.sentText')}
        </Alert>
      ) : (
        <form className="panel" noValidate onSubmit={send}>
          {error !== null && <ErrorSummary problems={[{ field: 'email', text: errorText(error) }]} attempt={1} />}
          <p>{t('onboarding.recover.text')}</p>
          <TextField id="cvr" className="input-width-s" inputMode="numeric" label={t('onboarding.cvr')} value={cvr} onChange={(e) => setCvr(e.target.value)} />
          <TextField id="email" type="email" label={t('onboarding.recover.email')} error={error === null ? undefined : errorText(error)} value={email} onChange={(e) => setEmail(e.target.value)} />
          <Button type="submit" variant="primary" pending={isPending}>
            {t('onboarding.recover.submit')}
          </Button>
        </form>
      )}
    </Page>
  );
}

export function RecoverCasePage() {
  const { t } = useTranslation();
  const token = useLocation({ select: (location) => location.hash.trim() });
  const { data, error } = useQuery({ ...recoveryQuery(token), enabled: token !== '' });
  return (
    <Page title={t('onboarding.recover.title')} narrow>
      {token === '' && <Alert tone="warning">{t('onboarding.noToken')}</Alert>}
      {error !== null && (
        <Alert tone="error" live>
          {errorText(error)}
        </Alert>
      )}
      {token !== '' && data === undefined && error === null && <Skeleton label={t('ui.loading')} />}
      {data?.state === 'asked' && <Confirm token={token} organisation={data.organisation} nominee={data.nominee} />}
      {data !== undefined && data.state !== 'asked' && (
        <Alert tone={data.state === 'appointed' ? 'success' : data.state === 'waiting' ? 'info' : 'warning'} heading={t(`onboarding.recover.state.${data.state}`)}>
          {t('onboarding.recover.who', { name: data.name, at: dateTime(data.ready_at ?? data.asked_at) })}
        </Alert>
      )}
    </Page>
  );
}

interface ConfirmProps {
  token: string;
  organisation: string;
  /** Whom the organisation named as successor: proposed, and may be replaced. */
  nominee: Schema['RecoveryNominee'] | undefined;
}

function Confirm({ token, organisation, nominee }: ConfirmProps) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [values, setValues] = useState({ given_name: '', surname: '', email: '', ...nominee, reason: '' });
  const { mutate, isPending, error } = useMutation({
    mutationFn: () => confirmRecovery(token, values),
    onSuccess: (now) => queries.setQueryData(recoveryQuery(token).queryKey, now),
  });
  const field = error instanceof ProblemError ? error.field : undefined;
  const props = (name: keyof typeof values) => ({
    id: name,
    error: field === name ? errorText(error) : undefined,
    value: values[name],
    onChange: (e: { target: { value: string } }) => setValues({ ...values, [name]: e.target.value }),
  });
  const send = (event: SyntheticEvent) => {
    event.preventDefault();
    if (!isPending) mutate();
  };
  return (
    <form className="panel" noValidate onSubmit={send}>
      {error !== null && <ErrorSummary problems={[{ field: field ?? 'given_name', text: errorText(error) }]} attempt={1} />}
      <h2>{organisation}</h2>
      <p>{t('onboarding.recover.caseText')}</p>
      {nominee !== undefined && <p>{t('onboarding.recover.nominee', { name: `${nominee.given_name} ${nominee.surname}` })}</p>}
      <TextField label={t('onboarding.given')} {...props('given_name')} />
      <TextField label={t('onboarding.surname')} {...props('surname')} />
      <TextField type="email" label={t('onboarding.adminEmail')} {...props('email')} />
      <TextArea label={t('onboarding.recover.reason')} hint={t('onboarding.recover.reasonHint')} rows={4} {...props('reason')} />
      <Button type="submit" variant="primary" pending={isPending}>
        {t('onboarding.recover.confirm')}
      </Button>
    </form>
  );
}
