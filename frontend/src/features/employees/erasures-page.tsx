import { useQuery } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import type { Schema } from '@/api/client';
import { erasuresQuery, erasuresUrl } from '@/api/employees';
import { dateTime, number } from '@/format';
import { LoadError } from '@/frame/failure';
import { Page } from '@/frame/page';
import { Empty, Skeleton } from '@/ui/feedback';
import { SelectField } from '@/ui/field';
import { Icon } from '@/ui/icon';
import { type Column, Table } from '@/ui/table';

type Erasure = Schema['Erasure'];

const route = getRouteApi('/inside/employees/erasures');
const back = 36;

/** The latest months, newest first, as YYYY-MM of UTC. */
const months = (now: Date): string[] =>
  Array.from({ length: back }, (_, at) => new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - at, 1)).toISOString().slice(0, 7));

/** Whose personal data was erased in a month, what was left, and why. */
export function ErasuresPage() {
  const { t, i18n } = useTranslation();
  const lang = i18n.language === 'en' ? 'en' : 'da';
  const all = useMemo(() => months(new Date()), []);
  const { month = all[0] ?? '' } = route.useSearch();
  const navigate = useNavigate();
  const { data, error, refetch } = useQuery(erasuresQuery(month, lang));
  const columns = useMemo<Column<Erasure>[]>(
    () => [
      { heading: t('erasures.who'), rowHeading: true, cell: (one) => <span className="code break">{one.id}</span> },
      { heading: t('erasures.deleted'), cell: (one) => (one.deleted_at === null ? '–' : dateTime(one.deleted_at)) },
      { heading: t('erasures.erased'), cell: (one) => dateTime(one.erased_at) },
      { heading: t('erasures.what'), cell: (one) => one.erased.join(', ') },
      {
        heading: t('erasures.left'),
        cell: (one) => (
          <ul>
            {one.left.map(({ area, rows, reason }) => (
              <li key={area}>
                {area} ({number(rows)}): {reason}
              </li>
            ))}
          </ul>
        ),
      },
    ],
    [t],
  );
  return (
    <Page title={t('erasures.title')} lead={t('erasures.lead')} parent={{ to: '/employees', title: t('employees.title') }}>
      <SelectField
        id="month"
        label={t('erasures.month')}
        value={month}
        onChange={(event) => void navigate({ to: '/employees/erasures', search: { month: event.target.value }, replace: true })}
      >
        {(all.includes(month) ? all : [month, ...all]).map((one) => (
          <option key={one} value={one}>
            {one}
          </option>
        ))}
      </SelectField>
      {error !== null && <LoadError error={error} onRetry={() => void refetch()} />}
      {data === undefined && error === null && <Skeleton label={t('ui.loading')} lines={8} />}
      {data?.items.length === 0 && (
        <Empty icon="check" heading={t('erasures.none', { month })}>
          {t('erasures.noneText')}
        </Empty>
      )}
      {data !== undefined && data.items.length > 0 && (
        <>
          <p role="status">{t('erasures.count', { count: data.items.length })}</p>
          <p>
            <a href={erasuresUrl(month, lang)} download>
              <Icon name="download" /> {t('erasures.csv')}
            </a>
          </p>
          <Table caption={t('erasures.title')} columns={columns} rows={data.items} rowKey={(one) => one.id} />
        </>
      )}
    </Page>
  );
}
