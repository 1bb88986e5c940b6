import { useInfiniteQuery } from '@tanstack/react-query';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { type Batch, isUnderWay, type Row, type RowState, rowsQuery } from '@/api/batches';
import { errorText, type Finding } from '@/api/client';
import { number } from '@/format';
import { LoadError } from '@/frame/failure';
import { codeText, sentence } from '@/i18n';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';
import { Skeleton } from '@/ui/feedback';
import { LoadMore } from '@/ui/load-more';
import { type Column, Table } from '@/ui/table';
import { useRetry } from './retry-panel';
import { RowBadge } from './state';

const route = getRouteApi('/inside/migration/$id');
const filters = [undefined, 'pending', 'invited', 'activated', 'skipped', 'failed', 'cancelled'] as const;

/** Every row with its state; the filter is part of the address. */
export function RowsPanel({ id, batch }: { id: string; batch: Batch }) {
  const { t } = useTranslation();
  const { state } = route.useSearch();
  const query = useInfiniteQuery({
    ...rowsQuery(id, state),
    // Only the first page moves with the work: a long list must not jump.
    refetchInterval: (all) => ((isUnderWay(batch) || isTried(all.state.data?.pages[0]?.items)) && all.state.data?.pages.length === 1 ? 3_000 : false),
    placeholderData: (before) => before,
  });
  const rows = query.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <section className="panel" aria-labelledby="rows">
      <h2 id="rows">{t('migration.rows.heading')}</h2>
      <Filter batch={batch} state={state} />
      {query.isPending && <Skeleton label={t('ui.loading')} />}
      {query.error !== null && <LoadError error={query.error} onRetry={() => void query.refetch()} />}
      {query.isSuccess && rows.length === 0 && <p>{t('migration.rows.none')}</p>}
      {rows.length > 0 && (
        <>
          <RowTable id={id} rows={rows} findings={batch.errors} canRetry={batch.state === 'running' || batch.state === 'completed'} />
          <LoadMore
            shown={rows.length}
            more={query.hasNextPage}
            pending={query.isFetchingNextPage}
            onMore={() => void query.fetchNextPage()}
          />
        </>
      )}
    </section>
  );
}

/** What the page shows while work tries a row again. */
const trying = 'being_tried';

const isTried = (rows: Row[] = []): boolean => rows.some((row) => row.not_given === trying || row.not_attached === trying);

function Filter({ batch, state }: { batch: Batch; state: RowState | undefined }) {
  const { t } = useTranslation();
  const navigate = useNavigate({ from: '/migration/$id' });
  const countOf = (one: RowState | undefined) => (one === undefined ? batch.total : batch.counts[one]);
  return (
    <fieldset className="chips">
      <legend className="sr-only">{t('migration.rows.filter')}</legend>
      {filters
        .filter((one) => one === undefined || one === state || countOf(one) > 0)
        .map((one) => (
          <button
            key={one ?? 'all'}
            type="button"
            className="chip"
            aria-pressed={one === state}
            onClick={() => void navigate({ search: { state: one }, replace: true, resetScroll: false })}
          >
            {one === undefined ? t('migration.rows.all') : t(`migration.row.${one}`)}
            <span className="number">{number(countOf(one))}</span>
          </button>
        ))}
    </fieldset>
  );
}

/** Why a row was skipped or failed: what was found on its line, else its code. */
function reasonsOf(row: Row, findings: Finding[]): string[] {
  const found = findings.filter(({ line }) => row.state === 'failed' && line === row.line);
  if (found.length > 0) return found.map(({ code, message }) => sentence(code, message) ?? code);
  return row.reason === '' ? [] : [codeText(row.reason) ?? row.reason];
}

interface RowTableProps {
  id: string;
  rows: Row[];
  findings: Finding[];
  canRetry: boolean;
}

function RowTable({ id, rows, findings, canRetry }: RowTableProps) {
  const { t } = useTranslation();
  const { mutate, isPending, variables, error } = useRetry(id);
  const columns = useMemo<Column<Row>[]>(
    () => [
      { heading: t('migration.finding.line'), number: true, cell: (row) => number(row.line) },
      {
        heading: t('migration.rows.name'),
        rowHeading: true,
        cell: (row) =>
          row.employee_id === null ? (
            row.name
          ) : (
            <Link to="/employees/$id" params={{ id: row.employee_id }}>
              {row.name}
            </Link>
          ),
      },
      { heading: t('migration.rows.rid'), cell: (row) => <span className="code">{row.rid}</span> },
      { heading: t('migration.rows.email'), cell: (row) => <span className="break">{row.email}</span> },
      {
        heading: t('migration.rows.state'),
        cell: (row) => (
          <>
            <RowBadge state={row.state} />
            {reasonsOf(row, findings).map((reason) => (
              <div key={reason} className="quiet small">
                {reason}
              </div>
            ))}
            <NotGiven
              row={row}
              pending={isPending && variables === row.line}
              onRetry={canRetry ? () => !isPending && mutate(row.line) : undefined}
            />
          </>
        ),
      },
    ],
    [t, findings, canRetry, isPending, variables, mutate],
  );
  return (
    <>
      {error !== null && (
        <Alert tone="error" live>
          {errorText(error)}
        </Alert>
      )}
      <Table caption={t('migration.rows.heading')} columns={columns} rows={rows} rowKey={(row) => row.line} />
    </>
  );
}

/** What the row's employee did not get, and the button that tries it again. */
function NotGiven({ row, pending, onRetry }: { row: Row; pending: boolean; onRetry: (() => void) | undefined }) {
  const { t } = useTranslation();
  const parts = [
    { text: 'migration.rows.notGiven' as const, code: row.not_given },
    { text: 'migration.rows.notAttached' as const, code: row.not_attached },
  ].filter(({ code }) => code !== '');
  if (parts.length === 0) return null;
  return (
    <>
      {parts.map(({ text, code }) => (
        <div key={text} className="quiet small">
          {t(text, { reason: sentence(code, '') ?? code })}
        </div>
      ))}
      {onRetry !== undefined && parts.some(({ code }) => code !== trying) && (
        <Button variant="tertiary" icon="refresh" pending={pending} onClick={onRetry} aria-label={t('migration.rows.retryOf', { line: row.line })}>
          {t('migration.rows.retry')}
        </Button>
      )}
    </>
  );
}
