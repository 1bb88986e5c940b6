import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { z } from 'zod';
import { inside } from './base';

const rowStates = ['pending', 'invited', 'activated', 'skipped', 'failed', 'cancelled'] as const;

const batches = createRoute({
  getParentRoute: () => inside,
  path: '/migration',
  component: lazyRouteComponent(() => import('@/features/migration/batches-page'), 'BatchesPage'),
});

const newBatch = createRoute({
  getParentRoute: () => inside,
  path: '/migration/new',
  component: lazyRouteComponent(() => import('@/features/migration/new-batch-page'), 'NewBatchPage'),
});

const batch = createRoute({
  getParentRoute: () => inside,
  path: '/migration/$id',
  validateSearch: z.object({ state: z.enum(rowStates).optional().catch(undefined) }),
  component: lazyRouteComponent(() => import('@/features/migration/batch-page'), 'BatchPage'),
});

export const migrationRoutes = [batches, newBatch, batch] as const;
