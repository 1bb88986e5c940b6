import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, getRouteApi } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { errorText } from '@/api/client';
import { type Carrier, carriers, type SecureMailLine, secureMailQuery, setCarrier } from '@/api/secure-mail';
import { may, sessionQuery } from '@/api/session';
import { date } from '@/format';
import { LoadError } from '@/frame/failure';
import { Page } from '@/frame/page';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';
import { Empty, Skeleton } from '@/ui/feedback';
import { SelectField } from '@/ui/field';
import { type Column, Table } from '@/ui/table';
import { useToast } from '@/ui/toast';

const route = getRouteApi('/inside/employees/secure-mail');

/** Who loses old secure mail at the closing: counts, and the list. */
export function SecureMailPage() {
  const { t } = useTranslation();
  const { carrier } = route.useSearch();
  const navigate = route.useNavigate();
  const { data: session } = useQuery(sessionQuery);
  const { data, error, refetch, hasNextPage, fetchNextPage, isFetchingNextPage } = useInfiniteQuery(secureMailQuery(carrier));
  const first = data?.pages[0];
  const rows = data?.pages.flatMap((page) => page.items) ?? [];
  const manages = session !== undefined && may(session, 'employee.manage');
  const columns: Column<SecureMailLine>[] = [
    {
      heading: t('secureMail.name'),
      rowHeading: true,
      cell: (one) => (
        <Link to="/employees/$id" params={{ id: one.id }}>
          {one.name}
        </Link>
      ),
    },
    { heading: t('secureMail.email'), cell: (one) => <span className="break">{one.email}</span> },
    {
      heading: t('secureMail.where'),
      cell: (one) => (manages ? <CarrierOf line={one} /> : t(`secureMail.carriers.${one.carrier}`)),
    },
    { heading: t('secureMail.source'), cell: (one) => t(`secureMail.sources.${one.source}`) },
  ];
  return (
    <Page title={t('secureMail.title')} lead={t('secureMail.lead')}>
      {error !== null && <LoadError error={error} onRetry={() => void refetch()} />}
      {first === undefined && error === null && <Skeleton label={t('ui.loading')} lines={6} />}
      {first !== undefined && (
        <>
          <Alert tone="info">
            {first.closes_at === null ? t('secureMail.noClosing') : t('secureMail.closing', { date: date(first.closes_at) })}
          </Alert>
          <dl className="facts panel">
            {carriers.map((one) => (
              <div key={one} className="fact">
                <dt>{t(`secureMail.counts.${one}`)}</dt>
                <dd>{first[one].toLocaleString('da')}</dd>
              </div>
            ))}
          </dl>
          <SelectField
            id="show"
            label={t('secureMail.show')}
            value={carrier ?? ''}
            onChange={(event) => void navigate({ search: { carrier: (event.target.value || undefined) as Carrier | undefined }, replace: true })}
          >
            <option value="">{t('secureMail.all')}</option>
            {carriers.map((one) => (
              <option key={one} value={one}>
                {t(`secureMail.carriers.${one}`)}
              </option>
            ))}
          </SelectField>
          {rows.length === 0 ? (
            <Empty icon="persons" heading={t('secureMail.nobody')}>
              {t('secureMail.nobodyText')}
            </Empty>
          ) : (
            <Table caption={t('secureMail.title')} columns={columns} rows={rows} rowKey={(one) => one.id} />
          )}
          {hasNextPage && (
            <Button pending={isFetchingNextPage} onClick={() => void fetchNextPage()}>
              {t('ui.more')}
            </Button>
          )}
        </>
      )}
    </Page>
  );
}

function CarrierOf({ line }: { line: SecureMailLine }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const toast = useToast();
  const { mutate, isPending } = useMutation({
    mutationFn: (carrier: Carrier) => setCarrier(line.id, carrier),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ['secure-mail'] });
      toast('success', t('secureMail.saved'));
    },
    onError: (error) => toast('error', errorText(error)),
  });
  return (
    <select
      className="form-select"
      aria-label={t('secureMail.whereOf', { name: line.name })}
      value={line.carrier}
      disabled={isPending}
      onChange={(event) => mutate(event.target.value as Carrier)}
    >
      {carriers.map((one) => (
        <option key={one} value={one}>
          {t(`secureMail.carriers.${one}`)}
        </option>
      ))}
    </select>
  );
}
