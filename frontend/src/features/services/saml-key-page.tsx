import { useMutation, useQuery } from '@tanstack/react-query';
import { useLocation } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { answer, client, errorText } from '@/api/client';
import { Page } from '@/frame/page';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';
import { Skeleton } from '@/ui/feedback';

/** A contact says that their service knows our new key; opening the page does not. */
export function SamlKeyPage() {
  const { t } = useTranslation();
  const token = useLocation({ select: (location) => location.hash.trim() });
  const { data, error } = useQuery({
    queryKey: ['saml-key', token],
    queryFn: () => answer(client.POST('/saml-keys/look-up', { body: { token } })),
    enabled: token !== '',
    retry: false,
  });
  const tick = useMutation({ mutationFn: () => answer(client.POST('/saml-keys/installed', { body: { token } })) });
  const now = tick.data ?? data;
  const failed = tick.error ?? error;
  return (
    <Page title={t('services.samlKey.title')} narrow>
      {token === '' && <Alert tone="warning">{t('certificates.fetch.noToken')}</Alert>}
      {failed !== null && (
        <Alert tone="error" live>
          {errorText(failed)}
        </Alert>
      )}
      {token !== '' && data === undefined && error === null && <Skeleton label={t('ui.loading')} />}
      {now?.installed === true && (
        <Alert tone="success" heading={t('services.samlKey.done')} live>
          {t('services.samlKey.doneText', { name: now.name })}
        </Alert>
      )}
      {now !== undefined && (
        <div className="panel">
          <p>{now.state === 'announced' ? t('services.samlKey.text', { name: now.name }) : t('services.samlKey.active')}</p>
          <dl className="facts">
            <dt>{t('services.samlKey.use')}</dt>
            <dd>{t(`operator.samlKeys.${now.use}`)}</dd>
            <dt>{t('services.samlKey.fingerprint')}</dt>
            <dd className="code break">{now.fingerprint}</dd>
          </dl>
          {!now.installed && (
            <Button variant="primary" pending={tick.isPending} onClick={() => tick.mutate()}>
              {t('services.samlKey.submit', { name: now.name })}
            </Button>
          )}
        </div>
      )}
    </Page>
  );
}
