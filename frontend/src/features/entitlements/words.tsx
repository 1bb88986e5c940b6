import { useTranslation } from 'react-i18next';
import type { CatalogueRight, Holding, RightConstraint, RightRequest, RightScope } from '@/api/rights';
import { date } from '@/format';
import { Badge } from '@/ui/badge';

/** The name of a right in the language of the page. */
export function useRightName() {
  const { i18n } = useTranslation();
  return (right: Pick<CatalogueRight, 'name_da' | 'name_en'>) => (i18n.language === 'en' ? right.name_en : right.name_da);
}

/** What a right is limited to, in a few words. */
export function Limits({ scope, urn, constraints }: { scope?: RightScope | undefined; urn?: string | undefined; constraints?: RightConstraint[] | undefined }) {
  const { t } = useTranslation();
  const unit = scope === undefined ? urn : scope.value === '' ? t('entitlements.scope.cvr') : `${t(`entitlements.scope.${scope.kind}`)} ${scope.value}`;
  return (
    <>
      {unit}
      {(constraints ?? []).map((one) => (
        <span key={one.name} className="block quiet small break">
          {one.name}: {one.values.join(', ')}
        </span>
      ))}
    </>
  );
}

/** Where a right comes from. */
export function Source({ holding }: { holding: Holding }) {
  const { t } = useTranslation();
  if (holding.source === 'group') return <>{t('entitlements.source.groupNamed', { name: holding.group_name })}</>;
  if (holding.source === 'attorney') return <>{t('entitlements.source.attorneyOf', { name: holding.behalf })}</>;
  return <>{t(`entitlements.source.${holding.source}`)}</>;
}

/** Until when a right counts, and whether it does. */
export function Term({ holding }: { holding: Holding }) {
  const { t } = useTranslation();
  const later = holding.from !== undefined && new Date(holding.from) > new Date();
  return (
    <>
      {later && holding.from !== undefined && <span className="block">{t('entitlements.from', { date: date(holding.from) })}</span>}
      {holding.until === null ? !later && t('entitlements.forever') : t('entitlements.until', { date: date(holding.until) })}
      {!holding.live && !later && (
        <>
          {' '}
          <Badge>{t('entitlements.ended')}</Badge>
        </>
      )}
    </>
  );
}

const tones = { open: 'info', approved: 'success', rejected: 'error', withdrawn: undefined, expired: 'warning' } as const;

export function RequestBadge({ state }: { state: RightRequest['state'] }) {
  const { t } = useTranslation();
  return <Badge tone={tones[state]}>{t(`entitlements.state.${state}`)}</Badge>;
}
