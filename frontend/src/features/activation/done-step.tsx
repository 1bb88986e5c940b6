import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { date } from '@/format';
import { Alert } from '@/ui/alert';
import { Icon } from '@/ui/icon';
import type { MadeKeyFile } from './activate';
import { RevocationCode } from './revocation-code';

export function DoneStep({ made }: { made: MadeKeyFile }) {
  const { t } = useTranslation();
  return (
    <div className="panel">
      <Alert tone="success" heading={t('activation.done.heading')} live>
        {t('activation.done.text')}
      </Alert>
      <dl className="facts">
        <dt>{t('activation.done.validTo')}</dt>
        <dd>{date(made.issued.not_after)}</dd>
        <dt>{t('activation.done.serial')}</dt>
        <dd className="code">{made.issued.serial}</dd>
      </dl>
      <RevocationCode made={made} />
      <div className="actions">
        <Link to="/login" className="button button-primary">
          <Icon name="lock" />
          <span>{t('activation.done.login')}</span>
        </Link>
      </div>
    </div>
  );
}
