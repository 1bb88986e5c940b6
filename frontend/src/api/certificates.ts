import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import { answer, baseUrl, client, type Schema } from './client';

export type Profile = Schema['CertificateProfile'];
export type ProfileDetails = Schema['CertificateProfileDetails'];
export type ProfileCertificate = Schema['ProfileCertificate'];
export type Order = Schema['CertificateOrder'];
export type Terms = Schema['CertificateTerms'];
export type Placed = Schema['PlacedOrder'];
export type Method = Schema['CertificateRenewal']['method'];
export type Fetched = Schema['FetchedCertificate'];

export const profilesQuery = infiniteQueryOptions({
  queryKey: ['certificates', 'list'],
  queryFn: ({ pageParam }) =>
    answer(client.GET('/certificate-profiles', { params: { query: pageParam === '' ? {} : { cursor: pageParam } } })),
  initialPageParam: '',
  getNextPageParam: (page) => page.next ?? undefined,
});

export const profileQuery = (id: string) =>
  queryOptions({
    queryKey: ['certificates', 'one', id],
    queryFn: () => answer(client.GET('/certificate-profiles/{id}', { params: { path: { id } } })),
  });

export const placeOrder = (terms: Terms): Promise<Placed> => answer(client.POST('/certificate-profiles', { body: terms }));

export const renew = (id: string, method: Method): Promise<Placed> =>
  answer(client.POST('/certificate-profiles/{id}/orders', { params: { path: { id } }, body: { method } }));

export const cancelOrder = (id: string) => answer(client.DELETE('/certificate-orders/{id}', { params: { path: { id } } }));

export const issue = (id: string, csr: string): Promise<Fetched> =>
  answer(client.POST('/certificate-orders/{id}/certificate', { params: { path: { id } }, body: { csr } }));

export const revoke = (serial: string, body: Schema['Revocation']) =>
  answer(client.POST('/certificates/{id}/revoke', { params: { path: { id: serial } }, body }));

/** Each call makes a new code and voids the one before, so it is never repeated by itself. */
export const recode = (serial: string) => answer(client.POST('/certificates/{id}/revocation-code', { params: { path: { id: serial } } }));

export type Standing = Schema['CertificateStanding'];

export const kindsQuery = queryOptions({
  queryKey: ['certificates', 'kinds'],
  queryFn: () => answer(client.GET('/certificate-kinds')),
  // While work revokes, what is left is counted anew.
  refetchInterval: ({ state }) => (state.data?.items.some((one) => one.revoking) ? 2_000 : false),
});

/** Revokes all certificates of a kind, or asks for a second person. */
export const revokeKind = (body: Schema['CertificateKindRevocation']): Promise<Standing | Schema['Approval']> =>
  answer(client.POST('/certificate-kinds/revoke', { body }));

export const certificateFile = (serial: string, format: 'pem' | 'cer'): string =>
  `${baseUrl}/certificates/${encodeURIComponent(serial)}/file?format=${format}`;

export const publish = (id: string) => answer(client.PUT('/certificate-profiles/{id}/directory', { params: { path: { id } } }));

export const withdraw = (id: string) => answer(client.DELETE('/certificate-profiles/{id}/directory', { params: { path: { id } } }));

export const findCertificates = (email: string) => answer(client.GET('/directory', { params: { query: { email } } }));

export const sealUsersQuery = (id: string) =>
  queryOptions({
    queryKey: ['certificates', 'seal', id],
    queryFn: () => answer(client.GET('/certificate-profiles/{id}/seal-users', { params: { path: { id } } })),
  });

export const allowSeal = (id: string, person: string) =>
  answer(client.PUT('/certificate-profiles/{id}/seal-users/{person}', { params: { path: { id, person } } }));

export const forbidSeal = (id: string, person: string) =>
  answer(client.DELETE('/certificate-profiles/{id}/seal-users/{person}', { params: { path: { id, person } } }));
