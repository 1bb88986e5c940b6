import { queryOptions } from '@tanstack/react-query';
import { answer, client } from './client';

export const usageQuery = queryOptions({ queryKey: ['usage'], queryFn: () => answer(client.GET('/usage')) });
