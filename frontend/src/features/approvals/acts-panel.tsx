import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type SyntheticEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorText, type Schema } from '@/api/client';
import { type ApprovalAct, actsQuery, chooseActs } from '@/api/roles';
import { may, type Session } from '@/api/session';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';
import { Choices } from '@/ui/choices';
import { useToast } from '@/ui/toast';

/** Which acts need two persons. */
export function ActsPanel({ session }: { session: Session }) {
  const { t } = useTranslation();
  const { data } = useQuery({ ...actsQuery, enabled: may(session, 'setting.view') });
  if (data === undefined) return null;
  const stored = data.acts.filter((act) => act.chosen).map((act) => act.name);
  return (
    <section className="panel" aria-labelledby="acts">
      <h2 id="acts">{t('approvals.acts.title')}</h2>
      <p>{t('approvals.acts.lead')}</p>
      <ActsForm key={stored.join()} acts={data.acts} stored={stored} changes={may(session, 'setting.change')} />
    </section>
  );
}

function ActsForm({ acts, stored, changes }: { acts: ApprovalAct[]; stored: string[]; changes: boolean }) {
  const { t, i18n } = useTranslation();
  const queries = useQueryClient();
  const toast = useToast();
  const [chosen, setChosen] = useState(stored);
  const save = useMutation({
    mutationFn: chooseActs,
    onSuccess: async (after: Schema['ApprovalActs'] | Schema['Approval']) => {
      await Promise.all(['approvals', 'settings'].map((key) => queries.invalidateQueries({ queryKey: [key] })));
      if ('acts' in after) toast('success', t('approvals.acts.saved'));
      else {
        setChosen(stored);
        toast('info', t('approvals.waits'));
      }
    },
  });
  const hint = (act: ApprovalAct): string =>
    act.holders > 1
      ? t('approvals.acts.holders', { count: act.holders })
      : t('approvals.acts.alone', { roles: act.roles.map((role) => t(`roles.${role}`)).join(', ') });
  const send = (event: SyntheticEvent) => {
    event.preventDefault();
    if (!save.isPending) save.mutate(chosen);
  };
  return (
    <form noValidate onSubmit={send}>
      {save.error !== null && (
        <Alert tone="error" live>
          {errorText(save.error)}
        </Alert>
      )}
      <Choices
        id="acts-chosen"
        legend={t('approvals.acts.legend')}
        disabled={!changes}
        options={acts.map((act) => ({ value: act.name, label: i18n.language === 'en' ? act.english : act.danish, hint: hint(act) }))}
        chosen={chosen}
        onChange={setChosen}
      />
      {changes && (
        <div className="actions">
          <Button type="submit" variant="primary" pending={save.isPending}>
            {t('roleAdmin.save')}
          </Button>
        </div>
      )}
    </form>
  );
}
