import { useInfiniteQuery } from '@tanstack/react-query';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { useEffect, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type Employee, employeesQuery } from '@/api/employees';
import { LoadError } from '@/frame/failure';
import { Page } from '@/frame/page';
import { Empty, Skeleton } from '@/ui/feedback';
import { TextField } from '@/ui/field';
import { LoadMore } from '@/ui/load-more';
import { type Column, Table } from '@/ui/table';
import { ListActions } from '../roster/list-actions';
import { CodeCardBadge, EmployeeBadge, KeyFileBadge } from './state';

const route = getRouteApi('/inside/employees');
const typingPause = 250;

export function EmployeesPage() {
  const { t } = useTranslation();
  const { q = '' } = route.useSearch();
  const query = useInfiniteQuery({ ...employeesQuery(q), placeholderData: (before) => before });
  const employees = query.data?.pages.flatMap((page) => page.items) ?? [];
  const none = query.isSuccess && employees.length === 0;
  return (
    <Page title={t('employees.title')} lead={t('employees.lead')} actions={<ListActions filter={{ q }} />}>
      {!(none && q === '') && <Search q={q} />}
      {query.isPending && <Skeleton label={t('ui.loading')} lines={8} />}
      {query.error !== null && <LoadError error={query.error} onRetry={() => void query.refetch()} />}
      {none && q === '' && (
        <Empty icon="persons" heading={t('employees.empty.heading')}>
          {t('employees.empty.text')}
        </Empty>
      )}
      {none && q !== '' && (
        <Empty icon="search" heading={t('employees.noHits.heading', { q })}>
          {t('employees.noHits.text')}
        </Empty>
      )}
      {employees.length > 0 && (
        <>
          <EmployeeTable employees={employees} />
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
      void navigate({ search: { q: wanted === '' ? undefined : wanted }, replace: true, resetScroll: false });
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

function EmployeeTable({ employees }: { employees: Employee[] }) {
  const { t } = useTranslation();
  const columns = useMemo<Column<Employee>[]>(
    () => [
      {
        heading: t('employees.name'),
        rowHeading: true,
        cell: (one) => (
          <>
            <Link to="/employees/$id" params={{ id: one.id }}>
              {one.given_name} {one.surname}
            </Link>{' '}
            {one.state !== 'active' && <EmployeeBadge state={one.state} />}
          </>
        ),
      },
      { heading: t('employees.rid'), cell: (one) => <span className="code">{one.rid ?? '–'}</span> },
      { heading: t('employees.email'), cell: (one) => <span className="break">{one.email}</span> },
      { heading: t('employees.codeCard.heading'), cell: (one) => <CodeCardBadge state={one.code_card} /> },
      { heading: t('employees.keyFile.heading'), cell: (one) => <KeyFileBadge state={one.key_file} /> },
    ],
    [t],
  );
  return <Table caption={t('employees.title')} columns={columns} rows={employees} rowKey={(one) => one.id} />;
}
