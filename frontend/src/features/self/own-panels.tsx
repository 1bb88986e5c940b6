import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { baseUrl, errorText } from '@/api/client';
import { changeSelf, type Self, selfQuery } from '@/api/self';
import { FactList, usePersonFacts } from '@/features/employees/facts';
import { CodeCardBadge } from '@/features/employees/state';
import { MyRights } from '@/features/entitlements/my-rights';
import { date } from '@/format';
import { LoadError } from '@/frame/failure';
import { Alert } from '@/ui/alert';
import { Badge } from '@/ui/badge';
import { Skeleton } from '@/ui/feedback';
import { Checkbox, SelectField } from '@/ui/field';
import { Icon } from '@/ui/icon';
import { useToast } from '@/ui/toast';
import { OwnActivity } from './own-activity';
import { OwnAnonymity } from './own-anonymity';
import { OwnKeyFile } from './own-key-file';

/** What the own page knows besides the session. */
export function OwnPanels() {
  const { t } = useTranslation();
  const { data, error, refetch } = useQuery(selfQuery);
  if (error !== null) return <LoadError error={error} onRetry={() => void refetch()} />;
  if (data === undefined) return <Skeleton label={t('ui.loading')} lines={6} />;
  return (
    <>
      <OwnFacts self={data} />
      <OwnKeyFile self={data} />
      <Wishes self={data} />
      <section className="panel" aria-labelledby="administrators">
        <h2 id="administrators">{t('self.administrators')}</h2>
        <ul>
          {data.administrators.map((one) => (
            <li key={one.email}>
              {one.name}, <span className="break">{one.email}</span> ({one.roles.map((role) => t(`roles.${role}`)).join(', ')})
            </li>
          ))}
        </ul>
      </section>
      <section className="panel" aria-labelledby="certificates">
        <h2 id="certificates">{t('self.certificates')}</h2>
        {data.certificates.length === 0 && <p>{t('self.noCertificates')}</p>}
        <ul>
          {data.certificates.map((one) => (
            <li key={one.serial}>
              <span className="code break">{one.serial}</span> {t('self.until', { date: date(one.not_after) })}{' '}
              {one.current && <Badge tone="success">{t('self.inUse')}</Badge>}
              {one.revoked_at !== null && <Badge tone="warning">{t('self.revoked')}</Badge>}
            </li>
          ))}
        </ul>
      </section>
      <p>
        <Link to="/me/secure-mail">{t('secureMail.link')}</Link>
      </p>
      <MyRights />
      {data.roles.length === 0 && <OwnAnonymity anonymous={data.anonymous} />}
      <OwnActivity />
      <section className="panel" aria-labelledby="dossier">
        <h2 id="dossier">{t('self.dossier.heading')}</h2>
        <p>{t('self.dossier.text')}</p>
        <p>
          <a href={`${baseUrl}/me/dossier.zip?lang=${t('self.dossier.lang')}`} download>
            <Icon name="download" /> {t('self.dossier.get')}
          </a>
        </p>
      </section>
    </>
  );
}

/** What the organisation has recorded of me. */
function OwnFacts({ self }: { self: Self }) {
  const { t } = useTranslation();
  const personFacts = usePersonFacts();
  return (
    <section className="panel" aria-labelledby="own-facts">
      <h2 id="own-facts">{t('self.facts.heading')}</h2>
      <dl className="facts">
        <FactList facts={[[t('self.facts.name'), `${self.given_name} ${self.surname}`], [t('employees.rid'), self.rid], ...personFacts(self)]} />
        <dt>{t('employees.codeCard.heading')}</dt>
        <dd>
          <CodeCardBadge state={self.code_card} />
        </dd>
      </dl>
      <p className="quiet small">{t('self.facts.text')}</p>
    </section>
  );
}

function Wishes({ self }: { self: Self }) {
  const { t } = useTranslation();
  const toast = useToast();
  const queries = useQueryClient();
  const { mutate, error, isPending } = useMutation({
    mutationFn: changeSelf,
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ['self'] });
      toast('success', t('self.saved'));
    },
  });
  return (
    <section className="panel" aria-labelledby="wishes">
      <h2 id="wishes">{t('self.wishes')}</h2>
      {error !== null && (
        <Alert tone="error" live>
          {errorText(error)}
        </Alert>
      )}
      <SelectField
        id="channel"
        label={t('self.channel')}
        disabled={isPending}
        value={self.channel}
        onChange={(event) => mutate({ channel: event.target.value })}
      >
        <option value="mail">{t('self.byMail')}</option>
        <option value="letter">{t('self.byLetter')}</option>
      </SelectField>
      <SelectField
        id="lang"
        label={t('self.language')}
        disabled={isPending}
        value={self.lang}
        onChange={(event) => mutate({ lang: event.target.value })}
      >
        <option value="da">Dansk</option>
        <option value="en">English</option>
      </SelectField>
      <Checkbox
        id="private-mitid"
        label={t('self.privateMitid')}
        disabled={isPending}
        checked={self.private_mitid_at !== null}
        onChange={(event) => mutate({ private_mitid: event.target.checked })}
      />
    </section>
  );
}
