import type { QueryClient } from '@tanstack/react-query';
import { createRootRouteWithContext, createRoute, createRouter, lazyRouteComponent, redirect } from '@tanstack/react-router';
import { z } from 'zod';
import { isStatus } from './api/client';
import { sessionQuery } from './api/session';
import { NotFound, PageError } from './frame/failure';
import { ErrorShell, NotFoundShell, PublicShell, SessionShell } from './frame/shells';
import { PageWaiting } from './frame/waiting';

interface Context {
  queries: QueryClient;
}

const root = createRootRouteWithContext<Context>()({ notFoundComponent: NotFoundShell });

const open = createRoute({ getParentRoute: () => root, id: 'open', component: PublicShell });

const login = createRoute({
  getParentRoute: () => open,
  path: '/login',
  validateSearch: z.object({
    flow: z.string().max(64).optional().catch(undefined),
    next: z.string().max(500).optional().catch(undefined),
  }),
  component: lazyRouteComponent(() => import('./features/login/login-page'), 'LoginPage'),
});

const activate = createRoute({
  getParentRoute: () => open,
  path: '/activate',
  component: lazyRouteComponent(() => import('./features/activation/activation-page'), 'ActivationPage'),
});

// Everything below needs a session; without one the way goes over /login and back.
const inside = createRoute({
  getParentRoute: () => root,
  id: 'inside',
  component: SessionShell,
  errorComponent: ErrorShell,
  beforeLoad: async ({ context, location }) => {
    try {
      return { session: await context.queries.query({ ...sessionQuery, staleTime: 'static' }) };
    } catch (error) {
      if (!isStatus(error, 401)) throw error;
      const next = location.href === '/' ? undefined : location.href;
      return redirect({ to: '/login', search: { next }, throw: true });
    }
  },
});

const home = createRoute({
  getParentRoute: () => inside,
  path: '/',
  component: lazyRouteComponent(() => import('./features/home/home-page'), 'HomePage'),
});

const me = createRoute({
  getParentRoute: () => inside,
  path: '/me',
  component: lazyRouteComponent(() => import('./features/home/me-page'), 'MePage'),
});

const batches = createRoute({
  getParentRoute: () => inside,
  path: '/migration',
  component: lazyRouteComponent(() => import('./features/migration/batches-page'), 'BatchesPage'),
});

const newBatch = createRoute({
  getParentRoute: () => inside,
  path: '/migration/new',
  component: lazyRouteComponent(() => import('./features/migration/new-batch-page'), 'NewBatchPage'),
});

const rowStates = ['pending', 'invited', 'activated', 'skipped', 'failed', 'cancelled'] as const;

const batch = createRoute({
  getParentRoute: () => inside,
  path: '/migration/$id',
  validateSearch: z.object({ state: z.enum(rowStates).optional().catch(undefined) }),
  component: lazyRouteComponent(() => import('./features/migration/batch-page'), 'BatchPage'),
});

const employees = createRoute({
  getParentRoute: () => inside,
  path: '/employees',
  validateSearch: z.object({ q: z.string().max(200).optional().catch(undefined) }),
  component: lazyRouteComponent(() => import('./features/employees/employees-page'), 'EmployeesPage'),
});

const employee = createRoute({
  getParentRoute: () => inside,
  path: '/employees/$id',
  component: lazyRouteComponent(() => import('./features/employees/employee-page'), 'EmployeePage'),
});

const services = createRoute({
  getParentRoute: () => inside,
  path: '/services',
  component: lazyRouteComponent(() => import('./features/services/services-page'), 'ServicesPage'),
});

const newService = createRoute({
  getParentRoute: () => inside,
  path: '/services/new',
  component: lazyRouteComponent(() => import('./features/services/new-service-page'), 'NewServicePage'),
});

const service = createRoute({
  getParentRoute: () => inside,
  path: '/services/$id',
  component: lazyRouteComponent(() => import('./features/services/service-page'), 'ServicePage'),
});

const routeTree = root.addChildren([
  open.addChildren([login, activate]),
  inside.addChildren([home, me, batches, newBatch, batch, employees, employee, services, newService, service]),
]);

// Search parameters are plain text both ways: the router's own reading would turn
// a RID in the address into a number.
const parseSearch = (text: string): Record<string, string> => Object.fromEntries(new URLSearchParams(text));

function stringifySearch(search: Record<string, unknown>): string {
  const given = Object.entries(search).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
  const text = new URLSearchParams(given).toString();
  return text === '' ? '' : `?${text}`;
}

export function makeRouter(queries: QueryClient) {
  return createRouter({
    routeTree,
    context: { queries },
    parseSearch,
    stringifySearch,
    defaultPreload: 'intent',
    defaultErrorComponent: PageError,
    defaultNotFoundComponent: NotFound,
    defaultPendingComponent: PageWaiting,
    scrollRestoration: true,
  });
}

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof makeRouter>;
  }
}
