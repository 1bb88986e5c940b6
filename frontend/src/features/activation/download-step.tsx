import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { saveFile } from '@/download';
import { date } from '@/format';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';
import { Checkbox } from '@/ui/field';
import { fileName, type MadeKeyFile } from './activate';

/** The file may be fetched as often as wanted while the page is open; then it is
 * gone, because nobody else has it. */
export function DownloadStep({ made, onSaved }: { made: MadeKeyFile; onSaved: () => void }) {
  const { t } = useTranslation();
  const [fetched, setFetched] = useState(false);
  const [confirmed, setConfirmed] = useState(false);
  const name = fileName(made.issued.friendly_name);
  const save = () => {
    saveFile(made.bytes, name, 'application/x-pkcs12');
    setFetched(true);
  };
  return (
    <div className="panel">
      <h2>{t('activation.download.heading')}</h2>
      <p>{t('activation.download.text')}</p>
      <p>
        <Button variant={fetched ? 'secondary' : 'primary'} icon="download" onClick={save}>
          {fetched ? t('activation.download.again') : t('activation.download.button')}
        </Button>
      </p>
      <p className="quiet small break">
        {name} · {t('activation.download.validTo', { date: date(made.issued.not_after) })}
      </p>
      <Alert tone="warning">{t('activation.download.onlyCopy')}</Alert>
      {made.issued.email_wide === true && <Alert tone="info">{t('activation.download.emailWide')}</Alert>}
      <Checkbox
        id="saved"
        label={t('activation.download.saved')}
        checked={confirmed}
        disabled={!fetched}
        onChange={(event) => setConfirmed(event.target.checked)}
      />
      <div className="actions">
        <Button variant="primary" disabled={!fetched || !confirmed} onClick={onSaved}>
          {t('activation.download.finish')}
        </Button>
      </div>
    </div>
  );
}
