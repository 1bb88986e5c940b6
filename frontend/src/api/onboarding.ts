import { queryOptions } from '@tanstack/react-query';
import { answer, baseUrl, client, ProblemError, type Schema } from './client';

export type Application = Schema['Application'];
export type Recovery = Schema['Recovery'];

/** The token of a mailed link travels in a header, so that no log holds it. */
const link = (token: string) => ({ params: { header: { 'X-Link-Token': token } } });

export const applicationKey = (token: string) => ['application', token] as const;

export const applicationQuery = (token: string) =>
  queryOptions({
    queryKey: applicationKey(token),
    queryFn: () => answer(client.GET('/onboarding/application', link(token))),
    gcTime: 0,
  });

export const termsQuery = queryOptions({
  queryKey: ['terms'],
  queryFn: () => answer(client.GET('/onboarding/terms')),
});

export const startApplication = (body: Schema['ApplicationStart']) => answer(client.POST('/onboarding/applications', { body }));
export const mailLinks = (email: string) => answer(client.POST('/onboarding/links', { body: { email } }));
export const setCompany = (token: string, body: Schema['ApplicationCompany']) =>
  answer(client.PUT('/onboarding/application/company', { ...link(token), body }));
export const setPeople = (token: string, body: Schema['ApplicationPeople']) =>
  answer(client.PUT('/onboarding/application/people', { ...link(token), body }));
export const approve = (token: string) => answer(client.POST('/onboarding/application/approve', link(token)));
export const sign = (token: string, body: Schema['Signature']) =>
  answer(client.POST('/onboarding/application/sign', { ...link(token), body }));
export const submitDocuments = (token: string) => answer(client.POST('/onboarding/application/submit', link(token)));
export const withdraw = (token: string) => answer(client.POST('/onboarding/application/withdraw', link(token)));
export const again = (token: string) => answer(client.POST('/onboarding/application/again', link(token)));
export const setUpCode = (token: string) => answer(client.GET('/onboarding/application/code', link(token)));
export const discardDocument = (token: string, id: string) =>
  answer(client.DELETE('/onboarding/application/documents/{id}', { params: { path: { id }, header: { 'X-Link-Token': token } } }));

export async function uploadDocument(token: string, file: File): Promise<Application> {
  const body = new FormData();
  body.append('file', file);
  const response = await fetch(`${baseUrl}/onboarding/application/documents`, { method: 'POST', body, headers: { 'X-Link-Token': token } }).catch(() => undefined);
  if (response === undefined) throw new ProblemError({ code: 'network' });
  const read: unknown = await response.json();
  if (!response.ok) throw new ProblemError(read as Partial<Schema['Problem']>);
  return read as Application;
}

export const askRecovery = (body: Schema['RecoveryRequest']) => answer(client.POST('/recovery/requests', { body }));
export const recoveryQuery = (token: string) =>
  queryOptions({
    queryKey: ['recovery', token],
    queryFn: () => answer(client.GET('/recovery/case', link(token))),
    gcTime: 0,
  });
export const confirmRecovery = (token: string, body: Schema['RecoveryConfirm']) =>
  answer(client.POST('/recovery/case', { ...link(token), body }));

export const recoveriesQuery = queryOptions({ queryKey: ['recoveries'], queryFn: () => answer(client.GET('/recoveries')) });
export const objectTo = (id: string, reason: string) =>
  answer(client.POST('/recoveries/{id}/object', { params: { path: { id } }, body: { reason } }));

export const setUpQuery = queryOptions({ queryKey: ['setup'], queryFn: () => answer(client.GET('/setup')) });
export const tick = (body: Schema['SetUpStep']) => answer(client.POST('/setup', { body }));
