import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorText } from '@/api/client';
import { groupsQuery } from '@/api/groups';
import { publishedQuery } from '@/api/rights';
import { policyQuery, type ServicePolicy, type ServiceUse, setUse, usedQuery } from '@/api/services';
import { LoadError } from '@/frame/failure';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';
import { Choices } from '@/ui/choices';
import { Skeleton } from '@/ui/feedback';
import { useToast } from '@/ui/toast';
import { useRightName } from '../entitlements/words';
import { usePolicySave } from './policy-panel';

/** Saves what an organisation decides about a service it uses. */
export function useUseSave(id: string) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const toast = useToast();
  return useMutation({
    mutationFn: ({ withheld, groups, version }: { withheld: string[]; groups: string[]; version: number }) => setUse(id, { withheld, groups, version }),
    onSuccess: (use) => {
      queries.setQueryData(usedQuery(id).queryKey, use);
      toast('success', t('services.saved'));
    },
  });
}

export const withheldOf = (use: ServiceUse): string[] => use.attributes.filter((one) => one.withheld).map((one) => one.name);

/** Who may log in: groups of the own organisation, and holders of a right. */
export function AccessPanel({ id, own }: { id: string; own: boolean }) {
  const { t } = useTranslation();
  const use = useQuery(usedQuery(id));
  const policy = useQuery({ ...policyQuery(id), enabled: own });
  const error = use.error ?? policy.error;
  return (
    <section className="panel" aria-labelledby="access">
      <h2 id="access">{t('services.access.heading')}</h2>
      <p>{t('services.access.lead')}</p>
      {error !== null && <LoadError error={error} onRetry={() => void (use.refetch(), policy.refetch())} />}
      {use.data === undefined && error === null && <Skeleton label={t('ui.loading')} />}
      {use.data !== undefined && <Groups key={use.data.version} id={id} use={use.data} />}
      {policy.data !== undefined && <Rights key={`p${policy.data.version}`} id={id} policy={policy.data} />}
    </section>
  );
}

function Groups({ id, use }: { id: string; use: ServiceUse }) {
  const { t } = useTranslation();
  const [chosen, setChosen] = useState(use.groups);
  const { data } = useInfiniteQuery(groupsQuery);
  const { mutate, isPending, error } = useUseSave(id);
  const groups = data?.pages.flatMap((page) => page.items) ?? [];
  const options = groups.map((one) => ({ value: one.id, label: one.name }));
  for (const gone of use.groups) if (data !== undefined && !groups.some((one) => one.id === gone)) options.push({ value: gone, label: t('services.access.gone') });
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (!isPending) mutate({ withheld: withheldOf(use), groups: chosen, version: use.version });
      }}
    >
      {error !== null && (
        <Alert tone="error" live>
          {errorText(error)}
        </Alert>
      )}
      {data !== undefined && options.length === 0 && <p>{t('services.access.noGroups')}</p>}
      {options.length > 0 && (
        <>
          <Choices id="groups" legend={t('services.access.groups')} hint={t('services.access.groupsHint')} options={options} chosen={chosen} onChange={setChosen} />
          <div className="actions">
            <Button type="submit" pending={isPending}>
              {t('services.save')}
            </Button>
          </div>
        </>
      )}
    </form>
  );
}

function Rights({ id, policy }: { id: string; policy: ServicePolicy }) {
  const { t } = useTranslation();
  const nameOf = useRightName();
  const [chosen, setChosen] = useState(policy.rights);
  const { data } = useQuery(publishedQuery(id));
  const { mutate, isPending, error } = usePolicySave(id);
  const options = (data?.items ?? []).filter((one) => !one.retired || policy.rights.includes(one.uri)).map((one) => ({ value: one.uri, label: nameOf(one), hint: one.uri }));
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (!isPending) mutate({ ...policy, rights: chosen });
      }}
    >
      {error !== null && (
        <Alert tone="error" live>
          {errorText(error)}
        </Alert>
      )}
      {data !== undefined && options.length === 0 && <p>{t('services.access.noRights')}</p>}
      {options.length > 0 && (
        <>
          <Choices id="needed" legend={t('services.access.rights')} hint={t('services.access.rightsHint')} options={options} chosen={chosen} onChange={setChosen} />
          <div className="actions">
            <Button type="submit" pending={isPending}>
              {t('services.save')}
            </Button>
          </div>
        </>
      )}
    </form>
  );
}
