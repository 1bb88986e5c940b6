import { useTranslation } from 'react-i18next';
import type { Batch } from '@/api/batches';
import { dateTime, fromNow } from '@/format';
import { useNow } from '@/now';
import { Funnel } from '@/ui/chart';

/** How far the people have come: invited, activated, code card blocked. */
export function FunnelPanel({ batch }: { batch: Batch }) {
  const { t } = useTranslation();
  const now = useNow(30_000);
  const invited = batch.counts.invited + batch.counts.activated;
  return (
    <section className="panel" aria-labelledby="funnel">
      <h2 id="funnel">{t('migration.funnel.heading')}</h2>
      <Funnel
        total={invited + batch.counts.pending}
        steps={[
          { state: 'invited', label: t('migration.funnel.invited'), count: invited },
          { state: 'activated', label: t('migration.funnel.activated'), count: batch.counts.activated },
          { state: 'blocked', label: t('migration.funnel.blocked'), count: batch.code_cards_blocked },
        ]}
      />
      {batch.deadline === null ? (
        <p className="quiet">{t('migration.funnel.noDeadline')}</p>
      ) : (
        <p>
          {t('migration.funnel.deadline')} <strong>{dateTime(batch.deadline)}</strong>{' '}
          <span className="quiet">({fromNow(batch.deadline, now)})</span>
        </p>
      )}
    </section>
  );
}
