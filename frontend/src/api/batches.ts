import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import { answer, baseUrl, client, type Schema } from './client';
import { upload } from './upload';

export type Batch = Schema['Batch'];
export type BatchState = Schema['BatchState'];
export type RowState = Schema['RowState'];
export type Row = Schema['Row'];
export type BatchOptions = Schema['BatchOptions'];

/** Whether rows are still to be worked on. */
export const isUnderWay = (batch: Batch): boolean => batch.state === 'running' || batch.state === 'paused';

export const batchKey = (id: string) => ['batches', id] as const;

export const batchesQuery = infiniteQueryOptions({
  queryKey: ['batches'],
  queryFn: ({ pageParam }) =>
    answer(client.GET('/batches', { params: { query: pageParam === '' ? {} : { cursor: pageParam } } })),
  initialPageParam: '',
  getNextPageParam: (page) => page.next ?? undefined,
});

export const batchQuery = (id: string) =>
  queryOptions({
    queryKey: batchKey(id),
    queryFn: () => answer(client.GET('/batches/{id}', { params: { path: { id } } })),
  });

export const rowsQuery = (id: string, state: RowState | undefined) =>
  infiniteQueryOptions({
    queryKey: ['rows', id, state ?? ''],
    queryFn: ({ pageParam }) => {
      const query = { ...(state && { state }), ...(pageParam !== '' && { cursor: pageParam }) };
      return answer(client.GET('/batches/{id}/rows', { params: { path: { id }, query } }));
    },
    initialPageParam: '',
    getNextPageParam: (page) => page.next ?? undefined,
  });

export type Step = 'pause' | 'resume' | 'cancel';

/** Takes up what failed: on one line, or on all. */
export const retryBatch = (id: string, line?: number): Promise<Batch> =>
  answer(client.POST('/batches/{id}/retry', { params: { path: { id } }, body: line === undefined ? {} : { lines: [line] } }));

export function stepBatch(id: string, step: Step): Promise<Batch> {
  const params = { params: { path: { id } } };
  if (step === 'pause') return answer(client.POST('/batches/{id}/pause', params));
  if (step === 'resume') return answer(client.POST('/batches/{id}/resume', params));
  return answer(client.POST('/batches/{id}/cancel', params));
}

export const startBatch = (id: string, body: Schema['BatchStart']): Promise<Batch> =>
  answer(client.POST('/batches/{id}/start', { params: { path: { id } }, body }));

export const uploadBatch = (file: File, options: BatchOptions, onProgress: (share: number) => void): Promise<Batch> =>
  upload<Batch>('/batches', file, options, onProgress);

export const reportUrl = (id: string): string => `${baseUrl}/batches/${encodeURIComponent(id)}/report.csv`;

/** What became of each row, signed. */
export const resultUrl = (id: string): string => `${baseUrl}/batches/${encodeURIComponent(id)}/result.zip`;

export const lettersUrl = (id: string, page: number): string =>
  `${baseUrl}/batches/${encodeURIComponent(id)}/letters.pdf?page=${page}`;

export const eventsUrl = (id: string): string => `${baseUrl}/batches/${encodeURIComponent(id)}/events`;
