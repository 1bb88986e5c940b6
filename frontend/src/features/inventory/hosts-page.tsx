import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { type SyntheticEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorText } from '@/api/client';
import { addHost, type Host, hostsQuery, removeHost, scanHost } from '@/api/inventory';
import { may, sessionQuery } from '@/api/session';
import { dateTime } from '@/format';
import { LoadError } from '@/frame/failure';
import { Page } from '@/frame/page';
import { Alert } from '@/ui/alert';
import { Badge } from '@/ui/badge';
import { Button } from '@/ui/button';
import { Empty, Skeleton } from '@/ui/feedback';
import { TextField } from '@/ui/field';
import { type Column, Table } from '@/ui/table';
import { useToast } from '@/ui/toast';

// A scan that was asked for shows when it is done.
const watchEvery = 5_000;

/** Hosts whose TLS certificate is read every day. */
export function HostsPage() {
  const { t } = useTranslation();
  const { data: session } = useQuery(sessionQuery);
  const query = useQuery({ ...hostsQuery, refetchInterval: watchEvery });
  const manages = session !== undefined && may(session, 'certificate.manage');
  const hosts = query.data?.items ?? [];
  return (
    <Page title={t('inventory.hosts.title')} lead={t('inventory.hosts.lead')}>
      {manages && <NewHost />}
      {query.isPending && <Skeleton label={t('ui.loading')} />}
      {query.error !== null && <LoadError error={query.error} onRetry={() => void query.refetch()} />}
      {query.isSuccess && hosts.length === 0 && (
        <Empty icon="link" heading={t('inventory.hosts.empty')}>
          {t('inventory.hosts.emptyText')}
        </Empty>
      )}
      {hosts.length > 0 && <HostTable hosts={hosts} manages={manages} />}
    </Page>
  );
}

function NewHost() {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const toast = useToast();
  const [address, setAddress] = useState('');
  const add = useMutation({
    mutationFn: addHost,
    onSuccess: async () => {
      setAddress('');
      await queries.invalidateQueries({ queryKey: ['inventory', 'hosts'] });
      toast('success', t('inventory.hosts.added'));
    },
  });
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    if (!add.isPending) add.mutate(address);
  };
  return (
    <form className="panel" noValidate onSubmit={submit}>
      <TextField
        id="host-address"
        label={t('inventory.hosts.address')}
        hint={t('inventory.hosts.addressHint')}
        autoComplete="off"
        autoCapitalize="off"
        spellCheck={false}
        error={add.error === null ? undefined : errorText(add.error)}
        value={address}
        onChange={(event) => setAddress(event.target.value)}
      />
      <div className="actions">
        <Button type="submit" variant="primary" icon="plus" pending={add.isPending}>
          {t('inventory.hosts.add')}
        </Button>
      </div>
    </form>
  );
}

function HostTable({ hosts, manages }: { hosts: Host[]; manages: boolean }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const toast = useToast();
  const refresh = () => queries.invalidateQueries({ queryKey: ['inventory', 'hosts'] });
  const scan = useMutation({
    mutationFn: (id: string) => scanHost(id),
    onSuccess: async () => {
      await refresh();
      toast('info', t('inventory.hosts.asked'));
    },
  });
  const remove = useMutation({
    mutationFn: (id: string) => removeHost(id),
    onSuccess: async () => {
      await refresh();
      toast('success', t('inventory.hosts.removed'));
    },
  });
  const columns: Column<Host>[] = [
    { heading: t('inventory.hosts.address'), rowHeading: true, cell: (one) => <span className="code break">{one.address}</span> },
    {
      heading: t('inventory.hosts.result'),
      cell: (one) => (
        <>
          <Result host={one} />
          {one.scanned_at !== null && <span className="block quiet small">{dateTime(one.scanned_at)}</span>}
        </>
      ),
    },
    {
      heading: t('inventory.hosts.certificate'),
      cell: (one) =>
        one.certificate_id === '' ? (
          '–'
        ) : (
          <Link to="/inventory/$id" params={{ id: one.certificate_id }}>
            {t('inventory.hosts.show')}
          </Link>
        ),
    },
    ...(manages
      ? [
          {
            heading: t('inventory.acts'),
            cell: (one: Host) => (
              <>
                <Button variant="unstyled" icon="refresh" aria-label={t('inventory.hosts.scanOne', { address: one.address })} onClick={() => scan.mutate(one.id)}>
                  {t('inventory.hosts.scan')}
                </Button>{' '}
                <Button variant="unstyled" icon="delete" aria-label={t('inventory.hosts.removeOne', { address: one.address })} onClick={() => remove.mutate(one.id)}>
                  {t('inventory.hosts.remove')}
                </Button>
              </>
            ),
          },
        ]
      : []),
  ];
  const error = scan.error ?? remove.error;
  return (
    <>
      {error !== null && (
        <Alert tone="error" live>
          {errorText(error)}
        </Alert>
      )}
      <Table caption={t('inventory.hosts.title')} columns={columns} rows={hosts} rowKey={(one) => one.id} />
    </>
  );
}

function Result({ host }: { host: Host }) {
  const { t } = useTranslation();
  if (host.scanned_at === null) return <Badge>{t('inventory.hosts.waiting')}</Badge>;
  if (host.failure === '') return <Badge tone="success">{t('inventory.hosts.read')}</Badge>;
  return (
    <>
      <Badge tone="error">{t('inventory.hosts.failed')}</Badge> {t(`inventory.hosts.failure.${host.failure}`)}
    </>
  );
}
