import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import { answer, baseUrl, client, type Schema, setCsrfToken } from './client';

export type Standing = Schema['Standing'];
export type Step = Schema['ApplicationStep'];

export const operatorQuery = queryOptions({
  queryKey: ['operator', 'session'],
  queryFn: async () => {
    const session = await answer(client.GET('/operator/session'));
    setCsrfToken(session.csrf_token);
    return session;
  },
  staleTime: 5_000,
});

export const organisationsQuery = (q: string) =>
  infiniteQueryOptions({
    queryKey: ['operator', 'organisations', q],
    queryFn: ({ pageParam }) =>
      answer(client.GET('/operator/organisations', { params: { query: { q, ...(pageParam === '' ? {} : { cursor: pageParam }) } } })),
    initialPageParam: '',
    getNextPageParam: (page) => page.next ?? undefined,
  });

const at = (id: string) => ({ params: { path: { id } } });

export const organisationQuery = (id: string) =>
  queryOptions({ queryKey: ['operator', 'organisation', id], queryFn: () => answer(client.GET('/operator/organisations/{id}', at(id))) });
export const renewLink = (id: string) => answer(client.POST('/operator/organisations/{id}/set-up-link', at(id)));
export const showCode = (id: string) => answer(client.GET('/operator/organisations/{id}/code', at(id)));

export const queueQuery = (step: Step | undefined) =>
  infiniteQueryOptions({
    queryKey: ['operator', 'applications', step ?? ''],
    queryFn: ({ pageParam }) =>
      answer(
        client.GET('/operator/applications', {
          params: { query: { ...(step === undefined ? {} : { step }), ...(pageParam === '' ? {} : { cursor: pageParam }) } },
        }),
      ),
    initialPageParam: '',
    getNextPageParam: (page) => page.next ?? undefined,
  });

export const caseQuery = (id: string) =>
  queryOptions({ queryKey: ['operator', 'application', id], queryFn: () => answer(client.GET('/operator/applications/{id}', at(id))) });
export const accept = (id: string, body: Schema['Acceptance']) => answer(client.POST('/operator/applications/{id}/accept', { ...at(id), body }));
export const reject = (id: string, reason: string) => answer(client.POST('/operator/applications/{id}/reject', { ...at(id), body: { reason } }));
export const publishTerms = (body: Schema['TermsPublish']) => answer(client.POST('/operator/terms', { body }));

export const openRecoveriesQuery = queryOptions({ queryKey: ['operator', 'recoveries'], queryFn: () => answer(client.GET('/operator/recoveries')) });
export const appoint = (id: string, body: Schema['RecoveryDecision']) => answer(client.POST('/operator/recoveries/{id}/appoint', { ...at(id), body }));
export const refuse = (id: string, body: Schema['RecoveryDecision']) => answer(client.POST('/operator/recoveries/{id}/refuse', { ...at(id), body }));

export type Reported = Schema['ReportedCertificate'];
export type Target = { serial: string } | { cvr: string; rid: string };
export const report = (query: Target): Promise<Reported> => answer(client.GET('/operator/certificate', { params: { query } }));
export const blockReported = (body: Schema['ReportedBlock']) => answer(client.POST('/operator/certificate/block', { body }));
export type SamlKey = Schema['SamlKey'];
export const samlKeysQuery = queryOptions({ queryKey: ['operator', 'saml-keys'], queryFn: () => answer(client.GET('/operator/saml-keys')) });
export const announceSamlKey = (body: Schema['SamlKeyAnnounce']) => answer(client.POST('/operator/saml-keys', { body }));
export const activateSamlKey = (id: string, reason: string) => answer(client.POST('/operator/saml-keys/{id}/activate', { ...at(id), body: { reason } }));
export const vouchSamlKey = (id: string, partner: string) => answer(client.POST('/operator/saml-keys/{id}/seen', { ...at(id), body: { partner } }));

export const operatorsQuery = queryOptions({ queryKey: ['operator', 'operators'], queryFn: () => answer(client.GET('/operator/operators')) });
export const addOperator = (body: Schema['OperatorCreate']) => answer(client.POST('/operator/operators', { body }));
export const removeOperator = (id: string) => answer(client.DELETE('/operator/operators/{id}', at(id)));

export type UsageAccount = Schema['UsageAccount'];
export const ledgerQuery = (month: string | undefined) =>
  infiniteQueryOptions({
    queryKey: ['operator', 'usage', month ?? ''],
    queryFn: ({ pageParam }) => {
      const query = { ...(month !== undefined && { month }), ...(pageParam !== '' && { cursor: pageParam }) };
      return answer(client.GET('/operator/usage', { params: { query } }));
    },
    initialPageParam: '',
    getNextPageParam: (page) => page.next ?? undefined,
  });
export const ledgerUrl = (month: string): string => `${baseUrl}/operator/usage.csv?month=${encodeURIComponent(month)}`;

/** Makes a passkey for the account of a set-up link. */
export async function registerPasskey(token: string): Promise<void> {
  const { options } = await answer(client.POST('/operator/setup/options', { body: { token } }));
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options as unknown as PublicKeyCredentialCreationOptionsJSON);
  const made = (await navigator.credentials.create({ publicKey })) as PublicKeyCredential;
  await answer(client.POST('/operator/setup', { body: { token, credential: made.toJSON() as Record<string, unknown> } }));
}

export async function logInByPasskey(): Promise<void> {
  const { options } = await answer(client.POST('/operator/login/options'));
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options as unknown as PublicKeyCredentialRequestOptionsJSON);
  const shown = (await navigator.credentials.get({ publicKey })) as PublicKeyCredential;
  await answer(client.POST('/operator/login', { body: { credential: shown.toJSON() as Record<string, unknown> } }));
}
