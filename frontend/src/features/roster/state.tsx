import { useTranslation } from 'react-i18next';
import type { RunAction, RunRowState, RunState } from '@/api/bulk';
import type { Tone } from '@/ui/alert';
import { Badge } from '@/ui/badge';

const runTones: Record<RunState, Tone | undefined> = {
  draft: undefined,
  waiting: 'warning',
  running: 'info',
  completed: 'success',
  cancelled: undefined,
};

export function RunBadge({ state }: { state: RunState }) {
  const { t } = useTranslation();
  return <Badge tone={runTones[state]}>{t(`bulk.state.${state}`)}</Badge>;
}

const actionTones: Record<RunAction, Tone | undefined> = {
  create: 'success',
  edit: 'info',
  reactivate: 'success',
  suspend: 'warning',
  delete: 'error',
  none: undefined,
  refuse: 'error',
};

export function ActionBadge({ action }: { action: RunAction }) {
  const { t } = useTranslation();
  return <Badge tone={actionTones[action]}>{t(`bulk.action.${action}`)}</Badge>;
}

const rowTones: Record<RunRowState, Tone | undefined> = {
  pending: undefined,
  done: 'success',
  unchanged: undefined,
  failed: 'error',
  cancelled: undefined,
};

export function RowStateBadge({ state }: { state: RunRowState }) {
  const { t } = useTranslation();
  return <Badge tone={rowTones[state]}>{t(`bulk.row.${state}`)}</Badge>;
}
