import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import { answer, client, type Schema } from './client';

export type Self = Schema['Self'];

export const selfQuery = queryOptions({ queryKey: ['self'], queryFn: () => answer(client.GET('/me')) });

export const ownServicesQuery = queryOptions({ queryKey: ['self', 'services'], queryFn: () => answer(client.GET('/me/services')) });

export const changeSelf = (body: Schema['SelfChange']) => answer(client.PATCH('/me', { body }));

export const blockOwnKeyFile = (body: Schema['OwnBlock']) => answer(client.POST('/me/key-file/block', { body }));

export const recodeOwnKeyFile = (serial: string) => answer(client.POST('/me/key-file/revocation-code', { body: { serial } }));

export const askAnonymity = (reason: string) => answer(client.POST('/me/anonymity', { body: { reason } }));

export const activityQuery = infiniteQueryOptions({
  queryKey: ['self', 'activity'],
  queryFn: ({ pageParam, signal }) =>
    answer(client.GET('/me/activity', { params: { query: pageParam === '' ? {} : { cursor: pageParam } }, signal })),
  initialPageParam: '',
  getNextPageParam: (page) => page.next ?? undefined,
});
