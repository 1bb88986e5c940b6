import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorText } from '@/api/client';
import { approveRole, rejectRole, type RoleHolder, roleHoldersQuery, type RoleRequest, roleRequestsQuery } from '@/api/roles';
import { may, sessionQuery } from '@/api/session';
import { dateTime } from '@/format';
import { LoadError } from '@/frame/failure';
import { Page } from '@/frame/page';
import { Alert } from '@/ui/alert';
import { Badge } from '@/ui/badge';
import { Button } from '@/ui/button';
import { Skeleton } from '@/ui/feedback';
import { LoadMore } from '@/ui/load-more';
import { type Column, Table } from '@/ui/table';
import { useToast } from '@/ui/toast';
import { ReasonDialog } from './reason-dialog';
import { RoleDialog } from './role-dialog';
import { SuccessionPanel } from './succession-panel';

/** Who administers the organisation. */
export function RolesPage() {
  const { t } = useTranslation();
  const { data: session } = useQuery(sessionQuery);
  const query = useInfiniteQuery(roleHoldersQuery);
  const [editing, setEditing] = useState<RoleHolder | 'new'>();
  const holders = query.data?.pages.flatMap((page) => page.items) ?? [];
  const assigns = session !== undefined && may(session, 'role.assign');
  const columns: Column<RoleHolder>[] = [
    {
      heading: t('roleAdmin.employee'),
      rowHeading: true,
      cell: (one) => (
        <>
          {one.name} {one.state !== 'active' && <Badge tone="warning">{t('roleAdmin.inactive')}</Badge>}
          <span className="block quiet small weight-normal break">{one.email}</span>
        </>
      ),
    },
    { heading: t('roleAdmin.roles'), cell: (one) => one.roles.map((role) => t(`roles.${role}`)).join(', ') },
    {
      heading: t('roleAdmin.change'),
      cell: (one) =>
        assigns && (
          <Button variant="unstyled" icon="edit" aria-label={t('roleAdmin.changeOne', { name: one.name })} onClick={() => setEditing(one)}>
            {t('roleAdmin.change')}
          </Button>
        ),
    },
  ];
  return (
    <Page
      title={t('roleAdmin.title')}
      lead={t('roleAdmin.lead')}
      actions={
        assigns && (
          <Button variant="primary" icon="plus" onClick={() => setEditing('new')}>
            {t('roleAdmin.give')}
          </Button>
        )
      }
    >
      <SuccessionPanel assigns={assigns} />
      {assigns && <Requests />}
      {query.isPending && <Skeleton label={t('ui.loading')} />}
      {query.error !== null && <LoadError error={query.error} onRetry={() => void query.refetch()} />}
      {holders.length > 0 && (
        <>
          <Table caption={t('roleAdmin.title')} columns={columns} rows={holders} rowKey={(one) => one.id} />
          <LoadMore shown={holders.length} more={query.hasNextPage} pending={query.isFetchingNextPage} onMore={() => void query.fetchNextPage()} />
        </>
      )}
      <p>
        <Link to="/organisation/roles/table">{t('roleAdmin.table.title')}</Link>
      </p>
      <RoleDialog editing={editing} onClose={() => setEditing(undefined)} />
    </Page>
  );
}

/** What employees have asked for. */
function Requests() {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const toast = useToast();
  const [rejecting, setRejecting] = useState<RoleRequest>();
  const { data } = useQuery(roleRequestsQuery);
  const done = async (text: string) => {
    await Promise.all([queries.invalidateQueries({ queryKey: ['roles'] }), queries.invalidateQueries({ queryKey: ['approvals'] })]);
    toast('success', text);
  };
  const approving = useMutation({
    mutationFn: (id: string) => approveRole(id),
    onSuccess: (waiting) => done(waiting ? t('approvals.waits') : t('roleAdmin.requests.approved')),
  });
  const turnDown = useMutation({
    mutationFn: ({ id, reason }: { id: string; reason: string }) => rejectRole(id, reason),
    onSuccess: async () => {
      setRejecting(undefined);
      await done(t('roleAdmin.requests.rejected'));
    },
  });
  if (data === undefined || data.items.length === 0) return null;
  return (
    <section className="panel" aria-labelledby="role-requests">
      <h2 id="role-requests">{t('roleAdmin.requests.title')}</h2>
      {approving.error !== null && (
        <Alert tone="error" live>
          {errorText(approving.error)}
        </Alert>
      )}
      <ul className="plain-list">
        {data.items.map((one) => (
          <li key={one.id}>
            <p>
              <strong>{t('roleAdmin.requests.one', { name: one.name, role: t(`roles.${one.role}`) })}</strong>{' '}
              <span className="quiet">{dateTime(one.asked_at)}</span>
            </p>
            <blockquote>{one.reason}</blockquote>
            <div className="actions">
              <Button
                variant="primary"
                pending={approving.isPending}
                aria-label={t('roleAdmin.requests.approveOne', { name: one.name })}
                onClick={() => approving.mutate(one.id)}
              >
                {t('approvals.approve')}
              </Button>
              <Button aria-label={t('roleAdmin.requests.rejectOne', { name: one.name })} onClick={() => setRejecting(one)}>
                {t('approvals.reject')}
              </Button>
            </div>
          </li>
        ))}
      </ul>
      <ReasonDialog
        open={rejecting !== undefined}
        onClose={() => setRejecting(undefined)}
        heading={t('roleAdmin.requests.rejectHeading')}
        submit={t('approvals.reject')}
        error={turnDown.error}
        pending={turnDown.isPending}
        onReason={(reason) => turnDown.mutate({ id: rejecting?.id ?? '', reason })}
      />
    </section>
  );
}
