import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { z } from 'zod';
import { carriers } from '@/api/secure-mail';
import { inside, open } from './base';

const text = z.string().max(200).optional().catch(undefined);

const employees = createRoute({
  getParentRoute: () => inside,
  path: '/employees',
  validateSearch: z.object({
    q: text,
    state: text,
    key_file: text,
    code_card: text,
    invitation: text,
    proofing: text,
    level: text,
    p_number: text,
    anonymous: text,
    administrator: text,
    unproven: text,
    sort: text,
  }),
  component: lazyRouteComponent(() => import('@/features/employees/employees-page'), 'EmployeesPage'),
});

const secureMail = createRoute({
  getParentRoute: () => inside,
  path: '/employees/secure-mail',
  validateSearch: z.object({ carrier: z.enum(carriers).optional().catch(undefined) }),
  component: lazyRouteComponent(() => import('@/features/secure-mail/list-page'), 'SecureMailPage'),
});

const letters = createRoute({
  getParentRoute: () => inside,
  path: '/employees/letters',
  component: lazyRouteComponent(() => import('@/features/mail/letters-page'), 'LettersPage'),
});

const erasures = createRoute({
  getParentRoute: () => inside,
  path: '/employees/erasures',
  validateSearch: z.object({ month: z.string().max(7).optional().catch(undefined) }),
  component: lazyRouteComponent(() => import('@/features/employees/erasures-page'), 'ErasuresPage'),
});

const newEmployee = createRoute({
  getParentRoute: () => inside,
  path: '/employees/new',
  component: lazyRouteComponent(() => import('@/features/employees/person-pages'), 'NewEmployeePage'),
});

const requests = createRoute({
  getParentRoute: () => inside,
  path: '/employees/requests',
  component: lazyRouteComponent(() => import('@/features/employees/requests-page'), 'RequestsPage'),
});

const employee = createRoute({
  getParentRoute: () => inside,
  path: '/employees/$id',
  component: lazyRouteComponent(() => import('@/features/employees/employee-page'), 'EmployeePage'),
});

const editEmployee = createRoute({
  getParentRoute: () => inside,
  path: '/employees/$id/edit',
  component: lazyRouteComponent(() => import('@/features/employees/person-pages'), 'EditEmployeePage'),
});

/** Where somebody outside asks to be made an employee. */
export const request = createRoute({
  getParentRoute: () => open,
  path: '/request/$cvr',
  component: lazyRouteComponent(() => import('@/features/employees/ask-page'), 'AskPage'),
});

export const employeesRoutes = [employees, secureMail, letters, erasures, newEmployee, requests, employee, editEmployee] as const;
