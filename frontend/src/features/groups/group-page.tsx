import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { useCallback, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorText, isStatus } from '@/api/client';
import { employeesQuery } from '@/api/employees';
import { deleteGroup, fillGroup, type Group, groupQuery, membersQuery } from '@/api/groups';
import { type Colleague, giveGroupRight, type Holding } from '@/api/rights';
import { may, type Right, sessionQuery } from '@/api/session';
import { LoadError, NotFound } from '@/frame/failure';
import { Page } from '@/frame/page';
import { AskFirst } from '@/frame/ask-first';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';
import { Skeleton } from '@/ui/feedback';
import { TextField } from '@/ui/field';
import { LoadMore } from '@/ui/load-more';
import { type Column, Table } from '@/ui/table';
import { useToast } from '@/ui/toast';
import { HoldingTable } from '../entitlements/holding-table';
import { RightForm } from '../entitlements/right-form';

const route = getRouteApi('/inside/rights/groups/$id');

export function GroupPage() {
  const { t } = useTranslation();
  const { id } = route.useParams();
  const { data: session } = useQuery(sessionQuery);
  const mayDo = (right: Right) => session !== undefined && may(session, right);
  const { data, error, refetch } = useQuery(groupQuery(id));
  if (isStatus(error, 404)) return <NotFound />;
  const group = data?.group;
  return (
    <Page title={group?.name ?? t('groups.one')} lead={group && group.text} parent={{ to: '/rights/groups', title: t('groups.title') }}>
      {error !== null && <LoadError error={error} onRetry={() => void refetch()} />}
      {data === undefined && error === null && <Skeleton label={t('ui.loading')} lines={6} />}
      {data !== undefined && (
        <>
          <GroupRights group={data.group} rights={data.rights} manages={mayDo('group.manage')} />
          <Members group={data.group} fills={mayDo('group.members') && data.group.kind === 'custom'} />
          {mayDo('group.manage') && <Delete group={data.group} />}
        </>
      )}
    </Page>
  );
}

function GroupRights({ group, rights, manages }: { group: Group; rights: Holding[]; manages: boolean }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const toast = useToast();
  const [adding, setAdding] = useState(false);
  const give = useMutation({
    mutationFn: ({ reason: _, ...body }: Parameters<typeof giveGroupRight>[1] & { reason: string }) => giveGroupRight(group.id, body),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ['groups'] });
      setAdding(false);
      toast('success', t('entitlements.given'));
    },
  });
  const takes = useCallback(() => manages, [manages]);
  return (
    <section className="panel" aria-labelledby="group-rights">
      <h2 id="group-rights">{t('groups.rightsHeading')}</h2>
      {group.service_name !== '' && <p>{t('groups.limited', { service: group.service_name })}</p>}
      {rights.length === 0 ? <p>{t('groups.noRights')}</p> : <HoldingTable caption={t('groups.rightsHeading')} holdings={rights} takes={takes} />}
      {manages &&
        (adding ? (
          <RightForm id="group-give" service={group.service_id} submit={t('entitlements.give')} pending={give.isPending} error={give.error} onSubmit={give.mutate} />
        ) : (
          <div className="actions">
            <Button icon="plus" onClick={() => setAdding(true)}>
              {t('entitlements.give')}
            </Button>
          </div>
        ))}
    </section>
  );
}

function Members({ group, fills }: { group: Group; fills: boolean }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const query = useInfiniteQuery(membersQuery(group.id));
  const members = query.data?.pages.flatMap((page) => page.items) ?? [];
  const fill = useMutation({
    mutationFn: (change: { in?: string[]; out?: string[] }) => fillGroup(group.id, change),
    onSuccess: () => queries.invalidateQueries({ queryKey: ['groups'] }),
  });
  const columns: Column<Colleague>[] = [
    { heading: t('groups.memberName'), rowHeading: true, cell: (one) => one.name },
    { heading: t('groups.email'), cell: (one) => <span className="break">{one.email}</span> },
    ...(fills
      ? [
          {
            heading: t('entitlements.change'),
            cell: (one: Colleague) => (
              <Button
                variant="unstyled"
                icon="delete"
                pending={fill.isPending && fill.variables.out?.[0] === one.id}
                aria-label={t('groups.outOne', { name: one.name })}
                onClick={() => fill.mutate({ out: [one.id] })}
              >
                {t('groups.out')}
              </Button>
            ),
          },
        ]
      : []),
  ];
  return (
    <section className="panel" aria-labelledby="members">
      <h2 id="members">{t('groups.membersHeading')}</h2>
      {group.kind !== 'custom' && <p>{t('groups.computed')}</p>}
      {fill.error !== null && (
        <Alert tone="error" live>
          {errorText(fill.error)}
        </Alert>
      )}
      {fills && <PickEmployee pending={fill.isPending} onPick={(id) => fill.mutate({ in: [id] })} />}
      {query.isPending && <Skeleton label={t('ui.loading')} />}
      {query.error !== null && <LoadError error={query.error} onRetry={() => void query.refetch()} />}
      {query.isSuccess && members.length === 0 && <p>{t('groups.noMembers')}</p>}
      {members.length > 0 && (
        <>
          <Table caption={t('groups.membersHeading')} columns={columns} rows={members} rowKey={(one) => one.id} />
          <LoadMore shown={members.length} more={query.hasNextPage} pending={query.isFetchingNextPage} onMore={() => void query.fetchNextPage()} />
        </>
      )}
    </section>
  );
}

/** Finds an employee by name, e-mail or number. */
export function PickEmployee({ pending, onPick }: { pending: boolean; onPick: (id: string, name: string) => void }) {
  const { t } = useTranslation();
  const [q, setQ] = useState('');
  const { data, isFetching } = useInfiniteQuery({ ...employeesQuery(q.trim()), enabled: q.trim().length > 1 });
  const hits = q.trim().length > 1 ? (data?.pages[0]?.items.slice(0, 8) ?? []) : [];
  return (
    <div>
      <TextField id="pick" type="search" label={t('groups.find')} hint={t('groups.findHint')} maxLength={200} value={q} onChange={(event) => setQ(event.target.value)} />
      <div role="status">{q.trim().length > 1 && !isFetching && hits.length === 0 && t('groups.noHits')}</div>
      {hits.length > 0 && (
        <ul className="nobullet-list" aria-label={t('groups.hits')}>
          {hits.map((one) => {
            const name = `${one.given_name} ${one.surname}`;
            return (
              <li key={one.id}>
                <Button
                  variant="unstyled"
                  icon="plus"
                  pending={pending}
                  onClick={() => {
                    onPick(one.id, name);
                    setQ('');
                  }}
                >
                  {name} ({one.email})
                </Button>
              </li>
            );
          })}
        </ul>
      )}
    </div>
  );
}

function Delete({ group }: { group: Group }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const navigate = useNavigate();
  const toast = useToast();
  const gone = async () => {
    await deleteGroup(group.id);
    toast('success', t('groups.deleted', { name: group.name }));
    await navigate({ to: '/rights/groups' });
    await queries.invalidateQueries({ queryKey: ['groups', 'list'] });
  };
  return (
    <AskFirst icon="delete" label={t('groups.delete')} heading={t('groups.deleteHeading', { name: group.name })} act={gone}>
      {t('groups.deleteText')}
    </AskFirst>
  );
}
