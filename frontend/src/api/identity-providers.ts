import { queryOptions } from '@tanstack/react-query';
import { answer, client, type Schema } from './client';

export type IdentityProvider = Schema['IdentityProvider'];
export type Terms = Schema['IdentityProviderTerms'];
export type Home = Schema['Home'];

export const identityProvidersKey = ['identity-providers'] as const;

export const identityProvidersQuery = queryOptions({
  queryKey: [...identityProvidersKey, 'list'],
  queryFn: () => answer(client.GET('/identity-providers')),
});

export const identityProviderKey = (id: string) => [...identityProvidersKey, 'one', id] as const;

export const identityProviderQuery = (id: string) =>
  queryOptions({
    queryKey: identityProviderKey(id),
    queryFn: () => answer(client.GET('/identity-providers/{id}', { params: { path: { id } } })),
  });

export const testQuery = (id: string, test: string) =>
  queryOptions({
    queryKey: [...identityProviderKey(id), 'test', test],
    queryFn: () => answer(client.GET('/identity-providers/{id}/tests/{test}', { params: { path: { id, test } } })),
  });

const at = (id: string) => ({ params: { path: { id } } });

export const register = (body: Schema['IdentityProviderNew']) => answer(client.POST('/identity-providers', { body }));

export const change = (id: string, body: Terms) => answer(client.PUT('/identity-providers/{id}', { ...at(id), body }));

export const remove = (id: string) => answer(client.DELETE('/identity-providers/{id}', at(id)));

export const switchTo = (id: string, state: 'active' | 'off') =>
  answer(client.POST('/identity-providers/{id}/state', { ...at(id), body: { state } }));

/** Without metadata it is fetched from the provider's address. */
export const propose = (id: string, metadata?: string) =>
  answer(client.POST('/identity-providers/{id}/metadata', { ...at(id), body: metadata === undefined ? {} : { metadata } }));

export const accept = (id: string) => answer(client.POST('/identity-providers/{id}/metadata/accept', at(id)));

export const discard = (id: string) => answer(client.POST('/identity-providers/{id}/metadata/discard', at(id)));

export const addDomain = (id: string, domain: string) =>
  answer(client.POST('/identity-providers/{id}/domains', { ...at(id), body: { domain } }));

const domainAt = (id: string, domain: string) => ({ params: { path: { id, domain } } });

export const verifyDomain = (id: string, domain: string) =>
  answer(client.POST('/identity-providers/{id}/domains/{domain}/verify', domainAt(id, domain)));

export const removeDomain = (id: string, domain: string) =>
  answer(client.DELETE('/identity-providers/{id}/domains/{domain}', domainAt(id, domain)));

export const beginTest = (id: string) => answer(client.POST('/identity-providers/{id}/tests', at(id)));

export const beginProof = (token: string) => answer(client.POST('/activation/proof', { body: { token } }));

export const findHomes = (hint: string) => answer(client.POST('/login/homes', { body: { hint } }));

/** Leaves the page for the identity provider. */
export function depart({ url, saml_request }: Schema['Departure']): void {
  if (saml_request === undefined) {
    location.assign(url);
    return;
  }
  const form = document.createElement('form');
  form.method = 'post';
  form.action = url;
  const field = document.createElement('input');
  field.type = 'hidden';
  field.name = 'SAMLRequest';
  field.value = saml_request;
  form.append(field);
  document.body.append(form);
  form.submit();
}
