import { useTranslation } from 'react-i18next';
import type { Order, Profile, ProfileCertificate } from '@/api/certificates';
import type { Tone } from '@/ui/alert';
import { Badge } from '@/ui/badge';

type Name = Profile['state'] | ProfileCertificate['state'] | Order['state'];

const tones: Partial<Record<Name, Tone>> = {
  issued: 'success',
  expiring: 'warning',
  waiting: 'info',
  ready: 'info',
  expired: 'error',
  revoked: 'error',
  locked: 'error',
};

/** The state of a certificate. */
export function CertificateState({ state }: { state: Name }) {
  const { t } = useTranslation();
  return <Badge tone={tones[state]}>{t(`certificates.state.${state}`)}</Badge>;
}

/** The state of an order. */
export function OrderState({ state }: { state: Order['state'] }) {
  const { t } = useTranslation();
  return <Badge tone={tones[state]}>{t(`certificates.orderState.${state}`)}</Badge>;
}
