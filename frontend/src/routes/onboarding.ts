import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { inside, open } from './base';

const connect = createRoute({
  getParentRoute: () => open,
  path: '/connect',
  component: lazyRouteComponent(() => import('@/features/onboarding/connect-page'), 'ConnectPage'),
});

const application = createRoute({
  getParentRoute: () => open,
  path: '/connect/application',
  component: lazyRouteComponent(() => import('@/features/onboarding/application-page'), 'ApplicationPage'),
});

const recover = createRoute({
  getParentRoute: () => open,
  path: '/recover',
  component: lazyRouteComponent(() => import('@/features/onboarding/recover-page'), 'RecoverPage'),
});

const recoverCase = createRoute({
  getParentRoute: () => open,
  path: '/recover/case',
  component: lazyRouteComponent(() => import('@/features/onboarding/recover-page'), 'RecoverCasePage'),
});

const terms = createRoute({
  getParentRoute: () => inside,
  path: '/organisation/terms',
  component: lazyRouteComponent(() => import('@/features/onboarding/terms-page'), 'TermsPage'),
});

const recoveries = createRoute({
  getParentRoute: () => inside,
  path: '/organisation/recoveries',
  component: lazyRouteComponent(() => import('@/features/onboarding/recoveries-page'), 'RecoveriesPage'),
});

const setup = createRoute({
  getParentRoute: () => inside,
  path: '/organisation/setup',
  component: lazyRouteComponent(() => import('@/features/onboarding/setup-page'), 'SetupPage'),
});

export const connectRoutes = [connect, application, recover, recoverCase] as const;
export const setupRoutes = [setup, terms, recoveries] as const;
