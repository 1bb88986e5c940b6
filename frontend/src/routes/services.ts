import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { z } from 'zod';
import { tabs } from '@/features/services/tabs';
import { inside, open } from './base';

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
  validateSearch: z.object({ tab: z.enum(tabs).optional().catch(undefined) }),
  component: lazyRouteComponent(() => import('@/features/services/service-page'), 'ServicePage'),
});

const used = createRoute({
  getParentRoute: () => inside,
  path: '/services/used',
  component: lazyRouteComponent(() => import('@/features/services/used-page'), 'UsedServicesPage'),
});

const usedOne = createRoute({
  getParentRoute: () => inside,
  path: '/services/used/$id',
  component: lazyRouteComponent(() => import('@/features/services/used-page'), 'UsedServicePage'),
});

const samlKey = createRoute({
  getParentRoute: () => open,
  path: '/saml-key',
  component: lazyRouteComponent(() => import('@/features/services/saml-key-page'), 'SamlKeyPage'),
});

export const serviceOpenRoutes = [samlKey] as const;
export const servicesRoutes = [services, newService, service, used, usedOne] as const;
