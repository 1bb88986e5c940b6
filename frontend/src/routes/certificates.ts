import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { inside, open } from './base';

const certificates = createRoute({
  getParentRoute: () => inside,
  path: '/certificates',
  component: lazyRouteComponent(() => import('@/features/certificates/profiles-page'), 'ProfilesPage'),
});

const newCertificate = createRoute({
  getParentRoute: () => inside,
  path: '/certificates/new',
  component: lazyRouteComponent(() => import('@/features/certificates/new-profile-page'), 'NewProfilePage'),
});

const revokeKind = createRoute({
  getParentRoute: () => inside,
  path: '/certificates/revoke',
  component: lazyRouteComponent(() => import('@/features/certificates/revoke-page'), 'RevokePage'),
});

const certificate = createRoute({
  getParentRoute: () => inside,
  path: '/certificates/$id',
  component: lazyRouteComponent(() => import('@/features/certificates/profile-page'), 'ProfilePage'),
});

export const certificatesRoutes = [certificates, newCertificate, revokeKind, certificate] as const;

const fetchCertificate = createRoute({
  getParentRoute: () => open,
  path: '/certificate',
  component: lazyRouteComponent(() => import('@/features/certificates/fetch-page'), 'FetchPage'),
});

const confirmEmail = createRoute({
  getParentRoute: () => open,
  path: '/certificate-email',
  component: lazyRouteComponent(() => import('@/features/certificates/confirm-page'), 'ConfirmPage'),
});

export const certificateOpenRoutes = [fetchCertificate, confirmEmail] as const;
