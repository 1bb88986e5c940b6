import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import { answer, client, type Schema } from './client';

export type Employee = Schema['Employee'];
export type EmployeeDetails = Schema['EmployeeDetails'];

export const employeesQuery = (q: string) =>
  infiniteQueryOptions({
    queryKey: ['employees', 'list', q],
    queryFn: ({ pageParam, signal }) => {
      const query = { ...(q !== '' && { q }), ...(pageParam !== '' && { cursor: pageParam }) };
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

const path = (id: string) => ({ params: { path: { id } } });

export const blockCodeCard = (id: string, reason: string): Promise<EmployeeDetails> =>
  answer(client.POST('/employees/{id}/code-card/block', { ...path(id), body: { reason } }));

export const blockKeyFile = (id: string, reason: string): Promise<EmployeeDetails> =>
  answer(client.POST('/employees/{id}/key-file/block', { ...path(id), body: { reason } }));

export const reissueActivation = (id: string): Promise<EmployeeDetails> =>
  answer(client.POST('/employees/{id}/activation', path(id)));

/** Each call is one showing in the audit log, so it is never repeated by itself. */
export const showInstallationCode = (id: string): Promise<Schema['InstallationCode']> =>
  answer(client.GET('/employees/{id}/installation-code', { ...path(id), cache: 'no-store' }));
