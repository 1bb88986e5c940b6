import { queryOptions } from '@tanstack/react-query';
import { answer, client, type Schema, setCsrfToken } from './client';

export type Session = Schema['Session'];

/** Who is logged in; its 401 sends a page to /login. */
export const sessionQuery = queryOptions({
  queryKey: ['session'],
  queryFn: async () => {
    const session = await answer(client.GET('/session'));
    setCsrfToken(session.csrf_token);
    return session;
  },
  // Asked anew when the window gets the focus: another tab may have logged in anew.
  staleTime: 5_000,
});

export const installationQuery = queryOptions({
  queryKey: ['installation'],
  queryFn: () => answer(client.GET('/installation')),
  staleTime: Infinity,
});

/** Which service a login is on its way to; undefined flow = none. */
export const flowQuery = (flow: string | undefined) =>
  queryOptions({
    queryKey: ['flow', flow],
    queryFn: () => answer(client.GET('/login/flows/{id}', { params: { path: { id: flow ?? '' } } })),
    enabled: flow !== undefined,
    retry: false,
  });

export type Right = Schema['Right'];

export const may = (session: Session, right: Right): boolean => session.rights.includes(right);
