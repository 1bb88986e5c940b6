import { useTranslation } from 'react-i18next';
import { number } from '@/format';
import { Button } from './button';

interface LoadMoreProps {
  shown: number;
  more: boolean;
  pending: boolean;
  onMore: () => void;
}

/** The foot of a list that is fetched page by page. */
export function LoadMore({ shown, more, pending, onMore }: LoadMoreProps) {
  const { t } = useTranslation();
  return (
    <div className="table-foot">
      <p className="quiet" role="status">
        {more ? t('ui.shownSome', { count: shown, shown: number(shown) }) : t('ui.shownAll', { count: shown, shown: number(shown) })}
      </p>
      {more && (
        <Button icon="plus" pending={pending} onClick={onMore}>
          {t('ui.more')}
        </Button>
      )}
    </div>
  );
}
