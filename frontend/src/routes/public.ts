import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { z } from 'zod';
import { open } from './base';

const login = createRoute({
  getParentRoute: () => open,
  path: '/login',
  validateSearch: z.object({
    flow: z.string().max(64).optional().catch(undefined),
    next: z.string().max(500).optional().catch(undefined),
  }),
  component: lazyRouteComponent(() => import('@/features/login/login-page'), 'LoginPage'),
});

const activate = createRoute({
  getParentRoute: () => open,
  path: '/activate',
  component: lazyRouteComponent(() => import('@/features/activation/activation-page'), 'ActivationPage'),
});

const block = createRoute({
  getParentRoute: () => open,
  path: '/block',
  component: lazyRouteComponent(() => import('@/features/block/block-page'), 'BlockPage'),
});

const directory = createRoute({
  getParentRoute: () => open,
  path: '/directory',
  component: lazyRouteComponent(() => import('@/features/certificates/directory-page'), 'DirectoryPage'),
});

const authority = createRoute({
  getParentRoute: () => open,
  path: '/ca',
  component: lazyRouteComponent(() => import('@/features/authority/authority-page'), 'AuthorityPage'),
});

export const publicRoutes = [login, activate, block, directory, authority] as const;
