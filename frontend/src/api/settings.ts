import { queryOptions } from '@tanstack/react-query';
import { answer, client, type Schema } from './client';

export type Settings = Schema['Settings'];
export type SettingsChange = Omit<Schema['SettingsChange'], 'version'>;

/** Never fetched anew by itself: a form tells the server which version it began
 * from, so that two people do not undo each other. */
export const settingsQuery = queryOptions({
  queryKey: ['settings'],
  queryFn: () => answer(client.GET('/settings')),
  staleTime: Infinity,
  gcTime: 0,
  refetchOnWindowFocus: false,
  refetchOnReconnect: false,
});

export const changeSettings = (version: number, change: SettingsChange): Promise<Settings> =>
  answer(client.PATCH('/settings', { body: { version, ...change } }));

export type Agreement = Schema['Agreement'];
export const agreementQuery = queryOptions({ queryKey: ['agreement'], queryFn: () => answer(client.GET('/agreement')) });

/** Answers the request that waits when a second person has to approve. */
export const endAgreement = (cvr: string, at: string | null): Promise<Agreement | Schema['Approval']> =>
  answer(client.POST('/agreement/end', { body: { cvr, at } }));
