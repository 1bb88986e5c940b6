import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { inside } from './base';

const settings = createRoute({
  getParentRoute: () => inside,
  path: '/organisation/settings',
  component: lazyRouteComponent(() => import('@/features/settings/settings-page'), 'SettingsPage'),
});

export const settingsRoutes = [settings] as const;
