import { useInfiniteQuery } from '@tanstack/react-query';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { type Run, type RunAction, type RunRow, type RunRowState, runRowsQuery } from '@/api/bulk';
import { number } from '@/format';
import { LoadError } from '@/frame/failure';
import { sentence } from '@/i18n';
import { Skeleton } from '@/ui/feedback';
import { LoadMore } from '@/ui/load-more';
import { type Column, Table } from '@/ui/table';
import { ActionBadge, RowStateBadge } from './state';

const route = getRouteApi('/inside/employees/bulk/$id');
const actions = ['create', 'edit', 'reactivate', 'suspend', 'delete', 'none', 'refuse'] as const;
const states = ['pending', 'done', 'unchanged', 'failed', 'cancelled'] as const;

/** The difference, line by line; the filter is part of the address. */
export function RowsPanel({ run }: { run: Run }) {
  const { t } = useTranslation();
  const { action, state } = route.useSearch();
  const query = useInfiniteQuery({
    ...runRowsQuery(run.id, run.state, action, state),
    refetchInterval: (all) => (run.state === 'running' && all.state.data?.pages.length === 1 ? 3_000 : false),
    placeholderData: (before) => before,
  });
  const rows = query.data?.pages.flatMap((page) => page.items) ?? [];
  const started = run.state !== 'draft' && run.state !== 'waiting';
  return (
    <section className="panel" aria-labelledby="rows">
      <h2 id="rows">{t('bulk.rows.heading')}</h2>
      <Chips
        legend={t('bulk.rows.byAction')}
        all={run.total}
        chosen={action}
        choices={actions.map((one) => ({ value: one, text: t(`bulk.action.${one}`), count: run.forecast[one] }))}
        search={(one) => ({ action: one, state })}
      />
      {started && (
        <Chips
          legend={t('bulk.rows.byState')}
          all={run.total}
          chosen={state}
          choices={states.map((one) => ({ value: one, text: t(`bulk.row.${one}`), count: run.counts[one] }))}
          search={(one) => ({ action, state: one })}
        />
      )}
      {query.isPending && <Skeleton label={t('ui.loading')} />}
      {query.error !== null && <LoadError error={query.error} onRetry={() => void query.refetch()} />}
      {query.isSuccess && rows.length === 0 && <p>{t('bulk.rows.none')}</p>}
      {rows.length > 0 && (
        <>
          <RowTable rows={rows} started={started} />
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

interface ChipsProps<T extends string> {
  legend: string;
  all: number;
  chosen: T | undefined;
  choices: { value: T; text: string; count: number }[];
  search: (one: T | undefined) => { action: RunAction | undefined; state: RunRowState | undefined };
}

function Chips<T extends string>({ legend, all, chosen, choices, search }: ChipsProps<T>) {
  const { t } = useTranslation();
  const navigate = useNavigate({ from: '/employees/bulk/$id' });
  const shown = [{ value: undefined, text: t('bulk.rows.all'), count: all }, ...choices.filter(({ value, count }) => count > 0 || value === chosen)];
  return (
    <fieldset className="chips">
      <legend className="sr-only">{legend}</legend>
      {shown.map(({ value, text, count }) => (
        <button
          key={value ?? 'all'}
          type="button"
          className="chip"
          aria-pressed={value === chosen}
          onClick={() => void navigate({ search: search(value), replace: true, resetScroll: false })}
        >
          {text}
          <span className="number">{number(count)}</span>
        </button>
      ))}
    </fieldset>
  );
}

const fields = [
  'given_name',
  'surname',
  'email',
  'phone',
  'date_of_birth',
  'rid',
  'p_number',
  'se_number',
  'local_user_id',
  'lang',
  'channel',
  'anonymous',
  'without_cpr',
  'cpr',
  'groups',
] as const;

/** Before and after of each field; a CPR number is not shown. */
function Changes({ row }: { row: RunRow }) {
  const { t } = useTranslation();
  if (row.changes.length === 0) return '–';
  const nameOf = (field: string): string => {
    const known = fields.find((one) => one === field);
    return known === undefined ? field : t(`bulk.field.${known}`);
  };
  return (
    <ul className="bare">
      {row.changes.map(({ field, from, to }) => (
        <li key={field}>
          <strong>{nameOf(field)}</strong>
          {from !== '' && (
            <>
              {': '}
              <del className="break">{from}</del>
            </>
          )}
          {to !== '' && (
            <>
              {' → '}
              <ins className="break">{to}</ins>
            </>
          )}
        </li>
      ))}
    </ul>
  );
}

function RowTable({ rows, started }: { rows: RunRow[]; started: boolean }) {
  const { t } = useTranslation();
  const columns = useMemo<Column<RunRow>[]>(
    () => [
      { heading: t('bulk.rows.line'), number: true, cell: (row) => (row.line === 0 ? '–' : number(row.line)) },
      {
        heading: t('bulk.rows.name'),
        rowHeading: true,
        cell: (row) => {
          const name = row.name === '' ? row.email || row.rid || '–' : row.name;
          return row.employee_id === null ? (
            name
          ) : (
            <Link to="/employees/$id" params={{ id: row.employee_id }}>
              {name}
            </Link>
          );
        },
      },
      { heading: t('bulk.rows.email'), cell: (row) => <span className="break">{row.email || '–'}</span> },
      {
        heading: t('bulk.rows.action'),
        cell: (row) => (
          <>
            <ActionBadge action={row.action} />
            {row.code !== '' && (
              <div className="quiet small">{row.code === 'missing' ? t('bulk.rows.missing') : sentence(row.code, row.message)}</div>
            )}
          </>
        ),
      },
      { heading: t('bulk.rows.changes'), cell: (row) => <Changes row={row} /> },
      ...(started ? [{ heading: t('bulk.rows.state'), cell: (row: RunRow) => <RowStateBadge state={row.state} /> }] : []),
    ],
    [t, started],
  );
  return (
    <Table caption={t('bulk.rows.heading')} columns={columns} rows={rows} rowKey={(row) => `${row.line} ${row.employee_id ?? ''}`} />
  );
}
