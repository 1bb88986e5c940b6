import { queryOptions } from '@tanstack/react-query';
import { answer, client, type Schema } from './client';

export type OpenSession = Schema['OpenSession'];

/** The sessions of an employee, or one's own. */
export const openSessionsQuery = (employee?: string) =>
  queryOptions({
    queryKey: ['open-sessions', employee ?? 'own'],
    queryFn: () =>
      answer(employee === undefined ? client.GET('/me/sessions') : client.GET('/employees/{id}/sessions', { params: { path: { id: employee } } })),
  });

/** Ends one session, or every one of the employee. */
export const endSessions = (employee: string | undefined, session?: string) => {
  const body = session === undefined ? {} : { session };
  return answer(
    employee === undefined
      ? client.POST('/me/sessions/end', { body })
      : client.POST('/employees/{id}/sessions/end', { params: { path: { id: employee } }, body }),
  );
};
