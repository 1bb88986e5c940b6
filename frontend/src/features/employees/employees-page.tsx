import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { useEffect, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type Employee, employeesQuery, type Narrowing } from '@/api/employees';
import { may, sessionQuery } from '@/api/session';
import { LoadError } from '@/frame/failure';
import { Page } from '@/frame/page';
import { Badge } from '@/ui/badge';
import { Empty, Skeleton } from '@/ui/feedback';
import { TextField } from '@/ui/field';
import { LoadMore } from '@/ui/load-more';
import { type Column, Table } from '@/ui/table';
import { ListActions } from '../roster/list-actions';
import { Filters } from './filters';
import { Selection } from './selection';
import { CodeCardBadge, EmployeeBadge, KeyFileBadge, UnprovenBadge } from './state';

const route = getRouteApi('/inside/employees');
const typingPause = 250;

export function EmployeesPage() {
  const { t } = useTranslation();
  const { q = '', ...narrowing } = route.useSearch();
  const navigate = useNavigate({ from: '/employees' });
  const { data: session } = useQuery(sessionQuery);
  const manages = session !== undefined && may(session, 'employee.manage');
  const query = useInfiniteQuery({ ...employeesQuery(q, narrowing), placeholderData: (before) => before });
  const employees = query.data?.pages.flatMap((page) => page.items) ?? [];
  const narrowed = q !== '' || Object.values(narrowing).some((value) => value !== undefined);
  const none = query.isSuccess && employees.length === 0 && !query.hasNextPage;
  const [chosen, setChosen] = useState<string[]>([]);
  const narrow = (change: Narrowing) => {
    void navigate({ search: (before) => ({ ...before, ...change }), replace: true, resetScroll: false });
  };
  // A search for what is rare gives short pages: the next one is fetched by itself.
  const short = query.hasNextPage && employees.length < 50 && !query.isFetchingNextPage && query.error === null;
  const { fetchNextPage } = query;
  useEffect(() => {
    if (short) void fetchNextPage();
  }, [short, fetchNextPage]);
  return (
    <Page
      title={t('employees.title')}
      lead={t('employees.lead')}
      actions={
        <>
          <ListActions filter={{ ...narrowing, q }} />
          {manages && (
            <Link className="button button-primary" to="/employees/new">
              {t('employees.new')}
            </Link>
          )}
        </>
      }
    >
      {!(none && !narrowed) && (
        <>
          <Search q={q} />
          <Filters narrowing={narrowing} onChange={narrow} />
        </>
      )}
      <p className="sr-only" role="status">
        {query.isSuccess && !query.isPlaceholderData && t(query.hasNextPage ? 'employees.countMore' : 'employees.count', { count: employees.length })}
      </p>
      {query.isPending && <Skeleton label={t('ui.loading')} lines={8} />}
      {query.error !== null && <LoadError error={query.error} onRetry={() => void query.refetch()} />}
      {none && !narrowed && (
        <Empty icon="persons" heading={t('employees.empty.heading')}>
          {t('employees.empty.text')}
        </Empty>
      )}
      {none && narrowed && (
        <Empty icon="search" heading={q === '' ? t('employees.noHits.filtered') : t('employees.noHits.heading', { q })}>
          {t('employees.noHits.text')}
        </Empty>
      )}
      {employees.length > 0 && (
        <>
          {manages && <Selection chosen={chosen} onClear={() => setChosen([])} q={q} narrowing={narrowing} />}
          <EmployeeTable employees={employees} chosen={chosen} onChoose={manages ? setChosen : undefined} />
          <LoadMore
            shown={employees.length}
            more={query.hasNextPage}
            pending={query.isFetchingNextPage}
            onMore={() => void query.fetchNextPage()}
          />
        </>
      )}
    </Page>
  );
}

/** Searches as one types; the address holds the search, so that the way back
 * from an employee leads to it. */
function Search({ q }: { q: string }) {
  const { t } = useTranslation();
  const navigate = useNavigate({ from: '/employees' });
  const [typed, setTyped] = useState(q);
  useEffect(() => {
    const wanted = typed.trim();
    if (wanted === q) return undefined;
    const timer = setTimeout(() => {
      void navigate({ search: (before) => ({ ...before, q: wanted === '' ? undefined : wanted }), replace: true, resetScroll: false });
    }, typingPause);
    return () => clearTimeout(timer);
  }, [typed, q, navigate]);
  return (
    <search>
      <TextField
        id="search"
        type="search"
        label={t('employees.search')}
        hint={t('employees.searchHint')}
        autoComplete="off"
        maxLength={200}
        value={typed}
        onChange={(event) => setTyped(event.target.value)}
      />
    </search>
  );
}

interface EmployeeTableProps {
  employees: Employee[];
  chosen: string[];
  onChoose: ((chosen: string[]) => void) | undefined;
}

function EmployeeTable({ employees, chosen, onChoose }: EmployeeTableProps) {
  const { t } = useTranslation();
  const columns = useMemo<Column<Employee>[]>(
    () => [
      ...(onChoose === undefined
        ? []
        : [
            {
              heading: t('employees.select.column'),
              cell: (one: Employee) => {
                const name = `${one.given_name} ${one.surname}`;
                return (
                  <span className="form-group-checkbox">
                    <input
                      type="checkbox"
                      className="form-checkbox"
                      id={`choose-${one.id}`}
                      checked={chosen.includes(one.id)}
                      onChange={(event) => onChoose(event.target.checked ? [...chosen, one.id] : chosen.filter((id) => id !== one.id))}
                    />
                    <label className="form-label" htmlFor={`choose-${one.id}`}>
                      <span className="sr-only">{t('employees.select.one', { name })}</span>
                    </label>
                  </span>
                );
              },
            },
          ]),
      {
        heading: t('employees.name'),
        rowHeading: true,
        cell: (one) => (
          <>
            <Link to="/employees/$id" params={{ id: one.id }}>
              {one.given_name === '' ? t('employees.erased') : `${one.given_name} ${one.surname}`}
            </Link>{' '}
            {one.state !== 'active' && <EmployeeBadge state={one.state} />} <UnprovenBadge blocked={one.blocked} /> {one.anonymous && <Badge tone="info">{t('employees.anonymous')}</Badge>}
          </>
        ),
      },
      { heading: t('employees.rid'), cell: (one) => <span className="code">{one.rid ?? '–'}</span> },
      { heading: t('employees.email'), cell: (one) => <span className="break">{one.email}</span> },
      { heading: t('employees.codeCard.heading'), cell: (one) => <CodeCardBadge state={one.code_card} /> },
      { heading: t('employees.keyFile.heading'), cell: (one) => <KeyFileBadge state={one.key_file} /> },
    ],
    [t, chosen, onChoose],
  );
  return <Table caption={t('employees.title')} columns={columns} rows={employees} rowKey={(one) => one.id} />;
}
