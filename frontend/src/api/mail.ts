import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import { answer, client, type Schema } from './client';

export type MailTemplate = Schema['MailTemplate'];
export type MailWording = Schema['MailWording'];
export type Notice = Schema['Notice'];

export const templatesQuery = queryOptions({
  queryKey: ['mail-templates'],
  queryFn: () => answer(client.GET('/mail-templates')),
  refetchOnWindowFocus: false,
});

export const reword = (body: MailWording) => answer(client.PUT('/mail-templates', { body }));
export const previewOf = (body: MailWording) => answer(client.POST('/mail-templates/preview', { body }));
export const testMail = (body: Schema['MailTest']) => answer(client.POST('/mail-templates/test', { body }));
export const resetWording = (query: Schema['MailTest']) => answer(client.DELETE('/mail-templates', { params: { query } }));

export const noticesQuery = (lang: 'da' | 'en') =>
  infiniteQueryOptions({
    queryKey: ['notices', lang],
    queryFn: ({ pageParam }) =>
      answer(client.GET('/me/notices', { params: { query: { lang, ...(pageParam !== '' && { cursor: pageParam }) } } })),
    initialPageParam: '',
    getNextPageParam: (page) => page.next ?? undefined,
  });

export type Letter = Schema['Letter'];

export const lettersQuery = queryOptions({ queryKey: ['letters'], queryFn: () => answer(client.GET('/letters')) });
export const handOver = (ids: string[]) => answer(client.POST('/letters/handed-over', { body: { ids } }));

export const readNotices = () => answer(client.POST('/me/notices/read'));
