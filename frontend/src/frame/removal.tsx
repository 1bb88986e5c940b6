import { useMutation } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorText } from '@/api/client';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';
import { Dialog } from '@/ui/dialog';

interface RemovalProps {
  /** What the button and its confirmation say. */
  label: string;
  heading: string;
  /** What comes of it. */
  children: ReactNode;
  /** Removes, and tells the person. */
  remove: () => Promise<unknown>;
  variant?: 'secondary' | 'tertiary';
}

/** A button that removes something, once it was confirmed. */
export function Removal({ label, heading, children, remove, variant = 'tertiary' }: RemovalProps) {
  const { t } = useTranslation();
  const [asking, setAsking] = useState(false);
  const { mutate, isPending, error } = useMutation({ mutationFn: remove });
  return (
    <>
      <Button variant={variant} icon="delete" onClick={() => setAsking(true)}>
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
