import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import { answer, client, type Schema } from './client';

export type Carrier = Schema['MailCarrier'];
export type SecureMailLine = Schema['SecureMailLine'];
export type ArchiveFile = Schema['ArchiveFile'];

export const carriers = ['central', 'local', 'none', 'unknown'] as const satisfies Carrier[];

export const secureMailQuery = (carrier: Carrier | undefined) =>
  infiniteQueryOptions({
    queryKey: ['secure-mail', 'list', carrier ?? ''],
    queryFn: ({ pageParam }) =>
      answer(
        client.GET('/secure-mail', {
          params: { query: { ...(carrier !== undefined && { carrier }), ...(pageParam !== '' && { cursor: pageParam }) } },
        }),
      ),
    initialPageParam: '',
    getNextPageParam: (page) => page.next ?? undefined,
  });

export const setCarrier = (id: string, carrier: Carrier) =>
  answer(client.PUT('/employees/{id}/secure-mail', { params: { path: { id } }, body: { carrier } }));

export const ownSecureMailQuery = queryOptions({ queryKey: ['secure-mail', 'own'], queryFn: () => answer(client.GET('/me/secure-mail')) });
export const setOwnCarrier = (carrier: Carrier) => answer(client.PUT('/me/secure-mail', { body: { carrier } }));

export const archiveQuery = queryOptions({ queryKey: ['archive'], queryFn: () => answer(client.GET('/me/archive')) });
export const keep = (label: string, content: string) => answer(client.POST('/me/archive', { body: { label, content } }));
export const archived = (id: string) => answer(client.GET('/me/archive/{id}', { params: { path: { id } }, cache: 'no-store' }));
export const drop = (id: string) => answer(client.DELETE('/me/archive/{id}', { params: { path: { id } } }));
