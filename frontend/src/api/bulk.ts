import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import { answer, baseUrl, client, type Schema } from './client';
import { upload } from './upload';

export type Run = Schema['BulkRun'];
export type RunState = Schema['BulkState'];
export type RunMode = Schema['BulkMode'];
export type RunRow = Schema['BulkRow'];
export type RunAction = Schema['BulkAction'];
export type RunRowState = Schema['BulkRowState'];
export type RunOptions = Schema['BulkOptions'];

export const runKey = (id: string) => ['bulk', id] as const;

export const runsQuery = infiniteQueryOptions({
  queryKey: ['bulk'],
  queryFn: ({ pageParam }) =>
    answer(client.GET('/bulk', { params: { query: pageParam === '' ? {} : { cursor: pageParam } } })),
  initialPageParam: '',
  getNextPageParam: (page) => page.next ?? undefined,
});

/** A run that is under way is asked for again and again. */
export const runQuery = (id: string) =>
  queryOptions({
    queryKey: runKey(id),
    queryFn: () => answer(client.GET('/bulk/{id}', { params: { path: { id } } })),
    refetchInterval: ({ state }) => (state.data?.state === 'running' || state.data?.state === 'waiting' ? 1_500 : false),
  });

/** Read anew when the run gets into another state: its rows have, too. */
export const runRowsQuery = (id: string, of: RunState, action: RunAction | undefined, state: RunRowState | undefined) =>
  infiniteQueryOptions({
    queryKey: ['bulk-rows', id, of, action ?? '', state ?? ''],
    queryFn: ({ pageParam }) => {
      const query = { ...(action && { action }), ...(state && { state }), ...(pageParam !== '' && { cursor: pageParam }) };
      return answer(client.GET('/bulk/{id}/rows', { params: { path: { id }, query } }));
    },
    initialPageParam: '',
    getNextPageParam: (page) => page.next ?? undefined,
  });

export const uploadRun = (file: File, options: RunOptions, onProgress: (share: number) => void): Promise<Run> =>
  upload<Run>('/bulk', file, options, onProgress);

export const startRun = (id: string, body: Schema['BulkStart']): Promise<Run> =>
  answer(client.POST('/bulk/{id}/start', { params: { path: { id } }, body }));

export const cancelRun = (id: string): Promise<Run> =>
  answer(client.POST('/bulk/{id}/cancel', { params: { path: { id } } }));

export const runReportUrl = (id: string): string => `${baseUrl}/bulk/${encodeURIComponent(id)}/report.csv`;

/** The same, signed. */
export const runResultUrl = (id: string): string => `${baseUrl}/bulk/${encodeURIComponent(id)}/result.zip`;

/** The list of employees as a file, narrowed as the list is. */
export function employeeListUrl(format: 'csv' | 'xlsx', filter: Record<string, string | undefined>): string {
  const given = Object.entries(filter).filter((one): one is [string, string] => one[1] !== undefined && one[1] !== '');
  const query = new URLSearchParams(given).toString();
  return `${baseUrl}/employees/list.${format}${query === '' ? '' : `?${query}`}`;
}
