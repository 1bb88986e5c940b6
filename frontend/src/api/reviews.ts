import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import { answer, baseUrl, client, type Schema } from './client';

export type Review = Schema['Review'];
export type ReviewItem = Schema['ReviewItem'];

const path = (id: string) => ({ params: { path: { id } } });
const paged = {
  initialPageParam: '',
  getNextPageParam: (page: { next: string | null }) => page.next ?? undefined,
};

export const reviewsQuery = infiniteQueryOptions({
  queryKey: ['reviews', 'list'],
  queryFn: ({ pageParam }) =>
    answer(client.GET('/reviews', { params: { query: pageParam === '' ? {} : { cursor: pageParam } } })),
  ...paged,
});

export const reviewQuery = (id: string) =>
  queryOptions({ queryKey: ['reviews', 'one', id], queryFn: () => answer(client.GET('/reviews/{id}', path(id))) });

export const reviewItemsQuery = (id: string, undecided: boolean) =>
  infiniteQueryOptions({
    queryKey: ['reviews', 'items', id, undecided],
    queryFn: ({ pageParam }) => {
      const query = { ...(undecided && { undecided }), ...(pageParam !== '' && { cursor: pageParam }) };
      return answer(client.GET('/reviews/{id}/items', { params: { path: { id }, query } }));
    },
    ...paged,
  });

export const startReview = (body: Schema['ReviewPlan']) => answer(client.POST('/reviews', { body }));
export const decideItem = (id: string, body: Schema['ReviewAnswer']) =>
  answer(client.POST('/reviews/{id}/decisions', { ...path(id), body }));
export const closeReview = (id: string) => answer(client.POST('/reviews/{id}/close', path(id)));
export const reviewCsv = (id: string, lang: string): string => `${baseUrl}/reviews/${id}/result.csv?lang=${lang}`;
