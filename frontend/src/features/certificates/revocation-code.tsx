import { useTranslation } from 'react-i18next';
import { CopyButton } from '@/ui/copy-button';

/** The code that blocks a certificate without login: shown here and nowhere else. */
export function RevocationCode({ code, serial }: { code: string; serial: string }) {
  const { t } = useTranslation();
  const label = t('block.code.label');
  return (
    <section aria-labelledby="revocation-code">
      <h2 id="revocation-code">{t('block.code.heading')}</h2>
      <p>{t('certificates.recode.keep')}</p>
      <dl className="facts">
        <dt>{label}</dt>
        <dd>
          <span className="revealed code" data-testid="revocation-code">
            {code}
          </span>{' '}
          <CopyButton small text={`${label}: ${code}\n${t('block.serial.label')}: ${serial}`} what={label} />
        </dd>
        <dt>{t('certificates.serial')}</dt>
        <dd className="code break">{serial}</dd>
      </dl>
    </section>
  );
}
