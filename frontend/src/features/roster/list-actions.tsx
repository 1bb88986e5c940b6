import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { employeeListUrl } from '@/api/bulk';
import { may, sessionQuery } from '@/api/session';
import { Icon } from '@/ui/icon';

/** What is done with the whole list: get it as a file, change many at once. */
export function ListActions({ filter }: { filter: Record<string, string | undefined> }) {
  const { data: session } = useQuery(sessionQuery);
  const { t } = useTranslation();
  return (
    <>
      {session !== undefined && may(session, 'employee.manage') && (
        <Link to="/employees/bulk/new" className="button button-secondary">
          <Icon name="upload" />
          <span>{t('bulk.list.upload')}</span>
        </Link>
      )}
      <a className="button button-tertiary" href={employeeListUrl('csv', filter)} download>
        <Icon name="download" />
        <span>{t('bulk.export.csv')}</span>
      </a>
      <a className="button button-tertiary" href={employeeListUrl('xlsx', filter)} download>
        <Icon name="download" />
        <span>{t('bulk.export.xlsx')}</span>
      </a>
    </>
  );
}
