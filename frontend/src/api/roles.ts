import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import { answer, client, type Schema } from './client';

export type Role = Schema['Role'];
export type RoleHolder = Schema['RoleHolder'];
export type RoleRequest = Schema['RoleRequest'];
export type Approval = Schema['Approval'];
export type ApprovalAct = Schema['ApprovalAct'];

const path = (id: string) => ({ params: { path: { id } } });
const paged = {
  initialPageParam: '',
  getNextPageParam: (page: { next: string | null }) => page.next ?? undefined,
};

export const roleTableQuery = queryOptions({
  queryKey: ['roles', 'table'],
  queryFn: () => answer(client.GET('/roles/table')),
});

export const roleHoldersQuery = infiniteQueryOptions({
  queryKey: ['roles', 'holders'],
  queryFn: ({ pageParam }) =>
    answer(client.GET('/roles/holders', { params: { query: pageParam === '' ? {} : { cursor: pageParam } } })),
  ...paged,
});

export const successionQuery = queryOptions({
  queryKey: ['roles', 'succession'],
  queryFn: () => answer(client.GET('/roles/succession')),
});

export const nominate = (id: string | null) => answer(client.PUT('/roles/succession', { body: { employee_id: id } }));

/** Undefined when it is done, else what waits for a second person. */
export const changeRoles = (id: string, give: Role[], take: Role[]): Promise<Approval | undefined> =>
  answer(client.POST('/employees/{id}/roles', { ...path(id), body: { give, take } }));

export const roleRequestsQuery = queryOptions({
  queryKey: ['roles', 'requests'],
  queryFn: () => answer(client.GET('/role-requests')),
});

export const ownRoleRequestsQuery = queryOptions({
  queryKey: ['roles', 'own'],
  queryFn: () => answer(client.GET('/me/role-requests')),
});

export const requestRole = (role: Role, reason: string) => answer(client.POST('/role-requests', { body: { role, reason } }));
export const withdrawRole = (id: string) => answer(client.DELETE('/role-requests/{id}', path(id)));
export const approveRole = (id: string): Promise<Approval | undefined> =>
  answer(client.POST('/role-requests/{id}/approve', path(id)));
export const rejectRole = (id: string, reason: string) =>
  answer(client.POST('/role-requests/{id}/reject', { ...path(id), body: { reason } }));

export const approvalsQuery = (state: 'waiting' | 'history') =>
  infiniteQueryOptions({
    queryKey: ['approvals', state],
    queryFn: ({ pageParam }) =>
      answer(client.GET('/approvals', { params: { query: { state, ...(pageParam !== '' && { cursor: pageParam }) } } })),
    ...paged,
  });

export const actsQuery = queryOptions({
  queryKey: ['approvals', 'acts'],
  queryFn: () => answer(client.GET('/approval-acts')),
});

export const waitingQuery = queryOptions({
  queryKey: ['approvals', 'counts'],
  queryFn: () => answer(client.GET('/waiting')),
  refetchInterval: 60_000,
});

export const chooseActs = (acts: string[]): Promise<Schema['ApprovalActs'] | Approval> =>
  answer(client.PUT('/approval-acts', { body: { acts } }));
export const approve = (id: string) => answer(client.POST('/approvals/{id}/approve', path(id)));
export const reject = (id: string, reason: string) =>
  answer(client.POST('/approvals/{id}/reject', { ...path(id), body: { reason } }));
export const withdraw = (id: string) => answer(client.DELETE('/approvals/{id}', path(id)));
