import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { inside } from './base';

const catalogue = createRoute({
  getParentRoute: () => inside,
  path: '/rights',
  component: lazyRouteComponent(() => import('@/features/entitlements/catalogue-page'), 'CataloguePage'),
});

const requests = createRoute({
  getParentRoute: () => inside,
  path: '/rights/requests',
  component: lazyRouteComponent(() => import('@/features/entitlements/requests-page'), 'RequestsPage'),
});

const holders = createRoute({
  getParentRoute: () => inside,
  path: '/rights/holders',
  component: lazyRouteComponent(() => import('@/features/entitlements/holders-page'), 'HoldersPage'),
});

const basic = createRoute({
  getParentRoute: () => inside,
  path: '/rights/basic',
  component: lazyRouteComponent(() => import('@/features/entitlements/basic-page'), 'BasicPage'),
});

const groups = createRoute({
  getParentRoute: () => inside,
  path: '/rights/groups',
  component: lazyRouteComponent(() => import('@/features/groups/groups-page'), 'GroupsPage'),
});

const group = createRoute({
  getParentRoute: () => inside,
  path: '/rights/groups/$id',
  component: lazyRouteComponent(() => import('@/features/groups/group-page'), 'GroupPage'),
});

const reviews = createRoute({
  getParentRoute: () => inside,
  path: '/rights/reviews',
  component: lazyRouteComponent(() => import('@/features/reviews/reviews-page'), 'ReviewsPage'),
});

const review = createRoute({
  getParentRoute: () => inside,
  path: '/rights/reviews/$id',
  component: lazyRouteComponent(() => import('@/features/reviews/review-page'), 'ReviewPage'),
});

export const rightsRoutes = [reviews, review, catalogue, requests, holders, basic, groups, group] as const;
