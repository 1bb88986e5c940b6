import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorText } from '@/api/client';
import { blockOwnKeyFile, recodeOwnKeyFile, type Self } from '@/api/self';
import { noGrounds, ReasonFields, revocation } from '@/features/block/reason-fields';
import { RecodeDialog } from '@/features/certificates/dialogs';
import { date } from '@/format';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';
import { Dialog } from '@/ui/dialog';
import { useToast } from '@/ui/toast';

/** What one logs in with, and stopping it when it is lost. */
export function OwnKeyFile({ self }: { self: Self }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const toast = useToast();
  const [asking, setAsking] = useState(false);
  const [recoding, setRecoding] = useState(false);
  const [grounds, setGrounds] = useState(noGrounds);
  const [tried, setTried] = useState(false);
  const current = self.certificates.find((one) => one.current);
  const block = useMutation({
    mutationFn: blockOwnKeyFile,
    onSuccess: async () => {
      setAsking(false);
      toast('success', t('self.keyFile.done'));
      // The session may have ended with the key file: then the page leads to the login.
      await queries.invalidateQueries();
    },
  });
  const submit = () => {
    const why = revocation(grounds);
    setTried(true);
    if (current !== undefined && why !== undefined) block.mutate({ serial: current.serial, ...why });
  };
  return (
    <section className="panel" aria-labelledby="key-file">
      <h2 id="key-file">{t('me.keyFile.heading')}</h2>
      {current === undefined ? <p>{t('self.keyFile.none')}</p> : <p>{t('self.keyFile.until', { date: date(current.not_after) })}</p>}
      <p>{t('me.keyFile.text')}</p>
      {current !== undefined && (
        <>
          <p>{t('self.keyFile.recodeText')}</p>
          <div className="actions">
            <Button icon="lock" onClick={() => setAsking(true)}>
              {t('self.keyFile.block')}
            </Button>
            <Button onClick={() => setRecoding(true)}>{t('self.keyFile.recode')}</Button>
          </div>
          {recoding && <RecodeDialog serial={current.serial} open onClose={() => setRecoding(false)} make={recodeOwnKeyFile} />}
        </>
      )}
      <Dialog
        open={asking}
        onClose={() => setAsking(false)}
        heading={t('self.keyFile.heading')}
        actions={
          <>
            <Button variant="warning" pending={block.isPending} onClick={submit}>
              {t('self.keyFile.block')}
            </Button>
            <Button onClick={() => setAsking(false)}>{t('ui.cancel')}</Button>
          </>
        }
      >
        <p>{t('self.keyFile.warning')}</p>
        {block.error !== null && (
          <Alert tone="error" live>
            {errorText(block.error)}
          </Alert>
        )}
        <ReasonFields id="own" value={grounds} onChange={setGrounds} missing={tried} noted={false} />
      </Dialog>
    </section>
  );
}
