import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { inside } from './base';

const roles = createRoute({
  getParentRoute: () => inside,
  path: '/organisation/roles',
  component: lazyRouteComponent(() => import('@/features/roles/roles-page'), 'RolesPage'),
});

const roleTable = createRoute({
  getParentRoute: () => inside,
  path: '/organisation/roles/table',
  component: lazyRouteComponent(() => import('@/features/roles/role-table-page'), 'RoleTablePage'),
});

const approvals = createRoute({
  getParentRoute: () => inside,
  path: '/organisation/approvals',
  component: lazyRouteComponent(() => import('@/features/approvals/approvals-page'), 'ApprovalsPage'),
});

export const rolesRoutes = [roles, roleTable, approvals] as const;
