import { useMutation } from '@tanstack/react-query';
import { useLocation } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { answer, client, errorText } from '@/api/client';
import { Page } from '@/frame/page';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';

/** Confirms the address that a certificate is to show; opening the page does not. */
export function ConfirmPage() {
  const { t } = useTranslation();
  const token = useLocation({ select: (location) => location.hash.trim() });
  const { mutate, isPending, error, data } = useMutation({
    mutationFn: () => answer(client.POST('/certificate-email/confirm', { body: { token } })),
  });
  return (
    <Page title={t('certificates.confirm.title')} narrow>
      {token === '' && <Alert tone="warning">{t('certificates.fetch.noToken')}</Alert>}
      {error !== null && (
        <Alert tone="error" live>
          {errorText(error)}
        </Alert>
      )}
      {data !== undefined && (
        <Alert tone="success" heading={t('certificates.confirm.done')} live>
          {t('certificates.confirm.doneText', { address: data.email, name: data.name })}
        </Alert>
      )}
      {data === undefined && token !== '' && (
        <div className="panel">
          <p>{t('certificates.confirm.text')}</p>
          <Button variant="primary" pending={isPending} onClick={() => mutate()}>
            {t('certificates.confirm.submit')}
          </Button>
        </div>
      )}
    </Page>
  );
}
