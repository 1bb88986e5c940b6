import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import type { Schema } from '@/api/client';
import { roleTableQuery } from '@/api/roles';
import { LoadError } from '@/frame/failure';
import { Page } from '@/frame/page';
import { Skeleton } from '@/ui/feedback';
import { type Column, Table } from '@/ui/table';

type Line = Schema['RoleLine'];

/** What each role may do, as the server checks it. */
export function RoleTablePage() {
  const { t, i18n } = useTranslation();
  const { data, error, refetch } = useQuery(roleTableQuery);
  const english = i18n.language === 'en';
  const columns: Column<Line>[] = [
    { heading: t('roleAdmin.table.capability'), rowHeading: true, cell: (one) => (english ? one.english : one.danish) },
    ...(data?.roles ?? []).map((role) => ({
      heading: english ? role.english : role.danish,
      cell: (one: Line) => (one.roles.includes(role.role) ? t('roleAdmin.table.yes') : t('roleAdmin.table.no')),
    })),
  ];
  return (
    <Page title={t('roleAdmin.table.title')} lead={t('roleAdmin.table.lead')} parent={{ to: '/organisation/roles', title: t('roleAdmin.title') }}>
      {error !== null && <LoadError error={error} onRetry={() => void refetch()} />}
      {data === undefined && error === null && <Skeleton label={t('ui.loading')} />}
      {data !== undefined && (
        <div className="long-heads">
          <Table caption={t('roleAdmin.table.title')} columns={columns} rows={data.lines} rowKey={(one) => one.english} />
        </div>
      )}
    </Page>
  );
}
