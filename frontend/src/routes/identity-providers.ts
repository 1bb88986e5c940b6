import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { z } from 'zod';
import { inside, open } from './base';

const providers = createRoute({
  getParentRoute: () => inside,
  path: '/identity-providers',
  component: lazyRouteComponent(() => import('@/features/identity-providers/list-page'), 'IdentityProvidersPage'),
});

const newProvider = createRoute({
  getParentRoute: () => inside,
  path: '/identity-providers/new',
  component: lazyRouteComponent(() => import('@/features/identity-providers/new-page'), 'NewIdentityProviderPage'),
});

const provider = createRoute({
  getParentRoute: () => inside,
  path: '/identity-providers/$id',
  validateSearch: z.object({ test: z.string().max(100).optional().catch(undefined) }),
  component: lazyRouteComponent(() => import('@/features/identity-providers/page'), 'IdentityProviderPage'),
});

export const identityProviderRoutes = [providers, newProvider, provider] as const;

export const loginFailed = createRoute({
  getParentRoute: () => open,
  path: '/login/failed',
  validateSearch: z.object({ code: z.string().max(100).optional().catch(undefined) }),
  component: lazyRouteComponent(() => import('@/features/login/failed-page'), 'LoginFailedPage'),
});
