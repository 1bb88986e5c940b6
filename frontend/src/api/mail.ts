import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import { answer, baseUrl, client, isStatus, type Schema } from './client';

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
export const readNotice = (id: string) => answer(client.POST('/me/notices/{id}/read', { params: { path: { id } } }));

/** Whether mails have a logo; the picture itself is at logoUrl. */
export const logoQuery = queryOptions({
  queryKey: ['mail-logo'],
  queryFn: async () => {
    try {
      await answer(client.GET('/mail-logo', { parseAs: 'blob' }));
      return true;
    } catch (error) {
      if (isStatus(error, 404)) return false;
      throw error;
    }
  },
});

/** The same address with a number that is new when the picture is. */
export const logoUrl = (version: number): string => `${baseUrl}/mail-logo?v=${version}`;

export const setLogo = (picture: File) =>
  answer(
    client.PUT('/mail-logo', {
      body: picture as unknown as string,
      bodySerializer: (body: unknown) => body as string,
      headers: { 'Content-Type': picture.type },
    }),
  );
export const removeLogo = () => answer(client.DELETE('/mail-logo'));
