import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { z } from 'zod';
import { inside } from './base';

const employees = createRoute({
  getParentRoute: () => inside,
  path: '/employees',
  validateSearch: z.object({ q: z.string().max(200).optional().catch(undefined) }),
  component: lazyRouteComponent(() => import('@/features/employees/employees-page'), 'EmployeesPage'),
});

const employee = createRoute({
  getParentRoute: () => inside,
  path: '/employees/$id',
  component: lazyRouteComponent(() => import('@/features/employees/employee-page'), 'EmployeePage'),
});

export const employeesRoutes = [employees, employee] as const;
