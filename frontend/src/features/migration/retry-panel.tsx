import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { type Batch, batchKey, stepBatch } from '@/api/batches';
import { errorText } from '@/api/client';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';

/** Failed rows are tried again when what stood in their way may be gone. */
export function RetryPanel({ id, batch }: { id: string; batch: Batch }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const retry = useMutation({
    mutationFn: () => stepBatch(id, 'retry'),
    onSuccess: (after) => {
      queries.setQueryData<Batch>(batchKey(id), after);
      void queries.invalidateQueries({ queryKey: ['rows', id] });
    },
  });
  if (batch.state !== 'completed' || batch.counts.failed === 0) return null;
  return (
    <section className="panel" aria-labelledby="retry">
      <h2 id="retry">{t('migration.retry.heading')}</h2>
      <p>{t('migration.retry.text')}</p>
      {retry.error !== null && (
        <Alert tone="error" live>
          {errorText(retry.error)}
        </Alert>
      )}
      <div className="actions">
        <Button icon="refresh" pending={retry.isPending} onClick={() => retry.mutate()}>
          {t('migration.retry.submit')}
        </Button>
      </div>
    </section>
  );
}
