import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { inside } from './base';

const services = createRoute({
  getParentRoute: () => inside,
  path: '/services',
  component: lazyRouteComponent(() => import('@/features/services/services-page'), 'ServicesPage'),
});

const newService = createRoute({
  getParentRoute: () => inside,
  path: '/services/new',
  component: lazyRouteComponent(() => import('@/features/services/new-service-page'), 'NewServicePage'),
});

const service = createRoute({
  getParentRoute: () => inside,
  path: '/services/$id',
  component: lazyRouteComponent(() => import('@/features/services/service-page'), 'ServicePage'),
});

export const servicesRoutes = [services, newService, service] as const;
