import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { inside } from './base';

const settings = createRoute({
  getParentRoute: () => inside,
  path: '/organisation/settings',
  component: lazyRouteComponent(() => import('@/features/settings/settings-page'), 'SettingsPage'),
});

const templates = createRoute({
  getParentRoute: () => inside,
  path: '/organisation/templates',
  component: lazyRouteComponent(() => import('@/features/mail/templates-page'), 'TemplatesPage'),
});

const usage = createRoute({
  getParentRoute: () => inside,
  path: '/organisation/usage',
  component: lazyRouteComponent(() => import('@/features/usage/usage-page'), 'UsagePage'),
});

const agreement = createRoute({
  getParentRoute: () => inside,
  path: '/organisation/agreement',
  component: lazyRouteComponent(() => import('@/features/settings/agreement-page'), 'AgreementPage'),
});

const notices = createRoute({
  getParentRoute: () => inside,
  path: '/notices',
  component: lazyRouteComponent(() => import('@/features/mail/notices-page'), 'NoticesPage'),
});

export const settingsRoutes = [settings, templates, usage, agreement, notices] as const;
