import { useMutation } from '@tanstack/react-query';
import { type SyntheticEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorText } from '@/api/client';
import { findHomes, type Home } from '@/api/identity-providers';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';
import { TextField } from '@/ui/field';
import { Icon } from '@/ui/icon';

const place = 'adgang-home';

function remembered(): Home | undefined {
  try {
    const kept = JSON.parse(localStorage.getItem(place) ?? 'null') as Partial<Home> | null;
    if (typeof kept?.id === 'string' && typeof kept.name === 'string' && typeof kept.organisation === 'string') return kept as Home;
  } catch {
    // Whatever stands there is not ours.
  }
  return undefined;
}

interface HomeFinderProps {
  flow: string | undefined;
  next: string | undefined;
}

/** The way to the organisation's own login: by mail address or CVR number, and
 * remembered in this browser. */
export function HomeFinder({ flow, next }: HomeFinderProps) {
  const { t } = useTranslation();
  const [known, setKnown] = useState(remembered);
  const [hint, setHint] = useState('');
  const { mutate, isPending, error, data } = useMutation({ mutationFn: () => findHomes(hint) });
  const homes = known === undefined ? data?.items : [known];
  const find = (event: SyntheticEvent) => {
    event.preventDefault();
    if (!isPending) mutate();
  };
  const forget = () => {
    localStorage.removeItem(place);
    setKnown(undefined);
  };
  return (
    <section className="panel" aria-labelledby="home">
      <h2 id="home">{t('ownLogin.home.heading')}</h2>
      {known === undefined && (
        <form noValidate onSubmit={find}>
          <TextField
            id="home-hint"
            label={t('ownLogin.home.label')}
            hint={t('ownLogin.home.hint')}
            error={error === null ? undefined : errorText(error)}
            autoComplete="email"
            autoCapitalize="off"
            spellCheck={false}
            value={hint}
            onChange={(event) => setHint(event.target.value)}
          />
          <div className="actions">
            <Button type="submit" pending={isPending}>
              {t('ownLogin.home.find')}
            </Button>
          </div>
        </form>
      )}
      <div aria-live="polite">
        {homes?.length === 0 && <Alert tone="info">{t('ownLogin.home.none')}</Alert>}
        {homes?.map((home) => (
          <p key={home.id}>
            <a
              className="button button-primary"
              href={address(home.id, flow, next)}
              onClick={() => localStorage.setItem(place, JSON.stringify(home))}
            >
              <Icon name="business" />
              <span>{t('ownLogin.home.go', { name: home.name })}</span>
            </a>{' '}
            <span className="quiet">{home.organisation}</span>
          </p>
        ))}
      </div>
      {known !== undefined && (
        <Button variant="unstyled" onClick={forget}>
          {t('ownLogin.home.other')}
        </Button>
      )}
    </section>
  );
}

function address(idp: string, flow: string | undefined, next: string | undefined): string {
  const query = new URLSearchParams({ idp });
  if (flow !== undefined) query.set('flow', flow);
  if (next !== undefined) query.set('next', next);
  return `/saml/sp/login?${query.toString()}`;
}
