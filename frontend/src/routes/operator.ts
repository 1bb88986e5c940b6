import { createRoute, lazyRouteComponent, redirect } from '@tanstack/react-router';
import { z } from 'zod';
import { isStatus } from '@/api/client';
import { operatorQuery } from '@/api/operator';
import { OperatorShell } from '@/features/operator/shell';
import { ErrorShell } from '@/frame/shells';
import { open, root } from './base';

const login = createRoute({
  getParentRoute: () => open,
  path: '/operator/login',
  component: lazyRouteComponent(() => import('@/features/operator/login-page'), 'OperatorLoginPage'),
});

const setup = createRoute({
  getParentRoute: () => open,
  path: '/operator/setup',
  component: lazyRouteComponent(() => import('@/features/operator/login-page'), 'OperatorSetupPage'),
});

export const console_ = createRoute({
  getParentRoute: () => root,
  id: 'console',
  component: OperatorShell,
  errorComponent: ErrorShell,
  beforeLoad: async ({ context }) => {
    try {
      return { operator: await context.queries.query({ ...operatorQuery, staleTime: 'static' }) };
    } catch (error) {
      if (!isStatus(error, 401)) throw error;
      return redirect({ to: '/operator/login', throw: true });
    }
  },
});

const organisations = createRoute({
  getParentRoute: () => console_,
  path: '/operator',
  validateSearch: z.object({ q: z.string().max(200).optional().catch(undefined) }),
  component: lazyRouteComponent(() => import('@/features/operator/organisations-page'), 'OrganisationsPage'),
});

const organisation = createRoute({
  getParentRoute: () => console_,
  path: '/operator/organisations/$id',
  component: lazyRouteComponent(() => import('@/features/operator/organisation-page'), 'OrganisationPage'),
});

const applications = createRoute({
  getParentRoute: () => console_,
  path: '/operator/applications',
  validateSearch: z.object({ step: z.string().max(20).optional().catch(undefined) }),
  component: lazyRouteComponent(() => import('@/features/operator/queue-page'), 'QueuePage'),
});

const application = createRoute({
  getParentRoute: () => console_,
  path: '/operator/applications/$id',
  component: lazyRouteComponent(() => import('@/features/operator/case-page'), 'CasePage'),
});

const recoveries = createRoute({
  getParentRoute: () => console_,
  path: '/operator/recoveries',
  component: lazyRouteComponent(() => import('@/features/operator/recoveries-page'), 'OpenRecoveriesPage'),
});

const block = createRoute({
  getParentRoute: () => console_,
  path: '/operator/block',
  component: lazyRouteComponent(() => import('@/features/operator/block-page'), 'BlockReportedPage'),
});

const terms = createRoute({
  getParentRoute: () => console_,
  path: '/operator/terms',
  component: lazyRouteComponent(() => import('@/features/operator/terms-page'), 'PublishPage'),
});

const samlKeys = createRoute({
  getParentRoute: () => console_,
  path: '/operator/saml-keys',
  component: lazyRouteComponent(() => import('@/features/operator/saml-keys-page'), 'SamlKeysPage'),
});

const usage = createRoute({
  getParentRoute: () => console_,
  path: '/operator/usage',
  validateSearch: z.object({ month: z.string().max(7).optional().catch(undefined) }),
  component: lazyRouteComponent(() => import('@/features/operator/usage-page'), 'LedgerPage'),
});

const operators = createRoute({
  getParentRoute: () => console_,
  path: '/operator/operators',
  component: lazyRouteComponent(() => import('@/features/operator/operators-page'), 'OperatorsPage'),
});

export const operatorOpenRoutes = [login, setup] as const;
export const consoleRoutes = [organisations, organisation, applications, application, recoveries, block, terms, samlKeys, usage, operators] as const;
