import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { z } from 'zod';
import { inside } from './base';

const text = z.string().max(200).optional().catch(undefined);

const inventory = createRoute({
  getParentRoute: () => inside,
  path: '/inventory',
  validateSearch: z.object({ q: text, generation: text, kind: text, plan: text, until: text, owner: text }),
  component: lazyRouteComponent(() => import('@/features/inventory/inventory-page'), 'InventoryPage'),
});

const takeIn = createRoute({
  getParentRoute: () => inside,
  path: '/inventory/upload',
  component: lazyRouteComponent(() => import('@/features/inventory/upload-page'), 'UploadPage'),
});

const hosts = createRoute({
  getParentRoute: () => inside,
  path: '/inventory/hosts',
  component: lazyRouteComponent(() => import('@/features/inventory/hosts-page'), 'HostsPage'),
});

const certificate = createRoute({
  getParentRoute: () => inside,
  path: '/inventory/$id',
  component: lazyRouteComponent(() => import('@/features/inventory/certificate-page'), 'CertificatePage'),
});

export const inventoryRoutes = [inventory, takeIn, hosts, certificate] as const;
