import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { z } from 'zod';
import { inside } from './base';

const short = z.string().max(200).optional().catch(undefined);
const day = z.iso.date().optional().catch(undefined);

const audit = createRoute({
  getParentRoute: () => inside,
  path: '/organisation/audit',
  validateSearch: z.object({ verb: short, actor: short, object: short, text: short, from: day, to: day }),
  component: lazyRouteComponent(() => import('@/features/audit/audit-page'), 'AuditPage'),
});

export const auditRoutes = [audit] as const;
