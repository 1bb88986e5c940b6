import { useTranslation } from 'react-i18next';
import { Button } from '@/ui/button';
import { CopyButton } from '@/ui/copy-button';
import type { MadeKeyFile } from './activate';

/** The code that blocks the key file without login: shown here and nowhere else. */
export function RevocationCode({ made }: { made: MadeKeyFile }) {
  const { t } = useTranslation();
  const { revocation_code: code, serial } = made.issued;
  return (
    <section aria-labelledby="revocation">
      <h2 id="revocation">{t('block.code.heading')}</h2>
      <p>{t('block.code.text')}</p>
      <p>
        <span className="revealed code" data-testid="revocation-code">
          {code}
        </span>
      </p>
      <div className="actions">
        <CopyButton text={`${t('block.code.label')}: ${code}\n${t('block.serial.label')}: ${serial}`} what={t('block.code.label')} />
        <Button onClick={() => print()}>{t('block.code.print')}</Button>
      </div>
    </section>
  );
}
