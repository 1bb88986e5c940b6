import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { type SyntheticEvent, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Certificate, Refusal } from '@/api/inventory';
import { date } from '@/format';
import { Page } from '@/frame/page';
import { codeText, sentence } from '@/i18n';
import { KeyFileWorker } from '@/keyfile/client';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';
import { PasswordField } from '@/ui/field';
import { FilesField } from '@/ui/files-field';
import { type Column, Table } from '@/ui/table';
import { type Chosen, isKeyFile, type Outcome, send } from './take-in';
import { PlanBadge } from './words';

// A folder may hold many files; each is one call.
const mostFiles = 200;

/** Takes certificates in from files of any kind. */
export function UploadPage() {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [chosen, setChosen] = useState<Chosen[]>([]);
  const [missing, setMissing] = useState<string>();
  const [outcomes, setOutcomes] = useState<Outcome[]>([]);
  const last = useRef(0);
  const take = useMutation({
    mutationFn: async () => {
      const worker = new KeyFileWorker();
      setOutcomes([]);
      try {
        for (const one of chosen) {
          const outcome = await send(one, worker);
          setOutcomes((before) => [...before, outcome]);
        }
      } finally {
        worker.close();
      }
    },
    onSuccess: async () => {
      setChosen((all) => all.filter((one) => one.locked).map((one) => ({ ...one, password: '' })));
      await queries.invalidateQueries({ queryKey: ['inventory'] });
    },
  });
  const choose = async (files: File[]) => {
    const all = await Promise.all(
      files.slice(0, mostFiles).map(async (file) => {
        const head = new Uint8Array(await file.slice(0, 16).arrayBuffer());
        return { id: ++last.current, file, locked: isKeyFile(file.name, head), password: '' };
      }),
    );
    setMissing(files.length > mostFiles ? t('inventory.upload.many', { count: mostFiles }) : undefined);
    setChosen(all);
    setOutcomes([]);
  };
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    setMissing(chosen.length === 0 ? t('inventory.upload.missing') : undefined);
    if (chosen.length > 0 && !take.isPending) take.mutate();
  };
  return (
    <Page title={t('inventory.upload.title')} lead={t('inventory.upload.lead')} parent={{ to: '/inventory', title: t('inventory.title') }} narrow>
      <form className="panel" noValidate onSubmit={submit}>
        <FilesField
          id="files"
          label={t('inventory.upload.label')}
          hint={t('inventory.upload.hint')}
          accept=".cer,.crt,.pem,.der,.p12,.pfx,.p7c,.zip,.xml,.csv,.xlsx,application/x-pkcs12"
          error={missing}
          files={chosen.map((one) => one.file)}
          onChange={(files) => void choose(files)}
        />
        {chosen
          .filter((one) => one.locked)
          .map((one) => (
            <PasswordField
              key={one.id}
              id={`password-${one.id}`}
              label={t('inventory.upload.password', { name: one.file.name })}
              hint={t('inventory.upload.passwordHint')}
              autoComplete="off"
              value={one.password}
              onChange={(event) => {
                const password = event.target.value;
                setChosen((all) => all.map((other) => (other.id === one.id ? { ...other, password } : other)));
              }}
            />
          ))}
        <div className="actions">
          <Button type="submit" variant="primary" icon="upload" pending={take.isPending}>
            {t('inventory.upload.submit')}
          </Button>
        </div>
      </form>
      <div role="status">{take.isPending && <p>{t('inventory.upload.working', { done: outcomes.length, total: chosen.length })}</p>}</div>
      {outcomes.length > 0 && <Outcomes outcomes={outcomes} done={!take.isPending} />}
      <section className="panel" aria-labelledby="kinds">
        <h2 id="kinds">{t('inventory.upload.whatHeading')}</h2>
        <ul>
          {(['certificates', 'keyFiles', 'metadata', 'lists', 'zip'] as const).map((one) => (
            <li key={one}>{t(`inventory.upload.what.${one}`)}</li>
          ))}
        </ul>
      </section>
    </Page>
  );
}

function Outcomes({ outcomes, done }: { outcomes: Outcome[]; done: boolean }) {
  const { t } = useTranslation();
  const added = outcomes.flatMap((one) => one.added);
  const sum = (of: 'known' | 'replaced') => outcomes.reduce((all, one) => all + one[of], 0);
  const problems = outcomes.flatMap((one) => [
    ...(one.failure === undefined ? [] : [{ file: one.name, where: '', text: one.failure }]),
    ...one.refused.map((refusal) => ({ file: one.name, where: refusal.where, text: refusalText(refusal) })),
  ]);
  const columns: Column<(typeof problems)[number]>[] = [
    { heading: t('inventory.upload.file'), rowHeading: true, cell: (one) => <span className="break">{one.file}</span> },
    { heading: t('inventory.upload.where'), cell: (one) => <span className="break">{one.where === '' ? '–' : one.where}</span> },
    { heading: t('inventory.upload.why'), cell: (one) => one.text },
  ];
  return (
    <section className="panel" aria-labelledby="outcome">
      <h2 id="outcome">{t('inventory.upload.outcome')}</h2>
      {done && (
        <Alert tone={added.length === 0 && problems.length > 0 ? 'error' : problems.length > 0 ? 'warning' : 'success'} live>
          {[
            t('inventory.upload.added', { count: added.length }),
            t('inventory.upload.known', { count: sum('known') }),
            sum('replaced') > 0 ? t('inventory.upload.replaced', { count: sum('replaced') }) : '',
            problems.length > 0 ? t('inventory.upload.refused', { count: problems.length }) : '',
          ]
            .filter((text) => text !== '')
            .join(' ')}
        </Alert>
      )}
      {outcomes.some((one) => one.keyKept) && <p>{t('inventory.upload.keyKept')}</p>}
      {added.length > 0 && <Added added={added} />}
      {problems.length > 0 && (
        <>
          <h3>{t('inventory.upload.notTaken')}</h3>
          <Table caption={t('inventory.upload.notTaken')} columns={columns} rows={problems} rowKey={(one) => `${one.file} ${one.where} ${one.text}`} />
        </>
      )}
    </section>
  );
}

const refusalText = (refusal: Refusal): string => sentence(refusal.code, refusal.message) ?? codeText('refused') ?? refusal.message;

function Added({ added }: { added: Certificate[] }) {
  const { t } = useTranslation();
  const columns: Column<Certificate>[] = [
    {
      heading: t('inventory.name'),
      rowHeading: true,
      cell: (one) => (
        <Link to="/inventory/$id" params={{ id: one.id }}>
          {one.name}
        </Link>
      ),
    },
    {
      heading: t('inventory.kind'),
      cell: (one) => (
        <>
          {t(`inventory.kinds.${one.kind}`)}
          <span className="block quiet small">{t(`inventory.generations.${one.generation}`)}</span>
        </>
      ),
    },
    { heading: t('inventory.notAfter'), cell: (one) => <span className="nowrap">{date(one.not_after)}</span> },
    { heading: t('inventory.plan'), cell: (one) => <PlanBadge plan={one.plan} /> },
  ];
  return <Table caption={t('inventory.upload.outcome')} columns={columns} rows={added} rowKey={(one) => one.id} />;
}
