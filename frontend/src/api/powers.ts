import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import { answer, client, type Schema } from './client';

export type Power = Schema['Power'];
export type PowerTerms = Schema['PowerTerms'];
export type Side = 'given' | 'received';

const path = (id: string) => ({ params: { path: { id } } });

export const powersQuery = (side: Side) =>
  infiniteQueryOptions({
    queryKey: ['powers', side],
    queryFn: ({ pageParam }) =>
      answer(client.GET(`/powers/${side}`, { params: { query: pageParam === '' ? {} : { cursor: pageParam } } })),
    initialPageParam: '',
    getNextPageParam: (page) => page.next ?? undefined,
  });

export const attachedQuery = (id: string) =>
  queryOptions({
    queryKey: ['powers', 'attached', id],
    queryFn: () => answer(client.GET('/powers/{id}/employees', path(id))),
  });

export const givePower = (body: PowerTerms) => answer(client.POST('/powers', { body }));
export const requestPower = (body: PowerTerms) => answer(client.POST('/power-requests', { body }));
export const endPower = (id: string) => answer(client.DELETE('/powers/{id}', path(id)));
export const approvePower = (id: string) => answer(client.POST('/powers/{id}/approve', path(id)));
export const rejectPower = (id: string, reason: string) =>
  answer(client.POST('/powers/{id}/reject', { ...path(id), body: { reason } }));
export const attach = (id: string, employee: string) =>
  answer(client.POST('/powers/{id}/employees', { ...path(id), body: { employee_id: employee } }));
export const detach = (id: string, person: string) =>
  answer(client.DELETE('/powers/{id}/employees/{person}', { params: { path: { id, person } } }));
