import { useMutation } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import i18next from 'i18next';
import { type SyntheticEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorText } from '@/api/client';
import { mailLinks, startApplication } from '@/api/onboarding';
import { codeText } from '@/i18n';
import { Page } from '@/frame/page';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';
import { ErrorSummary, type FieldProblem } from '@/ui/error-summary';
import { SelectField, TextField } from '@/ui/field';

export function ConnectPage() {
  const { t } = useTranslation();
  const [role, setRole] = useState('');
  const [name, setName] = useState('');
  const [email, setEmail] = useState('');
  const [problems, setProblems] = useState<FieldProblem[]>([]);
  const [attempt, setAttempt] = useState(0);
  const { mutate, isPending, isSuccess, error } = useMutation({
    mutationFn: () =>
      startApplication({
        role: role === 'reporter' ? 'reporter' : 'representative',
        name,
        email,
        lang: i18next.language === 'en' ? 'en' : 'da',
      }),
  });
  const send = (event: SyntheticEvent) => {
    event.preventDefault();
    const found: FieldProblem[] = [];
    if (role === '') found.push({ field: 'role', text: codeText('form.choose') ?? '' });
    if (name.trim() === '') found.push({ field: 'name', text: codeText('form.name') ?? '' });
    if (!/^\S+@\S+\.\S+$/.test(email.trim())) found.push({ field: 'email', text: codeText('form.email') ?? '' });
    setProblems(found);
    if (found.length > 0) setAttempt(attempt + 1);
    else if (!isPending) mutate();
  };
  const wrong = (field: string) => problems.find((one) => one.field === field)?.text;
  if (isSuccess) {
    return (
      <Page title={t('onboarding.title')} narrow>
        <Alert tone="success" heading={t('onboarding.start.sent')} live>
          {t('onboarding.start.sentText', { email })}
        </Alert>
      </Page>
    );
  }
  return (
    <Page title={t('onboarding.title')} lead={t('onboarding.lead')} narrow>
      {error !== null && (
        <Alert tone="error" live>
          {errorText(error)}
        </Alert>
      )}
      <section className="panel" aria-labelledby="how">
        <h2 id="how">{t('onboarding.how.heading')}</h2>
        <ol>
          {(['company', 'people', 'signatures', 'decision', 'setup'] as const).map((one) => (
            <li key={one}>{t(`onboarding.how.${one}`)}</li>
          ))}
        </ol>
        <p className="quiet">{t('onboarding.noMitid')}</p>
      </section>
      <form className="panel" noValidate onSubmit={send}>
        <ErrorSummary problems={problems} attempt={attempt} />
        <h2>{t('onboarding.start.heading')}</h2>
        <SelectField id="role" label={t('onboarding.start.role')} hint={t('onboarding.start.roleHint')} error={wrong('role')} value={role} onChange={(e) => setRole(e.target.value)}>
          <option value="">{t('onboarding.choose')}</option>
          <option value="representative">{t('onboarding.role.representative')}</option>
          <option value="reporter">{t('onboarding.role.reporter')}</option>
        </SelectField>
        <TextField id="name" label={t('onboarding.name')} hint={t('onboarding.nameHint')} autoComplete="name" error={wrong('name')} value={name} onChange={(e) => setName(e.target.value)} />
        <TextField id="email" type="email" label={t('onboarding.email')} hint={t('onboarding.start.emailHint')} autoComplete="email" error={wrong('email')} value={email} onChange={(e) => setEmail(e.target.value)} />
        <div className="actions">
          <Button type="submit" variant="primary" pending={isPending}>
            {t('onboarding.start.submit')}
          </Button>
        </div>
      </form>
      <LostLink />
      <p>
        <Link to="/recover">{t('onboarding.recoverLink')}</Link>
      </p>
    </Page>
  );
}

/** Whoever has lost the mail gets a new link; the answer says nothing about whether there is an application. */
function LostLink() {
  const { t } = useTranslation();
  const [email, setEmail] = useState('');
  const { mutate, isPending, isSuccess, error } = useMutation({ mutationFn: () => mailLinks(email) });
  return (
    <details className="panel">
      <summary>{t('onboarding.lost.heading')}</summary>
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          if (!isPending) mutate();
        }}
      >
        {error !== null && (
          <Alert tone="error" live>
            {errorText(error)}
          </Alert>
        )}
        {isSuccess && (
          <Alert tone="info" live>
            {t('onboarding.lost.done')}
          </Alert>
        )}
        <TextField id="lost-email" type="email" label={t('onboarding.email')} value={email} onChange={(e) => setEmail(e.target.value)} />
        <Button type="submit" pending={isPending}>
          {t('onboarding.lost.submit')}
        </Button>
      </form>
    </details>
  );
}
