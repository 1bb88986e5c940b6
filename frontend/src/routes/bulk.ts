import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { z } from 'zod';
import { inside } from './base';

const actions = ['create', 'edit', 'reactivate', 'suspend', 'delete', 'none', 'refuse'] as const;
const states = ['pending', 'done', 'unchanged', 'failed', 'cancelled'] as const;

const runs = createRoute({
  getParentRoute: () => inside,
  path: '/employees/bulk',
  component: lazyRouteComponent(() => import('@/features/roster/runs-page'), 'RunsPage'),
});

const newRun = createRoute({
  getParentRoute: () => inside,
  path: '/employees/bulk/new',
  component: lazyRouteComponent(() => import('@/features/roster/new-run-page'), 'NewRunPage'),
});

const run = createRoute({
  getParentRoute: () => inside,
  path: '/employees/bulk/$id',
  validateSearch: z.object({
    action: z.enum(actions).optional().catch(undefined),
    state: z.enum(states).optional().catch(undefined),
  }),
  component: lazyRouteComponent(() => import('@/features/roster/run-page'), 'RunPage'),
});

export const bulkRoutes = [runs, newRun, run] as const;
