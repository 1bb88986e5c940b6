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

export type ServicePolicy = Schema['ServicePolicy'];
export type ServiceUse = Schema['ServiceUse'];
export type ServiceAttempt = Schema['ServiceAttempt'];
export type ServiceReview = Schema['ServiceReview'];
export type ServiceTrial = Schema['ServiceTrial'];

const path = (id: string) => ({ params: { path: { id } } });

export const reviewMetadata = (body: Schema['ServiceSource']): Promise<ServiceReview> => answer(client.POST('/services/review', { body }));

export type ServiceMetadata = Schema['ServiceMetadata'];

export const sourceQuery = (id: string) =>
  queryOptions({ queryKey: ['services', 'source', id], queryFn: () => answer(client.GET('/services/{id}/source', path(id))) });

export const setSource = (id: string, body: Schema['ServiceMetadataTerms']): Promise<ServiceMetadata> => answer(client.PUT('/services/{id}/source', { ...path(id), body }));

export const fetchSource = (id: string): Promise<ServiceMetadata> => answer(client.POST('/services/{id}/source/fetch', path(id)));

/** The service, or what waits for a second person. */
export const acceptSource = (id: string): Promise<Service | Approval> => answer(client.POST('/services/{id}/source/accept', path(id)));

export const discardSource = (id: string): Promise<void> => answer(client.POST('/services/{id}/source/discard', path(id)));

export const reviewQuery = (id: string) =>
  queryOptions({ queryKey: ['services', 'review', id], queryFn: () => answer(client.GET('/services/{id}/review', path(id))) });

export const policyQuery = (id: string) =>
  queryOptions({ queryKey: ['services', 'policy', id], queryFn: () => answer(client.GET('/services/{id}/policy', path(id))) });

export const setPolicy = (id: string, body: ServicePolicy): Promise<ServicePolicy> => answer(client.PUT('/services/{id}/policy', { ...path(id), body }));

export const usedQuery = (id: string) =>
  queryOptions({ queryKey: ['services', 'use', id], queryFn: () => answer(client.GET('/services/{id}/use', path(id))) });

export const setUse = (id: string, body: Schema['ServiceUseChange']): Promise<ServiceUse> => answer(client.PUT('/services/{id}/use', { ...path(id), body }));

export const statisticsQuery = (id: string, days: number) =>
  queryOptions({
    queryKey: ['services', 'statistics', id, days],
    queryFn: () => answer(client.GET('/services/{id}/statistics', { params: { path: { id }, query: { days } } })),
  });

export const attemptsQuery = (id: string, result: '' | ServiceAttempt['result']) =>
  infiniteQueryOptions({
    queryKey: ['services', 'attempts', id, result],
    queryFn: ({ pageParam }) =>
      answer(
        client.GET('/services/{id}/attempts', {
          params: { path: { id }, query: { ...(result === '' ? {} : { result }), ...(pageParam === '' ? {} : { cursor: pageParam }) } },
        }),
      ),
    initialPageParam: '',
    getNextPageParam: (page) => page.next ?? undefined,
  });

export const tryLogin = (id: string, body: Schema['ServiceWish']): Promise<ServiceTrial> => answer(client.POST('/services/{id}/test-login', { ...path(id), body }));

type Part = ServiceAttempt['parts'][number];

/** The bytes of a message that was kept. */
export const fetchMessage = (id: string, attempt: string, part: Part): Promise<Blob> =>
  answer(
    client.GET('/services/{id}/attempts/{attempt}/{part}', { params: { path: { id, attempt, part } }, parseAs: 'blob' }) as unknown as Parameters<typeof answer<Blob>>[0],
  );

export type OpenIDClient = Schema['OpenIDClient'];
export type OpenIDSettings = Schema['OpenIDSettings'];

export const openIDQuery = (id: string) =>
  queryOptions({ queryKey: ['services', 'openid', id], queryFn: () => answer(client.GET('/services/{id}/openid', path(id))) });

export const setOpenID = (id: string, body: OpenIDSettings): Promise<OpenIDClient> => answer(client.PUT('/services/{id}/openid', { ...path(id), body }));

export const unsetOpenID = (id: string): Promise<undefined> => answer(client.DELETE('/services/{id}/openid', path(id)));

export const renewSecret = (id: string): Promise<Schema['OpenIDSecret']> => answer(client.POST('/services/{id}/openid/secret', path(id)));

export const registerOpenID = (body: Schema['OpenIDService']): Promise<OpenIDClient> => answer(client.POST('/openid-services', { body }));

export type ConformanceRun = Schema['ConformanceRun'];
export type ConformancePlan = Schema['ConformancePlan'];

/** While a run is going on, the page asks each second how far it is. */
export const conformanceQuery = (id: string) =>
  queryOptions({
    queryKey: ['services', 'conformance', id],
    queryFn: () => answer(client.GET('/services/{id}/conformance', path(id))),
    refetchInterval: ({ state }) => (state.data?.runs.some((run) => run.state === 'running') ? 1000 : false),
  });

export const setConformancePlan = (id: string, body: ConformancePlan): Promise<ConformancePlan> => answer(client.PUT('/services/{id}/conformance', { ...path(id), body }));

export const startConformance = (id: string): Promise<ConformanceRun> => answer(client.POST('/services/{id}/conformance/runs', path(id)));

export const conformanceReport = (id: string, run: string): Promise<Schema['ConformanceReport']> =>
  answer(client.GET('/services/{id}/conformance/runs/{run}', { params: { path: { id, run } } }));
