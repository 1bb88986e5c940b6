import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { SelectField, TextField } from '@/ui/field';
import { Panel, type PanelProps } from './panel';

const methods = ['digital_post', 'email', 'ean'] as const;

/** Where invoices go; an address is typed twice. */
export function InvoicePanel(props: PanelProps) {
  const { t } = useTranslation();
  const [again, setAgain] = useState('');
  const open = props.settings.public ? (['ean'] as const) : methods;
  const stored = props.settings.invoice.email;
  return (
    <Panel
      {...props}
      id="invoice"
      title={t('settings.invoice.title')}
      {...(props.settings.public && { lead: t('settings.invoice.public') })}
      part={({ invoice }) => ({ invoice })}
      check={({ invoice }) =>
        invoice.method === 'email' && invoice.email !== stored && invoice.email.trim() !== again.trim()
          ? t('settings.invoice.differ')
          : undefined
      }
    >
      {({ invoice }, edit, errorOf) => {
        const change = (part: Partial<typeof invoice>) => edit({ invoice: { ...invoice, ...part } });
        return (
          <>
            <SelectField
              id="invoice-method"
              label={t('settings.fields.invoice_method')}
              error={errorOf('invoice.method')}
              value={invoice.method}
              onChange={(event) => change({ method: event.target.value })}
            >
              <option value="">{t('settings.invoice.none')}</option>
              {open.map((method) => (
                <option key={method} value={method}>
                  {t(`settings.invoice.${method}`)}
                </option>
              ))}
            </SelectField>
            {invoice.method === 'email' && (
              <>
                <TextField
                  id="invoice-email"
                  type="email"
                  label={t('settings.fields.invoice_email')}
                  error={errorOf('invoice.email')}
                  autoComplete="off"
                  value={invoice.email}
                  onChange={(event) => change({ email: event.target.value })}
                />
                {invoice.email !== stored && (
                  <TextField
                    id="invoice-email-again"
                    type="email"
                    label={t('settings.invoice.again')}
                    autoComplete="off"
                    value={again}
                    onChange={(event) => setAgain(event.target.value)}
                  />
                )}
              </>
            )}
            {invoice.method === 'ean' && (
              <TextField
                id="invoice-ean"
                className="input-width-m"
                inputMode="numeric"
                label={t('settings.fields.invoice_ean')}
                hint={t('settings.invoice.eanHint')}
                error={errorOf('invoice.ean')}
                maxLength={20}
                value={invoice.ean}
                onChange={(event) => change({ ean: event.target.value })}
              />
            )}
          </>
        );
      }}
    </Panel>
  );
}
