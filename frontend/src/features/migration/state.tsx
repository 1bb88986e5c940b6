import { useTranslation } from 'react-i18next';
import type { BatchState, RowState } from '@/api/batches';
import type { Tone } from '@/ui/alert';
import { Badge } from '@/ui/badge';

const batchTones: Record<BatchState, Tone | undefined> = {
  draft: undefined,
  running: 'info',
  paused: 'warning',
  completed: 'success',
  cancelled: undefined,
};

export function BatchBadge({ state, scheduled = false }: { state: BatchState; scheduled?: boolean }) {
  const { t } = useTranslation();
  const name = state === 'running' && scheduled ? 'scheduled' : state;
  return <Badge tone={batchTones[state]}>{t(`migration.state.${name}`)}</Badge>;
}

const rowTones: Record<RowState, Tone | undefined> = {
  pending: undefined,
  invited: 'info',
  activated: 'success',
  skipped: 'warning',
  failed: 'error',
  cancelled: undefined,
};

export function RowBadge({ state }: { state: RowState }) {
  const { t } = useTranslation();
  return <Badge tone={rowTones[state]}>{t(`migration.row.${state}`)}</Badge>;
}
