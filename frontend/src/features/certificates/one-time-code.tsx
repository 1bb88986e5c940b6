import { useTranslation } from 'react-i18next';
import { Alert } from '@/ui/alert';
import { CopyButton } from '@/ui/copy-button';

/** The code is shown this once; nobody can find it again. */
export function OneTimeCode({ code, reference }: { code: string; reference: string }) {
  const { t } = useTranslation();
  return (
    <>
      <Alert tone="warning" heading={t('certificates.code.heading')}>
        {t('certificates.code.text')}
      </Alert>
      <dl className="facts">
        <dt>{t('certificates.code.label')}</dt>
        <dd>
          <span className="revealed code" data-testid="one-time-code">
            {code}
          </span>{' '}
          <CopyButton small text={code} what={t('certificates.code.label')} />
        </dd>
        <dt>{t('certificates.code.reference')}</dt>
        <dd className="code break">{reference}</dd>
      </dl>
    </>
  );
}
