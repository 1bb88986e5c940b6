import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import { answer, client, type Schema } from './client';

export type Group = Schema['Group'];

const path = (id: string) => ({ params: { path: { id } } });
const from = (cursor: string) => (cursor === '' ? {} : { cursor });
const paged = {
  initialPageParam: '',
  getNextPageParam: (page: { next: string | null }) => page.next ?? undefined,
};

export const groupsQuery = infiniteQueryOptions({
  queryKey: ['groups', 'list'],
  queryFn: ({ pageParam }) => answer(client.GET('/groups', { params: { query: from(pageParam) } })),
  ...paged,
});

export const groupQuery = (id: string) =>
  queryOptions({ queryKey: ['groups', 'one', id], queryFn: () => answer(client.GET('/groups/{id}', path(id))) });

export const membersQuery = (id: string) =>
  infiniteQueryOptions({
    queryKey: ['groups', 'members', id],
    queryFn: ({ pageParam }) =>
      answer(client.GET('/groups/{id}/members', { params: { path: { id }, query: from(pageParam) } })),
    ...paged,
  });

export const createGroup = (body: Schema['GroupNew']) => answer(client.POST('/groups', { body }));
export const deleteGroup = (id: string) => answer(client.DELETE('/groups/{id}', path(id)));
export const fillGroup = (id: string, body: Schema['GroupChange']) =>
  answer(client.POST('/groups/{id}/members', { ...path(id), body }));
