import { useTranslation } from 'react-i18next';
import type { Batch } from '@/api/batches';
import { FindingTable } from './findings';

/** Errors and notices of a batch that has been started: still there, folded. */
export function ReportPanel({ batch }: { batch: Batch }) {
  const { t } = useTranslation();
  const parts = [
    { name: t('migration.draft.errors', { count: batch.errors_total }), findings: batch.errors },
    { name: t('migration.draft.notices', { count: batch.notices_total }), findings: batch.notices },
  ].filter(({ findings }) => findings.length > 0);
  return parts.map(({ name, findings }) => (
    <details className="panel" key={name}>
      <summary>{name}</summary>
      <FindingTable findings={findings} caption={name} />
    </details>
  ));
}
