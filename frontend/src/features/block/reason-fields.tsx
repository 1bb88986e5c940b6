import { useTranslation } from 'react-i18next';
import type { Schema } from '@/api/client';
import { SelectField, TextField } from '@/ui/field';

export type Reason = Schema['RevocationReason'];

export const reasons = [
  'key_compromise', 'content_wrong', 'affiliation_changed', 'superseded', 'cessation_of_operation', 'unspecified',
] as const satisfies Reason[];

/** A form's state: '' until a reason is chosen. */
export interface Grounds {
  reason: Reason | '';
  note: string;
}

export const noGrounds: Grounds = { reason: '', note: '' };

interface Props {
  id: string;
  value: Grounds;
  onChange: (value: Grounds) => void;
  /** The reason is missing and somebody has tried to send. */
  missing: boolean;
  /** Without it nobody is asked for more than the reason. */
  noted?: boolean;
}

/** Why a certificate is blocked: one of the grounds of OCES3, and what is added to it. */
export function ReasonFields({ id, value, onChange, missing, noted = true }: Props) {
  const { t } = useTranslation();
  return (
    <>
      <SelectField
        id={`${id}-reason`}
        label={t('block.reason.label')}
        error={missing && value.reason === '' ? t('block.reason.choose') : undefined}
        value={value.reason}
        onChange={(event) => onChange({ ...value, reason: event.target.value as Grounds['reason'] })}
      >
        <option value="">{t('block.reason.choose')}</option>
        {reasons.map((one) => (
          <option key={one} value={one}>
            {t(`block.grounds.${one}`)}
          </option>
        ))}
      </SelectField>
      {noted && (
        <TextField
          id={`${id}-note`}
          label={t('block.note')}
          optional
          maxLength={500}
          value={value.note}
          onChange={(event) => onChange({ ...value, note: event.target.value })}
        />
      )}
    </>
  );
}

/** What the API takes of it, undefined without a reason. */
export const revocation = ({ reason, note }: Grounds): Schema['Revocation'] | undefined =>
  reason === '' ? undefined : { reason, ...(note.trim() !== '' && { note: note.trim() }) };
