import { queryOptions } from '@tanstack/react-query';
import { answer, client, type Schema } from './client';

export type Self = Schema['Self'];

export const selfQuery = queryOptions({ queryKey: ['self'], queryFn: () => answer(client.GET('/me')) });

export const changeSelf = (body: Schema['SelfChange']) => answer(client.PATCH('/me', { body }));
