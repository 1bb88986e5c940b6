import { useMutation } from '@tanstack/react-query';
import { useLocation } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { errorText, ProblemError } from '@/api/client';
import { logInByPasskey, registerPasskey } from '@/api/operator';
import { codeText } from '@/i18n';
import { Page } from '@/frame/page';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';

/** The browser's own refusal is an exception without a code. */
const told = (error: Error): string => (error instanceof ProblemError ? errorText(error) : (codeText('form.passkey') ?? error.message));

export function OperatorLoginPage() {
  const { t } = useTranslation();
  const { mutate, isPending, error } = useMutation({
    mutationFn: logInByPasskey,
    onSuccess: () => location.assign('/operator'),
  });
  return (
    <Page title={t('operator.login.title')} lead={t('operator.login.lead')} narrow>
      {error !== null && (
        <Alert tone="error" live>
          {told(error)}
        </Alert>
      )}
      <div className="panel">
        <p>{t('operator.login.text')}</p>
        <Button variant="primary" icon="lock" pending={isPending} onClick={() => mutate()}>
          {t('operator.login.submit')}
        </Button>
      </div>
    </Page>
  );
}

export function OperatorSetupPage() {
  const { t } = useTranslation();
  const token = useLocation({ select: (location) => location.hash.trim() });
  const { mutate, isPending, error } = useMutation({
    mutationFn: () => registerPasskey(token),
    onSuccess: () => location.assign('/operator/login'),
  });
  return (
    <Page title={t('operator.setup.title')} narrow>
      {error !== null && (
        <Alert tone="error" live>
          {told(error)}
        </Alert>
      )}
      <div className="panel">
        <p>{t('operator.setup.text')}</p>
        <Button variant="primary" icon="lock" pending={isPending} onClick={() => mutate()}>
          {t('operator.setup.submit')}
        </Button>
      </div>
    </Page>
  );
}
