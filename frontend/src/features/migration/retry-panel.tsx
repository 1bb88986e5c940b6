import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { type Batch, batchKey, retryBatch } from '@/api/batches';
import { errorText } from '@/api/client';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';

/** Takes up what failed on one line, or on all. */
export function useRetry(id: string) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (line?: number) => retryBatch(id, line),
    onSuccess: (after) => {
      queries.setQueryData<Batch>(batchKey(id), after);
      void queries.invalidateQueries({ queryKey: ['rows', id] });
    },
  });
}

/** What failed is tried again when what stood in its way may be gone. */
export function RetryPanel({ id, batch }: { id: string; batch: Batch }) {
  const { t } = useTranslation();
  const { mutate, isPending, error } = useRetry(id);
  if (batch.state !== 'completed' || (batch.counts.failed === 0 && batch.not_given === 0)) return null;
  return (
    <section className="panel" aria-labelledby="retry">
      <h2 id="retry">{t('migration.retry.heading')}</h2>
      {batch.not_given > 0 && <p>{t('migration.retry.notGiven', { count: batch.not_given })}</p>}
      {batch.counts.failed > 0 && <p>{t('migration.retry.text')}</p>}
      {error !== null && (
        <Alert tone="error" live>
          {errorText(error)}
        </Alert>
      )}
      <div className="actions">
        <Button icon="refresh" pending={isPending} onClick={() => mutate(undefined)}>
          {t('migration.retry.submit')}
        </Button>
      </div>
    </section>
  );
}
