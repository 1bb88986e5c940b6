import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorText } from '@/api/client';
import { type Carrier, carriers, ownSecureMailQuery, setOwnCarrier } from '@/api/secure-mail';
import { date } from '@/format';
import { LoadError } from '@/frame/failure';
import { Page } from '@/frame/page';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';
import { Skeleton } from '@/ui/feedback';
import { SelectField } from '@/ui/field';
import { useToast } from '@/ui/toast';
import { ArchivePanel } from './archive-panel';

/** Whether one loses old secure mail, and one's old key files. */
export function OwnSecureMailPage() {
  const { t } = useTranslation();
  const { data, error, refetch } = useQuery(ownSecureMailQuery);
  return (
    <Page title={t('secureMail.own.title')} lead={t('secureMail.own.lead')} parent={{ to: '/me', title: t('me.title') }} narrow>
      {error !== null && <LoadError error={error} onRetry={() => void refetch()} />}
      {data === undefined && error === null && <Skeleton label={t('ui.loading')} />}
      {data !== undefined && (
        <section className="panel" aria-labelledby="old-mail">
          <h2 id="old-mail">{t('secureMail.own.heading')}</h2>
          {data.carrier === 'central' && (
            <Alert tone="warning" heading={t(data.closed ? 'secureMail.own.lost' : 'secureMail.own.loses')}>
              {data.closed
                ? t('secureMail.own.lostText')
                : data.closes_at === null
                  ? t('secureMail.own.saveSometime')
                  : t('secureMail.own.save', { date: date(data.closes_at) })}
            </Alert>
          )}
          {data.carrier !== 'central' && <p>{t(`secureMail.own.${data.carrier}`)}</p>}
          <OwnCarrier key={data.carrier} carrier={data.carrier} />
        </section>
      )}
      <ArchivePanel />
    </Page>
  );
}

function OwnCarrier({ carrier }: { carrier: Carrier }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const toast = useToast();
  const [chosen, setChosen] = useState(carrier);
  const save = useMutation({
    mutationFn: () => setOwnCarrier(chosen),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ['secure-mail'] });
      toast('success', t('secureMail.saved'));
    },
  });
  return (
    <>
      {save.error !== null && (
        <Alert tone="error" live>
          {errorText(save.error)}
        </Alert>
      )}
      <SelectField id="carrier" label={t('secureMail.own.where')} hint={t('secureMail.own.whereHint')} value={chosen} onChange={(event) => setChosen(event.target.value as Carrier)}>
        {carriers.map((one) => (
          <option key={one} value={one}>
            {t(`secureMail.carriers.${one}`)}
          </option>
        ))}
      </SelectField>
      <Button pending={save.isPending} onClick={() => save.mutate()}>
        {t('secureMail.save')}
      </Button>
    </>
  );
}
