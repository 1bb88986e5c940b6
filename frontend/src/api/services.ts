import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import { answer, client, type Schema } from './client';

export type Service = Schema['Service'];

export const servicesQuery = infiniteQueryOptions({
  queryKey: ['services', 'list'],
  queryFn: ({ pageParam }) =>
    answer(client.GET('/services', { params: { query: pageParam === '' ? {} : { cursor: pageParam } } })),
  initialPageParam: '',
  getNextPageParam: (page) => page.next ?? undefined,
});

export const serviceKey = (id: string) => ['services', 'one', id] as const;

export const serviceQuery = (id: string) =>
  queryOptions({
    queryKey: serviceKey(id),
    queryFn: () => answer(client.GET('/services/{id}', { params: { path: { id } } })),
  });

// Metadata is signed now and then: it is sent as it is, byte for byte.
const asXml = { bodySerializer: (body: unknown) => body as string, headers: { 'Content-Type': 'application/xml' } };

export const registerService = (metadata: string): Promise<Service> =>
  answer(client.POST('/services', { ...asXml, body: metadata }));

type Approval = Schema['Approval'];

/** The service, or what waits for a second person. */
export const replaceService = (id: string, metadata: string): Promise<Service | Approval> =>
  answer(client.PUT('/services/{id}', { ...asXml, params: { path: { id } }, body: metadata }));

/** Undefined when it is done, else what waits for a second person. */
export const removeService = (id: string): Promise<Approval | undefined> =>
  answer(client.DELETE('/services/{id}', { params: { path: { id } } }));
