import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import { answer, baseUrl, client, type Schema } from './client';

export type CatalogueRight = Schema['CatalogueRight'];
export type Holding = Schema['Holding'];
export type RightRequest = Schema['RightRequest'];
export type RightScope = Schema['RightScope'];
export type RightConstraint = Schema['RightConstraint'];
export type Holder = Schema['Holder'];
export type Colleague = Schema['Colleague'];

const path = (id: string) => ({ params: { path: { id } } });
const from = (cursor: string) => (cursor === '' ? {} : { cursor });
const paged = {
  initialPageParam: '',
  getNextPageParam: (page: { next: string | null }) => page.next ?? undefined,
};

export const rightServicesQuery = queryOptions({
  queryKey: ['rights', 'services'],
  queryFn: () => answer(client.GET('/rights/services')),
});

export const catalogueQuery = (service: string, q: string) =>
  infiniteQueryOptions({
    queryKey: ['rights', 'catalogue', service, q],
    queryFn: ({ pageParam, signal }) => {
      const query = { ...(service !== '' && { service }), ...(q !== '' && { q }), ...from(pageParam) };
      return answer(client.GET('/rights/catalogue', { params: { query }, signal }));
    },
    ...paged,
  });

export const myRightsQuery = queryOptions({
  queryKey: ['rights', 'mine'],
  queryFn: () => answer(client.GET('/rights/mine')),
});

export type RequestState = RightRequest['state'];

export const requestsQuery = (state: RequestState | '') =>
  infiniteQueryOptions({
    queryKey: ['rights', 'requests', state],
    queryFn: ({ pageParam }) =>
      answer(client.GET('/rights/requests', { params: { query: { ...(state !== '' && { state }), ...from(pageParam) } } })),
    ...paged,
  });

export const askForRight = (body: Schema['RightWish']) => answer(client.POST('/rights/requests', { body }));
export const withdrawRequest = (id: string) => answer(client.POST('/rights/requests/{id}/withdraw', path(id)));
export const approveRequest = (id: string, until: string | null) =>
  answer(client.POST('/rights/requests/{id}/approve', { ...path(id), body: { until } }));
export const rejectRequest = (id: string, reason: string) =>
  answer(client.POST('/rights/requests/{id}/reject', { ...path(id), body: { reason } }));

export const basicQuery = queryOptions({
  queryKey: ['rights', 'basic'],
  queryFn: () => answer(client.GET('/rights/basic')),
});
export const addBasic = (body: Schema['BasicAdd']) => answer(client.POST('/rights/basic', { body }));
export const dropBasic = (id: string) => answer(client.DELETE('/rights/basic/{id}', path(id)));

export const employeeRightsQuery = (id: string) =>
  queryOptions({
    queryKey: ['rights', 'employee', id],
    queryFn: () => answer(client.GET('/employees/{id}/rights', path(id))),
  });
export const giveRight = (id: string, body: Schema['RightGift']) =>
  answer(client.POST('/employees/{id}/rights', { ...path(id), body }));
export const giveGroupRight = (id: string, body: Schema['RightGift']) =>
  answer(client.POST('/groups/{id}/rights', { ...path(id), body }));
export const takeRight = (id: string) => answer(client.DELETE('/rights/assignments/{id}', path(id)));

/** What the report of who has what is narrowed to; empty texts do not count. */
export interface HolderSearch {
  right: string[];
  service: string;
  group: string;
  p_number: string;
  se_number: string;
  days: number;
}

function given(search: HolderSearch) {
  const { right, service, group, p_number, se_number, days } = search;
  return {
    ...(right.length > 0 && { right }),
    ...(service !== '' && { service }),
    ...(group !== '' && { group }),
    ...(p_number !== '' && { p_number }),
    ...(se_number !== '' && { se_number }),
    ...(days > 0 && { days }),
  };
}

export const holdersQuery = (search: HolderSearch) =>
  infiniteQueryOptions({
    queryKey: ['rights', 'holders', search],
    queryFn: ({ pageParam, signal }) =>
      answer(client.GET('/rights/holders', { params: { query: { ...given(search), ...from(pageParam) } }, signal })),
    ...paged,
  });

/** The address of the same report as CSV. */
export function holdersCsv(search: HolderSearch, lang: string): string {
  const query = new URLSearchParams({ lang });
  for (const [name, value] of Object.entries(given(search)))
    for (const one of Array.isArray(value) ? value : [String(value)]) query.append(name, one);
  return `${baseUrl}/rights/holders.csv?${query.toString()}`;
}

export const publishedQuery = (service: string) =>
  queryOptions({
    queryKey: ['rights', 'published', service],
    queryFn: () => answer(client.GET('/services/{id}/rights', path(service))),
  });
export const publishRight = (service: string, body: Schema['RightOffer']) =>
  answer(client.POST('/services/{id}/rights', { ...path(service), body }));
export const retireRight = (service: string, right: string) =>
  answer(client.POST('/services/{id}/rights/retire', { ...path(service), body: { right } }));
export const openService = (service: string, open: boolean) =>
  answer(client.PUT('/services/{id}/access', { ...path(service), body: { open } }));
