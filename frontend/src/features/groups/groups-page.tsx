import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { type SyntheticEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorText } from '@/api/client';
import { createGroup, type Group, groupsQuery } from '@/api/groups';
import { rightServicesQuery } from '@/api/rights';
import { may, sessionQuery } from '@/api/session';
import { number } from '@/format';
import { LoadError } from '@/frame/failure';
import { Page } from '@/frame/page';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';
import { Dialog } from '@/ui/dialog';
import { Empty, Skeleton } from '@/ui/feedback';
import { SelectField, TextArea, TextField } from '@/ui/field';
import { LoadMore } from '@/ui/load-more';
import { type Column, Table } from '@/ui/table';

const kinds = ['custom', 'all', 'p_number'] as const;

export function GroupsPage() {
  const { t } = useTranslation();
  const [making, setMaking] = useState(false);
  const { data: session } = useQuery(sessionQuery);
  const manages = session !== undefined && may(session, 'group.manage');
  const query = useInfiniteQuery(groupsQuery);
  const groups = query.data?.pages.flatMap((page) => page.items) ?? [];
  const make = manages && (
    <Button variant="primary" icon="plus" onClick={() => setMaking(true)}>
      {t('groups.make')}
    </Button>
  );
  return (
    <Page title={t('groups.title')} lead={t('groups.lead')} actions={groups.length > 0 && make}>
      {query.isPending && <Skeleton label={t('ui.loading')} />}
      {query.error !== null && <LoadError error={query.error} onRetry={() => void query.refetch()} />}
      {query.isSuccess && groups.length === 0 && (
        <Empty icon="persons" heading={t('groups.empty')} action={make}>
          {t('groups.emptyText')}
        </Empty>
      )}
      {groups.length > 0 && (
        <>
          <GroupTable groups={groups} />
          <LoadMore shown={groups.length} more={query.hasNextPage} pending={query.isFetchingNextPage} onMore={() => void query.fetchNextPage()} />
        </>
      )}
      <Dialog open={making} onClose={() => setMaking(false)} heading={t('groups.make')}>
        <NewGroup onClose={() => setMaking(false)} />
      </Dialog>
    </Page>
  );
}

function GroupTable({ groups }: { groups: Group[] }) {
  const { t } = useTranslation();
  const columns: Column<Group>[] = [
    {
      heading: t('groups.name'),
      rowHeading: true,
      cell: (one) => (
        <Link to="/rights/groups/$id" params={{ id: one.id }}>
          {one.name}
        </Link>
      ),
    },
    { heading: t('groups.kind'), cell: (one) => (one.kind === 'p_number' ? `${t('groups.kinds.p_number')} ${one.p_number}` : t(`groups.kinds.${one.kind}`)) },
    { heading: t('groups.service'), cell: (one) => (one.service_name === '' ? t('groups.anyService') : one.service_name) },
    { heading: t('groups.members'), number: true, cell: (one) => number(one.members) },
    { heading: t('groups.rights'), number: true, cell: (one) => number(one.rights) },
  ];
  return <Table caption={t('groups.title')} columns={columns} rows={groups} rowKey={(one) => one.id} />;
}

function NewGroup({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const navigate = useNavigate();
  const { data: services } = useQuery(rightServicesQuery);
  const [group, setGroup] = useState({ name: '', text: '', kind: 'custom' as Group['kind'], p_number: '', service_id: '' });
  const edit = (part: Partial<typeof group>) => setGroup({ ...group, ...part });
  const { mutate, isPending, error } = useMutation({
    mutationFn: createGroup,
    onSuccess: async ({ id }) => {
      await queries.invalidateQueries({ queryKey: ['groups'] });
      void navigate({ to: '/rights/groups/$id', params: { id } });
    },
  });
  const send = (event: SyntheticEvent) => {
    event.preventDefault();
    if (!isPending) mutate({ ...group, p_number: group.p_number.trim() });
  };
  return (
    <form noValidate onSubmit={send}>
      {error !== null && (
        <Alert tone="error" live>
          {errorText(error)}
        </Alert>
      )}
      <TextField id="group-name" label={t('groups.name')} maxLength={100} value={group.name} onChange={(event) => edit({ name: event.target.value })} />
      <TextArea id="group-text" label={t('groups.text')} optional rows={2} maxLength={2000} value={group.text} onChange={(event) => edit({ text: event.target.value })} />
      <SelectField id="group-kind" label={t('groups.kind')} value={group.kind} onChange={(event) => edit({ kind: event.target.value as Group['kind'] })}>
        {kinds.map((kind) => (
          <option key={kind} value={kind}>
            {t(`groups.kinds.${kind}`)}
          </option>
        ))}
      </SelectField>
      {group.kind === 'p_number' && (
        <TextField id="group-p" className="input-width-m" inputMode="numeric" maxLength={10} label={t('groups.pNumber')} value={group.p_number} onChange={(event) => edit({ p_number: event.target.value })} />
      )}
      <SelectField id="group-service" label={t('groups.service')} hint={t('groups.serviceHint')} value={group.service_id} onChange={(event) => edit({ service_id: event.target.value })}>
        <option value="">{t('groups.anyService')}</option>
        {(services?.items ?? []).map((one) => (
          <option key={one.id} value={one.id}>
            {one.name}
          </option>
        ))}
      </SelectField>
      <div className="actions">
        <Button type="submit" variant="primary" pending={isPending}>
          {t('groups.submit')}
        </Button>
        <Button onClick={onClose}>{t('ui.cancel')}</Button>
      </div>
    </form>
  );
}
