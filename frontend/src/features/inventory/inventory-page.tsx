import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { useEffect, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type Certificate, inventoryFile, inventoryQuery, type Narrowing } from '@/api/inventory';
import { may, sessionQuery } from '@/api/session';
import { LoadError } from '@/frame/failure';
import { Page } from '@/frame/page';
import { useNow } from '@/now';
import { Badge } from '@/ui/badge';
import { Empty, Skeleton } from '@/ui/feedback';
import { TextField } from '@/ui/field';
import { Icon } from '@/ui/icon';
import { LoadMore } from '@/ui/load-more';
import { type Column, Table } from '@/ui/table';
import { InventoryFilters } from './filters';
import { RenewalPanel } from './renewal-panel';
import { dayText, Ending, isOverdue, PlanBadge, wantsOf } from './words';

const route = getRouteApi('/inside/inventory');
const typingPause = 250;

/** Every certificate that the organisation depends on, the next to end first. */
export function InventoryPage() {
  const { t } = useTranslation();
  const narrowing = route.useSearch();
  const navigate = useNavigate({ from: '/inventory' });
  const { data: session } = useQuery(sessionQuery);
  const manages = session !== undefined && may(session, 'certificate.manage');
  const query = useInfiniteQuery({ ...inventoryQuery(narrowing), placeholderData: (before) => before });
  const [chosen, setChosen] = useState<string[]>([]);
  const certificates = query.data?.pages.flatMap((page) => page.items) ?? [];
  const narrowed = Object.values(narrowing).some((value) => value !== undefined);
  const none = query.isSuccess && certificates.length === 0;
  const narrow = (change: Narrowing) => {
    setChosen([]);
    void navigate({ search: (before) => ({ ...before, ...change }), replace: true, resetScroll: false });
  };
  const takeIn = manages && (
    <Link to="/inventory/upload" className="button button-primary">
      <Icon name="upload" />
      <span>{t('inventory.takeIn')}</span>
    </Link>
  );
  return (
    <Page title={t('inventory.title')} lead={t('inventory.lead')} actions={!none && takeIn}>
      {!(none && !narrowed) && (
        <>
          <Search q={narrowing.q ?? ''} onSearch={(q) => narrow({ q })} />
          <InventoryFilters narrowing={narrowing} onChange={narrow} />
        </>
      )}
      {query.isPending && <Skeleton label={t('ui.loading')} lines={8} />}
      {query.error !== null && <LoadError error={query.error} onRetry={() => void query.refetch()} />}
      {none && !narrowed && (
        <Empty icon="lock" heading={t('inventory.empty.heading')} action={takeIn}>
          {t('inventory.empty.text')}
        </Empty>
      )}
      {none && narrowed && (
        <Empty icon="search" heading={t('inventory.noHits.heading')}>
          {t('inventory.noHits.text')}
        </Empty>
      )}
      {certificates.length > 0 && (
        <>
          {manages && <RenewalPanel chosen={chosen} listed={certificates} onClear={() => setChosen([])} />}
          <CertificateTable certificates={certificates} chosen={chosen} onChoose={manages ? setChosen : undefined} />
          <LoadMore
            shown={certificates.length}
            more={query.hasNextPage}
            pending={query.isFetchingNextPage}
            onMore={() => void query.fetchNextPage()}
          />
          <p>
            <a href={inventoryFile(narrowing)} download>
              <Icon name="download" /> {t('inventory.csv')}
            </a>
          </p>
        </>
      )}
    </Page>
  );
}

/** Searches as one types; the address holds the search. */
function Search({ q, onSearch }: { q: string; onSearch: (q: string | undefined) => void }) {
  const { t } = useTranslation();
  const [typed, setTyped] = useState(q);
  const wanted = typed.trim();
  useEffect(() => {
    if (wanted === q) return undefined;
    const timer = setTimeout(() => onSearch(wanted === '' ? undefined : wanted), typingPause);
    return () => clearTimeout(timer);
  }, [wanted, q, onSearch]);
  return (
    <search>
      <TextField
        id="search"
        type="search"
        label={t('inventory.search')}
        hint={t('inventory.searchHint')}
        autoComplete="off"
        maxLength={200}
        value={typed}
        onChange={(event) => setTyped(event.target.value)}
      />
    </search>
  );
}

interface TableProps {
  certificates: Certificate[];
  chosen: string[];
  onChoose: ((chosen: string[]) => void) | undefined;
}

function CertificateTable({ certificates, chosen, onChoose }: TableProps) {
  const { t } = useTranslation();
  const now = useNow(3_600_000);
  const columns = useMemo<Column<Certificate>[]>(
    () => [
      ...(onChoose === undefined ? [] : [choice(t('inventory.choose'), (name) => t('inventory.chooseOne', { name }), chosen, onChoose)]),
      {
        heading: t('inventory.name'),
        rowHeading: true,
        cell: (one) => (
          <>
            <Link to="/inventory/$id" params={{ id: one.id }}>
              {one.name}
            </Link>{' '}
            {one.test && <Badge>{t('inventory.test')}</Badge>}
            {one.subject_id !== '' && <span className="block quiet small code">{one.subject_id}</span>}
          </>
        ),
      },
      {
        heading: t('inventory.kind'),
        cell: (one) => (
          <>
            {t(`inventory.kinds.${one.kind}`)}
            <span className="block quiet small">{t(`inventory.generations.${one.generation}`)}</span>
          </>
        ),
      },
      { heading: t('inventory.notAfter'), cell: (one) => <Ending certificate={one} now={now} /> },
      {
        heading: t('inventory.plan'),
        cell: (one) => (
          <>
            <PlanBadge plan={one.plan} />
            {one.renew_by !== '' && <span className="block quiet small">{t('inventory.renewByShort', { day: dayText(one.renew_by) })}</span>}
            {isOverdue(one, now) && <Badge tone="error">{t('inventory.overdue')}</Badge>}
            <Wants certificate={one} />
          </>
        ),
      },
      { heading: t('inventory.owner'), cell: (one) => <Responsible certificate={one} /> },
    ],
    [t, chosen, onChoose, now],
  );
  return <Table caption={t('inventory.title')} columns={columns} rows={certificates} rowKey={(one) => one.id} />;
}

function Wants({ certificate }: { certificate: Certificate }) {
  const { t } = useTranslation();
  const wants = wantsOf(certificate);
  if (wants.length === 0) return null;
  return <span className="block quiet small">{t('inventory.wants.all', { list: wants.map((one) => t(`inventory.wants.${one}`)).join(', ') })}</span>;
}

function Responsible({ certificate: one }: { certificate: Certificate }) {
  const { t } = useTranslation();
  if (one.owner_name !== '') return <>{one.owner_name}</>;
  if (one.contact_email === '' && one.contact_post === '') return <span className="quiet">{t('inventory.nobody')}</span>;
  return (
    <>
      {one.contact_name}
      <span className="block quiet small break">{one.contact_email === '' ? one.contact_post : one.contact_email}</span>
    </>
  );
}

function choice(
  heading: string,
  label: (name: string) => string,
  chosen: string[],
  onChoose: (chosen: string[]) => void,
): Column<Certificate> {
  return {
    heading,
    cell: (one) => (
      <span className="form-group-checkbox">
        <input
          type="checkbox"
          className="form-checkbox"
          id={`choose-${one.id}`}
          disabled={one.plan === 'installed' || one.plan === 'retired'}
          checked={chosen.includes(one.id)}
          onChange={(event) => onChoose(event.target.checked ? [...chosen, one.id] : chosen.filter((id) => id !== one.id))}
        />
        <label className="form-label" htmlFor={`choose-${one.id}`}>
          <span className="sr-only">{label(one.name)}</span>
        </label>
      </span>
    ),
  };
}
