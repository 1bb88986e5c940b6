import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type SyntheticEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorText } from '@/api/client';
import { archived, type ArchiveFile, archiveQuery, drop, keep } from '@/api/secure-mail';
import { saveFile } from '@/download';
import { dateTime } from '@/format';
import { LoadError } from '@/frame/failure';
import { openArchive, sealArchive } from '@/keyfile/archive';
import { fromBase64, toBase64 } from '@/keyfile/base64';
import { KeyFileError } from '@/keyfile/error';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';
import { Dialog } from '@/ui/dialog';
import { Skeleton } from '@/ui/feedback';
import { PasswordField, TextField } from '@/ui/field';
import { FileField } from '@/ui/file-field';
import { type Column, Table } from '@/ui/table';
import { useToast } from '@/ui/toast';

const shortest = 12;

/** What sealing adds to a file: mark, salt, nonce, tag and the name. */
const room = 1024;

/** Old key files, which only the owner's passphrase opens. */
export function ArchivePanel() {
  const { t } = useTranslation();
  const { data, error, refetch } = useQuery(archiveQuery);
  const [opening, setOpening] = useState<ArchiveFile>();
  const [dropping, setDropping] = useState<ArchiveFile>();
  const columns: Column<ArchiveFile>[] = [
    { heading: t('secureMail.archive.label'), rowHeading: true, cell: (one) => <span className="break">{one.label}</span> },
    { heading: t('secureMail.archive.kept'), cell: (one) => dateTime(one.created_at) },
    { heading: t('secureMail.archive.size'), cell: (one) => `${Math.ceil(one.size / 1024)} KB` },
    {
      heading: t('certificates.acts'),
      cell: (one) => (
        <>
          <Button variant="unstyled" icon="download" aria-label={t('secureMail.archive.openOne', { label: one.label })} onClick={() => setOpening(one)}>
            {t('secureMail.archive.open')}
          </Button>{' '}
          <Button variant="unstyled" icon="close" aria-label={t('secureMail.archive.dropOne', { label: one.label })} onClick={() => setDropping(one)}>
            {t('secureMail.archive.drop')}
          </Button>
        </>
      ),
    },
  ];
  return (
    <section className="panel" aria-labelledby="archive">
      <h2 id="archive">{t('secureMail.archive.heading')}</h2>
      <p>{t('secureMail.archive.text')}</p>
      {error !== null && <LoadError error={error} onRetry={() => void refetch()} />}
      {data === undefined && error === null && <Skeleton label={t('ui.loading')} />}
      {data?.items.length === 0 && <p className="quiet">{t('secureMail.archive.empty')}</p>}
      {data !== undefined && data.items.length > 0 && (
        <Table caption={t('secureMail.archive.heading')} columns={columns} rows={data.items} rowKey={(one) => one.id} />
      )}
      {data !== undefined && data.items.length < data.max_files && <KeepForm maxSize={data.max_size - room} />}
      {data !== undefined && data.items.length >= data.max_files && <p>{t('secureMail.archive.full', { count: data.max_files })}</p>}
      {opening !== undefined && <OpenDialog key={opening.id} file={opening} onClose={() => setOpening(undefined)} />}
      {dropping !== undefined && <DropDialog key={dropping.id} file={dropping} onClose={() => setDropping(undefined)} />}
    </section>
  );
}

function KeepForm({ maxSize }: { maxSize: number }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const toast = useToast();
  const [file, setFile] = useState<File>();
  const [label, setLabel] = useState('');
  const [passphrase, setPassphrase] = useState('');
  const [again, setAgain] = useState('');
  const [tried, setTried] = useState(false);
  const problems = {
    file: file === undefined ? t('secureMail.archive.fileMissing') : file.size > maxSize ? t('secureMail.archive.tooLarge', { size: Math.floor(maxSize / 1024) }) : undefined,
    label: label.trim() === '' ? t('secureMail.archive.labelMissing') : undefined,
    passphrase: passphrase.length < shortest ? t('secureMail.archive.short', { count: shortest }) : undefined,
    again: again !== passphrase ? t('secureMail.archive.differ') : undefined,
  };
  const shown = (key: keyof typeof problems) => (tried ? problems[key] : undefined);
  const save = useMutation({
    mutationFn: async (chosen: File) => {
      const content = new Uint8Array(await chosen.arrayBuffer());
      return keep(label.trim(), toBase64(await sealArchive({ name: chosen.name, content }, passphrase)));
    },
    onSuccess: async () => {
      setFile(undefined);
      setLabel('');
      setPassphrase('');
      setAgain('');
      setTried(false);
      await queries.invalidateQueries({ queryKey: archiveQuery.queryKey });
      toast('success', t('secureMail.archive.done'));
    },
  });
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    setTried(true);
    if (file !== undefined && Object.values(problems).every((one) => one === undefined) && !save.isPending) save.mutate(file);
  };
  return (
    <form noValidate onSubmit={submit}>
      <h3>{t('secureMail.archive.add')}</h3>
      {save.error !== null && (
        <Alert tone="error" live>
          {errorText(save.error)}
        </Alert>
      )}
      <FileField
        id="archive-file"
        label={t('secureMail.archive.file')}
        hint={t('secureMail.archive.fileHint', { size: Math.floor(maxSize / 1024) })}
        accept=".p12,.pfx,.html,.htm,application/x-pkcs12"
        error={shown('file')}
        file={file}
        onChange={setFile}
      />
      <TextField id="archive-label" label={t('secureMail.archive.label')} hint={t('secureMail.archive.labelHint')} maxLength={80} error={shown('label')} value={label} onChange={(e) => setLabel(e.target.value)} />
      <PasswordField id="archive-passphrase" label={t('secureMail.archive.passphrase')} hint={t('secureMail.archive.passphraseHint')} autoComplete="new-password" error={shown('passphrase')} value={passphrase} onChange={(e) => setPassphrase(e.target.value)} />
      <PasswordField id="archive-again" label={t('secureMail.archive.again')} autoComplete="new-password" error={shown('again')} value={again} onChange={(e) => setAgain(e.target.value)} />
      <div className="actions">
        <Button type="submit" variant="primary" icon="lock" pending={save.isPending}>
          {t('secureMail.archive.submit')}
        </Button>
      </div>
    </form>
  );
}

function OpenDialog({ file, onClose }: { file: ArchiveFile; onClose: () => void }) {
  const { t } = useTranslation();
  const [passphrase, setPassphrase] = useState('');
  const open = useMutation({
    mutationFn: async () => {
      const { name, content } = await openArchive(fromBase64((await archived(file.id)).content), passphrase);
      saveFile(content, name, 'application/octet-stream');
    },
    onSuccess: onClose,
  });
  const wrong = open.error instanceof KeyFileError;
  return (
    <Dialog
      open
      onClose={onClose}
      heading={t('secureMail.archive.opening', { label: file.label })}
      actions={
        <>
          <Button variant="primary" pending={open.isPending} onClick={() => open.mutate()}>
            {t('secureMail.archive.open')}
          </Button>
          <Button onClick={onClose}>{t('ui.cancel')}</Button>
        </>
      }
    >
      <p>{t('secureMail.archive.openText')}</p>
      {open.error !== null && !wrong && (
        <Alert tone="error" live>
          {errorText(open.error)}
        </Alert>
      )}
      <PasswordField id="open-passphrase" label={t('secureMail.archive.passphrase')} autoComplete="off" error={wrong ? t('secureMail.archive.wrong') : undefined} value={passphrase} onChange={(e) => setPassphrase(e.target.value)} />
    </Dialog>
  );
}

function DropDialog({ file, onClose }: { file: ArchiveFile; onClose: () => void }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const act = useMutation({
    mutationFn: () => drop(file.id),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: archiveQuery.queryKey });
      onClose();
    },
  });
  return (
    <Dialog
      open
      onClose={onClose}
      heading={t('secureMail.archive.dropping', { label: file.label })}
      actions={
        <>
          <Button variant="warning" pending={act.isPending} onClick={() => act.mutate()}>
            {t('secureMail.archive.drop')}
          </Button>
          <Button onClick={onClose}>{t('ui.cancel')}</Button>
        </>
      }
    >
      <p>{t('secureMail.archive.dropText')}</p>
      {act.error !== null && (
        <Alert tone="error" live>
          {errorText(act.error)}
        </Alert>
      )}
    </Dialog>
  );
}
