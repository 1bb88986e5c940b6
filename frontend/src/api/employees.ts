import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import { answer, baseUrl, client, type Schema } from './client';

export type Employee = Schema['Employee'];
export type EmployeeDetails = Schema['EmployeeDetails'];
export type Person = Schema['Person'];
export type EmployeeRequest = Schema['EmployeeRequest'];
export type InvitationsResult = Schema['InvitationsResult'];

/** What the list is narrowed to, as it stands in the address. */
export interface Narrowing {
  state?: string | undefined;
  key_file?: string | undefined;
  code_card?: string | undefined;
  invitation?: string | undefined;
  proofing?: string | undefined;
  level?: string | undefined;
  p_number?: string | undefined;
  anonymous?: string | undefined;
  administrator?: string | undefined;
  unproven?: string | undefined;
  sort?: string | undefined;
}

const given = (narrowing: Narrowing) =>
  Object.fromEntries(Object.entries(narrowing).filter((one): one is [string, string] => typeof one[1] === 'string' && one[1] !== ''));

export const employeesQuery = (q: string, narrowing: Narrowing = {}) =>
  infiniteQueryOptions({
    queryKey: ['employees', 'list', q, given(narrowing)],
    queryFn: ({ pageParam, signal }) => {
      const query = { ...given(narrowing), ...(q !== '' && { q }), ...(pageParam !== '' && { cursor: pageParam }) };
      return answer(client.GET('/employees', { params: { query }, signal }));
    },
    initialPageParam: '',
    getNextPageParam: (page) => page.next ?? undefined,
  });

export const employeeKey = (id: string) => ['employees', 'one', id] as const;

export const employeeQuery = (id: string) =>
  queryOptions({
    queryKey: employeeKey(id),
    queryFn: () => answer(client.GET('/employees/{id}', { params: { path: { id } } })),
  });

export const mailsQuery = (id: string) =>
  queryOptions({
    queryKey: ['employees', 'mails', id],
    queryFn: () => answer(client.GET('/employees/{id}/mails', { params: { path: { id } } })),
  });

const path = (id: string) => ({ params: { path: { id } } });

export const createEmployee = (body: Schema['EmployeeCreate']): Promise<EmployeeDetails> => answer(client.POST('/employees', { body }));

export const editEmployee = (id: string, body: Schema['EmployeeEdit']): Promise<EmployeeDetails> =>
  answer(client.PUT('/employees/{id}', { ...path(id), body }));

export const suspendEmployee = (id: string, reason: string): Promise<EmployeeDetails> =>
  answer(client.POST('/employees/{id}/suspend', { ...path(id), body: { reason } }));

export const reactivateEmployee = (id: string): Promise<EmployeeDetails> => answer(client.POST('/employees/{id}/reactivate', path(id)));

export const deleteEmployee = (id: string, reason: string): Promise<EmployeeDetails> =>
  answer(client.POST('/employees/{id}/delete', { ...path(id), body: { reason } }));

export const proveEmployee = (id: string, body: Schema['Proofing']): Promise<EmployeeDetails> =>
  answer(client.POST('/employees/{id}/proofing', { ...path(id), body }));

export const actOnInvitations = (body: Schema['InvitationsAct']): Promise<InvitationsResult> => answer(client.POST('/invitations', { body }));

/** Blocks the key files of several, tells whom that would be, or asks for a second person. */
export const blockKeyFiles = (body: Schema['KeyFilesBlock']): Promise<Schema['KeyFilesBlocked'] | Schema['Approval']> =>
  answer(client.POST('/key-files/block', { body }));

export const requestsQuery = (state: string) =>
  infiniteQueryOptions({
    queryKey: ['employees', 'requests', state],
    queryFn: ({ pageParam }) => answer(client.GET('/employee-requests', { params: { query: { state, ...(pageParam !== '' && { cursor: pageParam }) } } })),
    initialPageParam: '',
    getNextPageParam: (page) => page.next ?? undefined,
  });

export const decideRequest = (id: string, body: Schema['RequestDecision']): Promise<unknown> =>
  answer(client.POST('/employee-requests/{id}/decision', { ...path(id), body }));

export const askToBeCreated = (body: Schema['EmployeeAsk']): Promise<unknown> => answer(client.POST('/employee-requests', { body }));

export const blockCodeCard = (id: string, reason: string): Promise<EmployeeDetails> =>
  answer(client.POST('/employees/{id}/code-card/block', { ...path(id), body: { reason } }));

export const blockKeyFile = (id: string, body: Schema['Revocation']): Promise<EmployeeDetails> =>
  answer(client.POST('/employees/{id}/key-file/block', { ...path(id), body }));

export const reissueActivation = (id: string): Promise<EmployeeDetails> =>
  answer(client.POST('/employees/{id}/activation', path(id)));

/** Each call is one showing in the audit log, so it is never repeated by itself. */
export const showInstallationCode = (id: string): Promise<Schema['InstallationCode']> =>
  answer(client.GET('/employees/{id}/installation-code', { ...path(id), cache: 'no-store' }));

/** What the erasures of a month (YYYY-MM) left, in the language of the page. */
export const erasuresQuery = (month: string, lang: 'da' | 'en') =>
  queryOptions({
    queryKey: ['erasures', month, lang],
    queryFn: () => answer(client.GET('/erasures', { params: { query: { month, lang } } })),
  });

export const erasuresUrl = (month: string, lang: string): string => `${baseUrl}/erasures.csv?${new URLSearchParams({ month, lang }).toString()}`;

export const dossierUrl = (id: string, lang: string): string => `${baseUrl}/employees/${encodeURIComponent(id)}/dossier.zip?lang=${lang}`;
