import { useTranslation } from 'react-i18next';
import { Waiting } from '@/ui/feedback';

export function PageWaiting() {
  const { t } = useTranslation();
  return <Waiting>{t('ui.loading')}</Waiting>;
}
