import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { inside } from './base';

const home = createRoute({
  getParentRoute: () => inside,
  path: '/',
  component: lazyRouteComponent(() => import('@/features/home/home-page'), 'HomePage'),
});

const me = createRoute({
  getParentRoute: () => inside,
  path: '/me',
  component: lazyRouteComponent(() => import('@/features/home/me-page'), 'MePage'),
});

const ownSecureMail = createRoute({
  getParentRoute: () => inside,
  path: '/me/secure-mail',
  component: lazyRouteComponent(() => import('@/features/secure-mail/own-page'), 'OwnSecureMailPage'),
});

export const homeRoutes = [home, me, ownSecureMail] as const;
