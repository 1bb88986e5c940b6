import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { z } from 'zod';
import { inside } from './base';

const text = z.string().max(200).optional().catch(undefined);
const count = z.string().regex(/^\d{1,2}$/).optional().catch(undefined);

const generation = z.enum(['oces1', 'oces2', 'oces3', 'adgang', 'private', 'unknown']).optional().catch(undefined);
const month = z.string().regex(/^\d{4}-\d{2}$/).optional().catch(undefined);

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

const forecast = createRoute({
  getParentRoute: () => inside,
  path: '/inventory/forecast',
  validateSearch: z.object({ months: count, earlier: count, spread: count, deadline: month, leaving: generation }),
  component: lazyRouteComponent(() => import('@/features/inventory/forecast-page'), 'ForecastPage'),
});

const campaigns = createRoute({
  getParentRoute: () => inside,
  path: '/inventory/campaigns',
  component: lazyRouteComponent(() => import('@/features/inventory/campaigns-page'), 'CampaignsPage'),
});

const newCampaign = createRoute({
  getParentRoute: () => inside,
  path: '/inventory/campaigns/new',
  component: lazyRouteComponent(() => import('@/features/inventory/new-campaign-page'), 'NewCampaignPage'),
});

const campaign = createRoute({
  getParentRoute: () => inside,
  path: '/inventory/campaigns/$id',
  component: lazyRouteComponent(() => import('@/features/inventory/campaign-page'), 'CampaignPage'),
});

const reminders = createRoute({
  getParentRoute: () => inside,
  path: '/inventory/reminders',
  component: lazyRouteComponent(() => import('@/features/inventory/rules-page'), 'RulesPage'),
});

const certificate = createRoute({
  getParentRoute: () => inside,
  path: '/inventory/$id',
  component: lazyRouteComponent(() => import('@/features/inventory/certificate-page'), 'CertificatePage'),
});

export const inventoryRoutes = [inventory, takeIn, hosts, forecast, campaigns, newCampaign, campaign, reminders, certificate] as const;
