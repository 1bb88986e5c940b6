import { useTranslation } from 'react-i18next';
import type { Review } from '@/api/reviews';
import { StackedBar } from '@/ui/chart';

/** How far a review has come. */
export function Progress({ review }: { review: Review }) {
  const { t } = useTranslation();
  return (
    <StackedBar
      label={t('reviews.progress', { done: review.total - review.open, total: review.total })}
      shares={[
        { state: 'activated', label: t('reviews.decision.kept'), count: review.kept },
        { state: 'failed', label: t('reviews.decision.removed'), count: review.removed },
        { state: 'cancelled', label: t('reviews.decision.gone'), count: review.gone },
        { state: 'pending', label: t('reviews.decision.none'), count: review.open },
      ]}
    />
  );
}
