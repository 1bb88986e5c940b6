import { useMutation } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorText } from '@/api/client';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';
import { Dialog } from '@/ui/dialog';
import type { IconName } from '@/ui/icon';

interface AskFirstProps {
  /** What the button and its confirmation say. */
  label: string;
  heading: string;
  /** What comes of it. */
  children: ReactNode;
  /** Does it, and tells the person. */
  act: () => Promise<unknown>;
  icon?: IconName;
  variant?: 'secondary' | 'tertiary';
}

/** A button whose act cannot be taken back: it is asked about first. */
export function AskFirst({ label, heading, children, act, icon, variant = 'tertiary' }: AskFirstProps) {
  const { t } = useTranslation();
  const [asking, setAsking] = useState(false);
  const { mutate, isPending, error } = useMutation({ mutationFn: act });
  return (
    <>
      <Button variant={variant} {...(icon && { icon })} onClick={() => setAsking(true)}>
        {label}
      </Button>
      <Dialog
        open={asking}
        onClose={() => setAsking(false)}
        heading={heading}
        actions={
          <>
            <Button variant="warning" pending={isPending} onClick={() => mutate(undefined, { onSuccess: () => setAsking(false) })}>
              {label}
            </Button>
            <Button onClick={() => setAsking(false)}>{t('ui.cancel')}</Button>
          </>
        }
      >
        <p>{children}</p>
        {error !== null && (
          <Alert tone="error" live>
            {errorText(error)}
          </Alert>
        )}
      </Dialog>
    </>
  );
}
