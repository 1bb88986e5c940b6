import { useMutation, useQuery } from '@tanstack/react-query';
import { Link, Outlet, useLocation } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { answer, client } from '@/api/client';
import { operatorQuery } from '@/api/operator';
import { Shell } from '@/frame/shell';
import { Button } from '@/ui/button';

const pages = [
  { to: '/operator', key: 'organisations' },
  { to: '/operator/applications', key: 'applications' },
  { to: '/operator/recoveries', key: 'recoveries' },
  { to: '/operator/block', key: 'block' },
  { to: '/operator/saml-keys', key: 'samlKeys' },
  { to: '/operator/usage', key: 'usage' },
  { to: '/operator/terms', key: 'terms' },
  { to: '/operator/operators', key: 'operators' },
] as const;

/** Around the operators' pages: their own menu, and nobody's organisation. */
export function OperatorShell() {
  const { t } = useTranslation();
  const { data } = useQuery(operatorQuery);
  const path = useLocation({ select: (location) => location.pathname });
  const { mutate, isPending } = useMutation({
    mutationFn: () => answer(client.DELETE('/operator/session')),
    onSettled: () => location.assign('/operator/login'),
  });
  const here = (to: string) => (to === '/operator' ? path === to || path.startsWith('/operator/organisations') : path.startsWith(to));
  return (
    <Shell>
      <nav aria-label={t('operator.menu')}>
        <p>
          <strong>{t('operator.title')}</strong> {data !== undefined && <span className="quiet">{data.name}</span>}
        </p>
        <ul className="nobullet-list actions">
          {pages.map(({ to, key }) => (
            <li key={to}>
              <Link to={to} aria-current={here(to) ? 'page' : undefined}>
                {t(`operator.pages.${key}`)}
              </Link>
            </li>
          ))}
          <li>
            <Button variant="unstyled" icon="lock" pending={isPending} onClick={() => mutate()}>
              {t('frame.logOut')}
            </Button>
          </li>
        </ul>
      </nav>
      <Outlet />
    </Shell>
  );
}
