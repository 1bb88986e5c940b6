import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { inside } from './base';

const given = createRoute({
  getParentRoute: () => inside,
  path: '/powers/given',
  component: lazyRouteComponent(() => import('@/features/powers/powers-page'), 'GivenPage'),
});

const received = createRoute({
  getParentRoute: () => inside,
  path: '/powers/received',
  component: lazyRouteComponent(() => import('@/features/powers/powers-page'), 'ReceivedPage'),
});

export const powersRoutes = [given, received] as const;
