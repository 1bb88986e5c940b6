import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import { answer, client, type Schema } from './client';

export type AuditEntry = Schema['AuditEntry'];
export type AuditReport = Schema['AuditReport'];

/** What a search asks for; days as 2026-11-22. */
export interface AuditFilter {
  verb?: string | undefined;
  actor?: string | undefined;
  object?: string | undefined;
  text?: string | undefined;
  from?: string | undefined;
  to?: string | undefined;
}

const midnight = (day: string, later: number): string => {
  const at = new Date(`${day}T00:00:00`);
  at.setDate(at.getDate() + later);
  return at.toISOString();
};

/** The filter as the API takes it: `to` is the last day, the API's the end of it. */
function asked({ from, to, ...rest }: AuditFilter): Record<string, string> {
  const given = Object.entries(rest).filter((one): one is [string, string] => typeof one[1] === 'string' && one[1] !== '');
  return {
    ...Object.fromEntries(given),
    ...(from !== undefined && { from: midnight(from, 0) }),
    ...(to !== undefined && { to: midnight(to, 1) }),
  };
}

export const auditQuery = (filter: AuditFilter) =>
  infiniteQueryOptions({
    queryKey: ['audit', 'entries', filter],
    queryFn: ({ pageParam, signal }) => {
      const query = { ...asked(filter), ...(pageParam !== '' && { cursor: pageParam }) };
      return answer(client.GET('/audit/entries', { params: { query }, signal }));
    },
    initialPageParam: '',
    getNextPageParam: (page) => page.next ?? undefined,
  });

export const auditStatusQuery = queryOptions({
  queryKey: ['audit', 'status'],
  queryFn: () => answer(client.GET('/audit/status')),
});

export const verifyAudit = (): Promise<AuditReport> => answer(client.GET('/audit/verification', { cache: 'no-store' }));

/** The address of an export of what a filter finds. */
export const auditExport = (form: 'csv' | 'json', filter: AuditFilter): string => {
  const query = new URLSearchParams(asked(filter)).toString();
  return `/api/v1/audit/entries.${form}${query === '' ? '' : `?${query}`}`;
};

export const auditProof = '/api/v1/audit/proof.zip';
