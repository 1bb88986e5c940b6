import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { type SyntheticEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { groupsQuery } from '@/api/groups';
import { type CatalogueRight, type Holder, holdersCsv, holdersQuery, type HolderSearch, rightServicesQuery } from '@/api/rights';
import { LoadError } from '@/frame/failure';
import { Page } from '@/frame/page';
import { Button } from '@/ui/button';
import { Empty, Skeleton } from '@/ui/feedback';
import { SelectField, TextField } from '@/ui/field';
import { Icon } from '@/ui/icon';
import { LoadMore } from '@/ui/load-more';
import { type Column, Table } from '@/ui/table';
import { RightPicker } from './right-form';
import { Limits, Source, Term, useRightName } from './words';

const nothing: HolderSearch = { right: [], service: '', group: '', p_number: '', se_number: '', days: 0 };
const ends = [14, 30, 90, 365] as const;

/** Who has what: employees who have all of what is asked for. */
export function HoldersPage() {
  const { t, i18n } = useTranslation();
  const [search, setSearch] = useState(nothing);
  const query = useInfiniteQuery({ ...holdersQuery(search), placeholderData: (before) => before });
  const holders = query.data?.pages.flatMap((page) => page.items) ?? [];
  const csv = (
    <a className="button button-secondary" href={holdersCsv(search, i18n.language)} download>
      <Icon name="download" />
      <span>{t('entitlements.holders.csv')}</span>
    </a>
  );
  return (
    <Page title={t('entitlements.holders.title')} lead={t('entitlements.holders.lead')} actions={csv}>
      <Search onSearch={setSearch} />
      {query.isPending && <Skeleton label={t('ui.loading')} lines={8} />}
      {query.error !== null && <LoadError error={query.error} onRetry={() => void query.refetch()} />}
      {query.isSuccess && holders.length === 0 && (
        <Empty icon="search" heading={t('entitlements.holders.empty')}>
          {t('entitlements.holders.emptyText')}
        </Empty>
      )}
      {holders.length > 0 && (
        <>
          <HolderTable holders={holders} />
          <LoadMore shown={holders.length} more={query.hasNextPage} pending={query.isFetchingNextPage} onMore={() => void query.fetchNextPage()} />
        </>
      )}
    </Page>
  );
}

function Search({ onSearch }: { onSearch: (search: HolderSearch) => void }) {
  const { t } = useTranslation();
  const nameOf = useRightName();
  const [typed, setTyped] = useState(nothing);
  const [rights, setRights] = useState<CatalogueRight[]>([]);
  const { data: services } = useQuery(rightServicesQuery);
  const groups = useInfiniteQuery(groupsQuery).data?.pages.flatMap((page) => page.items) ?? [];
  const edit = (part: Partial<HolderSearch>) => setTyped({ ...typed, ...part });
  const send = (event: SyntheticEvent) => {
    event.preventDefault();
    onSearch({ ...typed, right: rights.map((one) => one.id), p_number: typed.p_number.trim(), se_number: typed.se_number.trim() });
  };
  return (
    <form className="panel" noValidate onSubmit={send}>
      <div className="columns">
        <div>
          <RightPicker
            id="holders"
            service=""
            picked={undefined}
            error={undefined}
            onPick={(right) => right !== undefined && setRights([...rights.filter((one) => one.id !== right.id), right])}
          />
          {rights.length > 0 && (
            <ul className="nobullet-list" aria-label={t('entitlements.holders.chosen')}>
              {rights.map((one) => (
                <li key={one.id}>
                  {nameOf(one)}{' '}
                  <Button
                    variant="unstyled"
                    icon="close"
                    aria-label={t('entitlements.holders.without', { name: nameOf(one) })}
                    onClick={() => setRights(rights.filter((other) => other.id !== one.id))}
                  >
                    {t('entitlements.holders.drop')}
                  </Button>
                </li>
              ))}
            </ul>
          )}
          <SelectField id="in-service" label={t('entitlements.holders.inService')} value={typed.service} onChange={(event) => edit({ service: event.target.value })}>
            <option value="">{t('entitlements.all')}</option>
            {(services?.items ?? []).map((one) => (
              <option key={one.id} value={one.id}>
                {one.name}
              </option>
            ))}
          </SelectField>
        </div>
        <div>
          <SelectField id="in-group" label={t('entitlements.holders.inGroup')} value={typed.group} onChange={(event) => edit({ group: event.target.value })}>
            <option value="">{t('entitlements.all')}</option>
            {groups.map((one) => (
              <option key={one.id} value={one.id}>
                {one.name}
              </option>
            ))}
          </SelectField>
          <TextField id="p-number" className="input-width-m" inputMode="numeric" maxLength={10} optional label={t('entitlements.form.p')} value={typed.p_number} onChange={(event) => edit({ p_number: event.target.value })} />
          <TextField id="se-number" className="input-width-m" inputMode="numeric" maxLength={8} optional label={t('entitlements.form.se')} value={typed.se_number} onChange={(event) => edit({ se_number: event.target.value })} />
          <SelectField id="days" label={t('entitlements.holders.ends')} value={typed.days} onChange={(event) => edit({ days: Number(event.target.value) })}>
            <option value={0}>{t('entitlements.holders.any')}</option>
            {ends.map((days) => (
              <option key={days} value={days}>
                {t('entitlements.holders.within', { count: days })}
              </option>
            ))}
          </SelectField>
        </div>
      </div>
      <div className="actions">
        <Button type="submit" variant="primary" icon="search">
          {t('entitlements.holders.submit')}
        </Button>
      </div>
    </form>
  );
}

function HolderTable({ holders }: { holders: Holder[] }) {
  const { t } = useTranslation();
  const nameOf = useRightName();
  const columns: Column<Holder>[] = [
    {
      heading: t('entitlements.employeeTitle'),
      rowHeading: true,
      cell: ({ employee }) => (
        <>
          <Link to="/employees/$id" params={{ id: employee.id }}>
            {employee.name}
          </Link>
          <span className="block quiet small weight-normal break">{employee.email}</span>
        </>
      ),
    },
    {
      heading: t('entitlements.title'),
      cell: ({ rights }) => (
        <ul className="held">
          {rights.map((one, index) => (
            <li key={index}>
              <strong>{nameOf(one.right)}</strong> <span className="quiet">{one.right.service_name}</span>
              <span className="block small">
                <Limits {...one} /> · <Source holding={one} /> · <Term holding={one} />
              </span>
            </li>
          ))}
        </ul>
      ),
    },
  ];
  return <Table caption={t('entitlements.holders.title')} columns={columns} rows={holders} rowKey={({ employee }) => employee.id} />;
}
